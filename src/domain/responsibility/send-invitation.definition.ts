import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Mails one contact: a link to sign, what changed after signing, or the question whether they are the contact. */
export const sendInvitation = defineJob({
  name: 'responsibility.send-invitation',
  queue: 'notices',
  payload: z.object({ invitationId: z.uuid() }),
  retry: { attempts: 8, backoff: 10 * SECOND },
});
