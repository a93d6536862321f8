import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob, type EventDefinition } from '../../platform/outbox/definitions.ts';
import { quarantined, released } from '../integrations/integrations.events.ts';

/** Looks again at one integration, soon: for whoever just changed something and waits for the answer. */
export const reEvaluate = defineJob({
  name: 'policy.re-evaluate',
  queue: 'housekeeping',
  payload: z.object({ integrationId: z.uuid() }),
  retry: { attempts: 5, backoff: MINUTE },
  // What a version of an agreement changes is noted by the database, in the transaction that publishes it.
  on: [quarantined, released] as EventDefinition<{ integrationId: string }>[],
});
