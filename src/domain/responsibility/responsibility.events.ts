import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

const version = z.object({ integrationId: z.uuid(), versionId: z.uuid() });

/** A version lies before those who must sign it. */
export const matrixProposed = defineEvent({ name: 'responsibility.matrix-proposed', payload: version });

/** One party signed, or its paper was confirmed. */
export const matrixAttested = defineEvent({ name: 'responsibility.matrix-attested', payload: version });

/** Every party that must sign has signed the same hash. */
export const matrixCountersigned = defineEvent({
  name: 'responsibility.matrix-countersigned',
  payload: version,
});

/**
 * What both sides signed stands no longer as it was: the signatures fell, ran out or were withdrawn, or an immaterial new
 * version took its place. The version is the one concerned.
 */
export const matrixChanged = defineEvent({ name: 'responsibility.matrix-changed', payload: version });
