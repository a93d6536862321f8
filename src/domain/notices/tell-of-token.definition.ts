import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** Mails one reader that a token was made which acts as them, or for their party. */
export const tellOfToken = defineJob({
  name: 'notices.tell-of-token',
  queue: 'notices',
  payload: z.object({
    tokenId: z.uuid(),
    to: z.object({ kind: z.enum(['user', 'contact']), id: z.uuid() }),
  }),
  retry: { attempts: 8, backoff: 10 * SECOND },
});
