import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** A second person approved a mass revocation: it starts. */
export const massRevocationApproved = defineEvent({
  name: 'incidents.mass-revocation-approved',
  payload: z.strictObject({ massRevocationId: z.uuid() }),
});
