import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** An endpoint was disabled, failed for so long that messages were given up, or is well again. */
export const endpointChanged = defineEvent({
  name: 'signals.endpoint-changed',
  payload: z.strictObject({
    subscriptionId: z.uuid(),
    to: z.enum(['disabled', 'given_up', 'failing', 'well']),
    why: z.string().max(500),
  }),
});
