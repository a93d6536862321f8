import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { locationAdded } from '../credentials/credentials.events.ts';

/** A copy came to be: the row that speaks of it moves towards whoever added it, and both sides are asked to sign. */
export const shiftRow = defineJob({
  name: 'responsibility.shift-row',
  queue: 'housekeeping',
  payload: z.object({
    locationId: z.uuid(),
    credentialId: z.uuid(),
    integrationId: z.uuid(),
    partyId: z.uuid(),
    kind: z.string(),
    arrivedBy: z.string(),
    addedBy: z.string().optional(),
  }),
  retry: { attempts: 8, backoff: MINUTE },
  on: [locationAdded],
});
