import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

const id = z.uuid();
const version = z.object({ versionId: id, credentialId: id, integrationId: id });

/** A facet of a version's death has another value than before. `from` null: nobody had looked. */
export const facetChanged = defineEvent({
  name: 'revocation.facet-changed',
  payload: version.extend({
    facet: z.enum(['revocation', 'liveness', 'sessions', 'copy']),
    from: z.string().nullable(),
    to: z.string(),
    locationId: id.nullable(),
  }),
});

/** What was proven dead was accepted again. */
export const cameBackToLife = defineEvent({
  name: 'revocation.came-back-to-life',
  payload: version.extend({ evidenceId: id, at: z.string() }),
});

/** A named person signed that something was done. */
export const statementSigned = defineEvent({
  name: 'revocation.statement-signed',
  payload: z.object({
    statementId: id,
    kind: z.string(),
    subjectKind: z.enum(['credential_version', 'location']),
    subjectId: id,
    integrationId: id,
  }),
});

/** A look showed that a copy is gone, or still there. */
export const copyShown = defineEvent({
  name: 'revocation.copy-shown',
  payload: z.object({
    subjectId: id.describe('The location'),
    versionId: id,
    verdict: z.enum(['gone', 'present']),
  }),
});

/** Somebody recorded a throwaway credential for drills. */
export const canaryAdded = defineEvent({
  name: 'revocation.canary-added',
  payload: z.object({ connectionId: id, canaryId: id }),
});

/** A path was tried. */
export const drillEnded = defineEvent({
  name: 'revocation.drill-ended',
  payload: z.object({
    drillId: id,
    pathId: id,
    integrationId: id,
    outcome: z.enum(['passed', 'failed', 'cancelled']),
  }),
});

/** Two people carry a risk by name until a date. */
export const riskAccepted = defineEvent({
  name: 'revocation.risk-accepted',
  payload: z.object({ subjectId: id, integrationId: id }),
});
