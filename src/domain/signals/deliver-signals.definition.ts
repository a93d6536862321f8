import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Wakes the sender. What is to be sent stands in the rows. */
export const deliverSignals = defineJob({
  name: 'signals.deliver',
  queue: 'notices',
  payload: z.strictObject({}),
  retry: { attempts: 5, backoff: SECOND },
});
