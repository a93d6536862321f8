import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/**
 * Versions, or fingerprints of versions, are new: earlier reports that matched nothing may match now. One event for a
 * whole import, one for a single version.
 */
export const versionAdded = defineEvent({
  name: 'credentials.version-added',
  payload: z.object({ importJobId: z.uuid().optional(), versionId: z.uuid().optional() }),
});
