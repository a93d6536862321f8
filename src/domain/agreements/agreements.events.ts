import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** A version was published: windows, recipients or authority of integrations under the agreement may be others now. */
export const versionPublished = defineEvent({
  name: 'agreements.version-published',
  payload: z.strictObject({ agreementId: z.uuid(), versionId: z.uuid(), number: z.int() }),
});
