import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

/** How many ids fit into one event; an import of more writes several. */
export const VERSIONS_PER_EVENT = 200;

/**
 * Versions came to be known, with their fingerprints. An exposure that matched nothing may match now. An empty list means
 * "many": whoever listens looks at all.
 */
export const versionAdded = defineEvent({
  name: 'credentials.version-added',
  payload: z.strictObject({ versionIds: z.array(z.uuid()).max(VERSIONS_PER_EVENT) }),
});

/** Scopes were added to a credential: it may do more than it could. */
export const scopesChanged = defineEvent({
  name: 'credentials.scopes-changed',
  payload: z.strictObject({
    credentialId: z.uuid(),
    /** Its home. */
    integrationId: z.uuid(),
  }),
});

/**
 * A copying path came to be: whoever put it there holds the credential, too, and the row of the matrix that speaks of
 * storage and distribution has to say so.
 */
export const locationAdded = defineEvent({
  name: 'credentials.location-added',
  payload: z.strictObject({
    locationId: z.uuid(),
    credentialId: z.uuid(),
    integrationId: z.uuid(),
    /** Who owns the place. */
    partyId: z.uuid(),
    kind: z.string(),
    arrivedBy: z.string(),
    /** Account or token of whoever recorded it. */
    addedBy: z.string().optional(),
  }),
});
