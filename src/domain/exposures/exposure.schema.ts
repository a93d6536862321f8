import { z } from 'zod';
import { TRUSTS } from './exposure.rules.ts';

const instant = z.iso.datetime();

export const EXPOSURE_STATES = [
  'received',
  'fetching',
  'matched',
  'triage',
  'accepted',
  'dismissed',
] as const;

/** An exposure as the operator sees it. */
export const exposureSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    state: z.enum(EXPOSURE_STATES),
    triageReason: z.string().nullable(),
    dismissRequestedBy: z.string().nullable(),
    match: z.enum(['value', 'metadata', 'none']).nullable(),
    trust: z.enum(TRUSTS),
    versionId: z.uuid().nullable(),
    credentialId: z.uuid().nullable(),
    credentialName: z.string().nullable(),
    integrationId: z.uuid().nullable(),
    incidentId: z.uuid().nullable(),
    incidentReference: z.string().nullable(),
    sourceId: z.uuid().nullable(),
    sourceName: z.string().nullable(),
    reporterKind: z.string(),
    reporterPartyId: z.uuid().nullable(),
    externalRef: z.string(),
    place: z.string().nullable(),
    kind: z.string().nullable(),
    supplierId: z.string().nullable(),
    sourceSays: z.enum(['live', 'dead', 'unknown']),
    publiclyLeaked: z.boolean(),
    occurredAt: instant.nullable(),
    detectedAt: instant.nullable(),
    receivedAt: instant,
    matchedAt: instant.nullable(),
    resolution: z.string().nullable(),
    resolvedAt: instant.nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Exposure' });
export type ExposureView = z.output<typeof exposureSchema>;

export const exposureDetailSchema = exposureSchema
  .extend({
    foundAt: z.array(
      z.object({
        type: z.string(),
        url: z.string().nullable(),
        path: z.string().nullable(),
        line: z.int().nullable(),
        seenAt: instant,
      }),
    ),
  })
  .meta({ id: 'ExposureDetail' });
export type ExposureDetail = z.output<typeof exposureDetailSchema>;

/** A party's own report: nothing of what it matched. */
export const ownReportSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    externalRef: z.string(),
    kind: z.string().nullable(),
    place: z.string().nullable(),
    detectedAt: instant.nullable(),
    receivedAt: instant,
  })
  .meta({ id: 'OwnExposureReport' });
export type OwnReport = z.output<typeof ownReportSchema>;

export const exposuresSchema = z
  .object({ exposures: z.array(z.union([exposureSchema, ownReportSchema])), next: z.uuid().nullable() })
  .meta({ id: 'Exposures' });

export const listExposuresSchema = z.strictObject({
  state: z.enum(EXPOSURE_STATES, `must be one of ${EXPOSURE_STATES.join(', ')}`).optional(),
  incident: z.uuid().optional().describe('For the operator alone'),
  cursor: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const filedSchema = z
  .object({ exposures: z.array(z.object({ reference: z.string(), ref: z.string() })) })
  .meta({ id: 'FiledExposures' });

export const dismissSchema = z
  .strictObject({ reason: z.string().trim().min(3, 'must say why').max(2000) })
  .meta({ id: 'Dismissal' });

export const matchByHandSchema = z
  .strictObject({ versionId: z.uuid(), reason: z.string().trim().min(3, 'must say why').max(2000) })
  .meta({ id: 'MatchByHand' });
