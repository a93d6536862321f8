import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** Nobody has owned these for a day: they are quarantined. */
export const quarantined = defineEvent({
  name: 'integrations.quarantined',
  payload: z.strictObject({ integrationId: z.uuid(), was: z.string() }),
});

/** Somebody owns it again. What was live is approved and has to pass the gate. */
export const released = defineEvent({
  name: 'integrations.released',
  payload: z.strictObject({ integrationId: z.uuid(), was: z.string(), state: z.string() }),
});
