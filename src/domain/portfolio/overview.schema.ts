import { z } from 'zod';
import {
  credentialCoreSchema,
  locationViewSchema,
  versionViewSchema,
} from '../credentials/credential.schema.ts';
import { integrationCoreSchema } from '../integrations/integration.schema.ts';
import { matrixViewSchema } from '../responsibility/matrix.schema.ts';

/** The facets of a version's death, side by side: none implies another. */
export const facetsSchema = z
  .object({
    revocation: z.enum(['none', 'requested', 'accepted', 'rejected']),
    liveness: z.enum(['live', 'dead', 'indeterminate']).nullable().describe('null: nobody looked'),
    livenessAt: z.iso.datetime().nullable(),
    sessions: z.enum(['unknown', 'ended', 'residual', 'none']),
    sessionsUntil: z.iso.datetime().nullable(),
  })
  .meta({ id: 'DeathFacets' });
export type FacetsView = z.infer<typeof facetsSchema>;

export const stopperSchema = z
  .object({
    pathId: z.uuid(),
    kind: z.enum(['connector', 'contact']),
    partyId: z.uuid(),
    label: z.string(),
    byMachine: z.boolean(),
    expectedMinutes: z.number(),
    measured: z.boolean(),
    standing: z.enum(['proven', 'untried', 'drill_too_old', 'drill_failed']),
    lastDrill: z.object({ at: z.iso.datetime(), outcome: z.enum(['passed', 'failed']) }).nullable(),
    attempt: z
      .object({
        state: z.enum(['trying', 'asked', 'gave_up', 'accepted']),
        since: z.iso.datetime(),
        reason: z.string(),
      })
      .nullable()
      .describe(
        'How it fared in the revocation that tried one path after another. null: none did, or not this one',
      ),
  })
  .meta({ id: 'Stopper' });
export type StopperView = z.infer<typeof stopperSchema>;

const versionWithFacets = versionViewSchema.extend({ death: facetsSchema });

export const credentialViewSchema = credentialCoreSchema
  .extend({
    versions: z.array(versionWithFacets),
    stoppers: z
      .array(stopperSchema)
      .describe('Who can still stop it, in the order to call. Empty is the worst finding there is'),
  })
  .meta({ id: 'Credential' });
export type CredentialView = z.infer<typeof credentialViewSchema>;

/** A credential as an integration uses it. Of one whose home the reader may not see only the use is known. */
export const usedCredentialSchema = z
  .object({
    id: z.uuid(),
    label: z.string(),
    purpose: z.string(),
    home: z.boolean(),
    shared: z.boolean(),
    type: z.string().nullable(),
    environment: z.string().nullable(),
    revocability: z.string().nullable(),
    versions: z.array(versionWithFacets),
    stoppers: z.array(stopperSchema),
  })
  .meta({ id: 'UsedCredential' });
export type UsedCredential = z.infer<typeof usedCredentialSchema>;

export const integrationViewSchema = integrationCoreSchema
  .extend({
    matrix: matrixViewSchema.nullable().describe('The one in force'),
    credentials: z.array(usedCredentialSchema),
    locations: z.array(locationViewSchema),
  })
  .meta({ id: 'Integration' });
export type IntegrationView = z.infer<typeof integrationViewSchema>;

export const connectionViewSchema = z
  .object({
    id: z.uuid(),
    source: z.string(),
    key: z.string().nullable(),
    name: z.string(),
    party: z.object({ id: z.uuid(), name: z.string() }),
    preset: z.string(),
    baseUrl: z.string().describe("Empty: the preset's"),
    environment: z.string(),
    secrets: z.array(z.string()).describe('Names of the secrets that are set; their values are never shown'),
    control: z
      .object({ set: z.boolean(), supplierId: z.string().nullable() })
      .describe('The canary that proves a probe right'),
    maxConcurrent: z.int(),
    perSecond: z.number().nullable(),
    credentials: z.int(),
    retiredAt: z.iso.datetime().nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Connection' });
export type ConnectionView = z.infer<typeof connectionViewSchema>;

const secretText = z.string().min(1, 'must not be empty').max(65_536);
export const connectionSecretsSchema = z
  .strictObject({
    auth: z
      .record(z.string().regex(/^[a-z][a-z0-9_]{0,59}$/, 'must be a name that the preset gives'), secretText)
      .optional()
      .describe('By the names that the preset gives; names that are left out keep what is stored'),
    control: z
      .strictObject({ supplierId: z.string().min(1).max(500).nullish(), value: secretText.nullish() })
      .nullable()
      .optional()
      .describe('The control canary; null: none'),
  })
  .refine((body) => body.auth !== undefined || body.control !== undefined, {
    message: 'must say auth or control',
  })
  .meta({ id: 'ConnectionSecrets' });
