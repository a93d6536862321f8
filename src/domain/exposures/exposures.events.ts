import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** Exposures of one batch wait to be matched and accepted. */
export const exposuresReported = defineEvent({
  name: 'exposures.reported',
  payload: z.strictObject({ batchId: z.uuid() }),
});
