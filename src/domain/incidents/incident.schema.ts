import { z } from 'zod';
import { parseStated } from '../../kernel/time.ts';
import { INCIDENT_STATES } from './incident.rules.ts';
import { INSTANT_KINDS } from './instants.ts';

const id = z.uuid();
const instant = z.iso.datetime();
const count = z.int();

export const incidentSchema = z
  .object({
    id,
    reference: z.string(),
    title: z.string(),
    state: z.enum(INCIDENT_STATES),
    severity: z.enum(['low', 'medium', 'high', 'critical']),
    previousIncidentId: id.nullable(),
    awarenessAt: instant,
    openedAt: instant,
    containedAt: instant.nullable(),
    closedAt: instant.nullable(),
    dismissRequestedBy: z.string().nullable(),
    acknowledgedAt: instant.nullable(),
    counts: z.object({
      exposures: count,
      credentials: count,
      verifiedDead: count,
      cases: count,
      locations: count,
      locationsCleared: count,
    }),
    rowVersion: z.int(),
  })
  .meta({ id: 'Incident' });
export type IncidentView = z.output<typeof incidentSchema>;

export const incidentsSchema = z
  .object({ incidents: z.array(incidentSchema), next: z.string().nullable() })
  .meta({ id: 'Incidents' });

/** One exposed credential version with its four facets of death; `containment` is what they come to. */
export const exposedCredentialSchema = z
  .object({
    versionId: id,
    credentialId: id,
    credentialReference: z.string(),
    integrationId: id,
    integrationName: z.string(),
    name: z.string(),
    number: z.int(),
    kind: z.string(),
    environment: z.string(),
    supplierPartyId: id.describe('The verifier: the only one whose refusal is death'),
    supplierName: z.string(),
    supplierId: z.string().nullable(),
    risk: z.int(),
    revocability: z.string(),
    match: z.enum(['value', 'metadata']),
    authority: z.enum(['revoke_now', 'replace_first', 'approve_within']),
    approveWithinMinutes: z.int().nullable(),
    approveOtherwise: z.string().nullable(),
    mayAct: z.enum(['act', 'approve', 'replace_first', 'person']),
    why: z.string(),
    runId: id.nullable(),
    joinedAt: instant,
    revocation: z.enum(['none', 'requested', 'accepted', 'rejected']),
    revocationAt: instant.nullable(),
    liveness: z.enum(['live', 'dead', 'indeterminate']).nullable().describe('null: nobody has looked'),
    livenessAt: instant.nullable(),
    sessions: z.enum(['unknown', 'ended', 'residual', 'none']),
    sessionsUntil: instant.nullable(),
    copies: z.object({ total: count, gone: count, present: count, unprovable: count }),
    statements: z.array(z.string()),
    riskAcceptedUntil: instant.nullable(),
  })
  .meta({ id: 'ExposedCredential' });
export type ExposedCredentialView = z.output<typeof exposedCredentialSchema>;

export const exposedCredentialsSchema = z
  .object({ credentials: z.array(exposedCredentialSchema), next: z.string().nullable() })
  .meta({ id: 'ExposedCredentials' });

export const exposedLocationSchema = z
  .object({
    locationId: id,
    versionId: id,
    credentialName: z.string(),
    integrationId: id,
    kind: z.string(),
    name: z.string(),
    path: z.string(),
    partyId: id,
    partyName: z.string(),
    provable: z.string(),
    verdict: z.enum(['gone', 'present', 'cannot_be_proven']).nullable(),
    method: z.string().nullable(),
    at: instant.nullable(),
    riskAcceptedUntil: instant.nullable(),
  })
  .meta({ id: 'ExposedLocation' });
export type ExposedLocationView = z.output<typeof exposedLocationSchema>;

export const exposedLocationsSchema = z
  .object({ locations: z.array(exposedLocationSchema), next: z.string().nullable() })
  .meta({ id: 'ExposedLocations' });

/** What an outside party sees of a leak: its own integration's part of it. */
export const caseSchema = z
  .object({
    id,
    reference: z.string(),
    incidentId: id.nullable().describe('For the operator alone'),
    integrationId: id,
    integrationName: z.string(),
    state: z.enum(['open', 'contained', 'closed', 'dismissed']),
    awarenessAt: instant,
    openedAt: instant,
    containedAt: instant.nullable(),
    closedAt: instant.nullable(),
    summary: z.string(),
    matrixVersionId: id.nullable(),
    agreementVersionId: id.nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Case' });
export type CaseView = z.output<typeof caseSchema>;

export const casesSchema = z
  .object({ cases: z.array(caseSchema), next: z.string().nullable() })
  .meta({ id: 'Cases' });

export const caseDetailSchema = caseSchema
  .extend({
    credentials: z.array(
      z.object({
        label: z.string(),
        joinedAt: instant,
        liveness: z.enum(['live', 'dead', 'indeterminate']).nullable(),
        revocation: z.enum(['none', 'requested', 'accepted', 'rejected']).nullable(),
      }),
    ),
    copies: z.object({ total: count, gone: count }),
  })
  .meta({ id: 'CaseDetail' });
export type CaseDetail = z.output<typeof caseDetailSchema>;

export const instantSchema = z
  .object({
    id,
    caseId: id.nullable(),
    kind: z.enum(INSTANT_KINDS),
    at: instant,
    zone: z.string(),
    assertedByKind: z.string(),
    assertedBy: z.string(),
    basis: z.string(),
    disputesId: id.nullable(),
    recordedAt: instant,
  })
  .meta({ id: 'Instant' });
export type InstantView = z.output<typeof instantSchema>;

export const instantsSchema = z.object({ instants: z.array(instantSchema) }).meta({ id: 'Instants' });

const reason = z.string().trim().min(3, 'must say why').max(2000);
export const reasonSchema = z.strictObject({ reason }).meta({ id: 'Reason' });

export const assertInstantSchema = z
  .strictObject({
    kind: z.enum(INSTANT_KINDS, `must be one of ${INSTANT_KINDS.join(', ')}`),
    at: z
      .string()
      .refine(
        (text) => parseStated(text) !== undefined,
        'must be an RFC 3339 time with an offset, of this century',
      )
      .meta({ format: 'date-time' }),
    zone: z.string().max(60).default('UTC').describe('As it was stated'),
    basis: z.string().trim().min(3, 'must say what it rests on').max(1000),
    caseId: id.nullable().default(null).describe('Of one case; null: of the incident and each of its cases'),
    disputesId: id.optional().describe('The instant that this one contradicts'),
  })
  .meta({ id: 'InstantAsserted' });
export type AssertInstant = z.output<typeof assertInstantSchema>;

export const movedSchema = z.object({ state: z.enum(INCIDENT_STATES) }).meta({ id: 'IncidentMoved' });
