import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Looks again at one integration, soon: for whoever just changed something and waits for the answer. */
export const reEvaluate = defineJob({
  name: 'policy.re-evaluate',
  queue: 'housekeeping',
  payload: z.object({ integrationId: z.uuid() }),
  retry: { attempts: 5, backoff: MINUTE },
});
