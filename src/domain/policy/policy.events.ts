import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

const id = z.uuid();

/** The gate let an integration into production. */
export const wentLive = defineEvent({
  name: 'policy.went-live',
  payload: z.object({ integrationId: id, decisionId: id }),
});

/** The pass of a live integration changed: lost until the end of its grace, refused when nobody mended it, held again. */
export const passChanged = defineEvent({
  name: 'policy.pass-changed',
  payload: z.object({
    integrationId: id,
    decisionId: id,
    to: z.enum(['held', 'lost', 'refused']),
    graceUntil: z.string().nullable(),
    ownerContactId: id.nullable(),
  }),
});

/** An integration ended: every credential of it is dead, every copy accounted for, or carried by name. */
export const retired = defineEvent({ name: 'policy.retired', payload: z.object({ integrationId: id }) });
