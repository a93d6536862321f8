import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Lays an offering before one customer; one that fails stops no other. */
export const proposeOffering = defineJob({
  name: 'responsibility.propose-offering',
  queue: 'housekeeping',
  payload: z.object({ targetId: z.uuid() }),
  retry: { attempts: 8, backoff: 5 * SECOND },
});
