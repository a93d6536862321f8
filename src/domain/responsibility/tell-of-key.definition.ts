import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Mails a contact that a key was registered to sign with in their name. */
export const tellOfKey = defineJob({
  name: 'responsibility.tell-of-key',
  queue: 'notices',
  payload: z.object({ keyId: z.uuid() }),
  retry: { attempts: 8, backoff: 10 * SECOND },
});
