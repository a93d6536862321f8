import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** A human being confirmed that the notice was received. */
export const noticeAcknowledged = defineEvent({
  name: 'notices.acknowledged',
  payload: z.object({ noticeId: z.uuid() }),
});
