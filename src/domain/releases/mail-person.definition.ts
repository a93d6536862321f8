import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Mails one person of the operator about a release: a glass that was broken past them, or a consent that is theirs. */
export const mailPerson = defineJob({
  name: 'releases.mail-person',
  queue: 'notices',
  payload: z.discriminatedUnion('about', [
    z.object({ about: z.literal('break-glass'), personId: z.uuid(), revealId: z.uuid() }),
    z.object({ about: z.literal('consent'), personId: z.uuid(), checkoutId: z.uuid() }),
  ]),
  retry: { attempts: 8, backoff: 10 * SECOND },
});
