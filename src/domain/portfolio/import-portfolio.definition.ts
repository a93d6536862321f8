import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** An import that waits for a worker. */
export const importPortfolio = defineJob({
  name: 'portfolio.import',
  queue: 'housekeeping',
  payload: z.object({ jobId: z.uuid() }),
  retry: { attempts: 3, backoff: 5 * SECOND },
});
