import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** A token was made by somebody else than whom, or whose party, it acts for. */
export const tokenMadeForAnother = defineEvent({
  name: 'access.token-made-for-another',
  payload: z.object({ tokenId: z.uuid() }),
});
