import { z } from 'zod';
import { SHOWN_BY } from './convergence.rules.ts';
import {
  instant,
  keySchema,
  line,
  listOf,
  oneOf,
  paragraph,
  sha256,
  whole,
} from '../parties/fields.schema.ts';

export const AUTHORITIES = ['revoke_now', 'replace_first', 'approve_within'] as const;
export const PHASES = ['pending', 'active', 'overlap', 'retired'] as const;
export const REVOCABILITY = ['instant', 'delayed', 'expiry_only', 'manual', 'impossible'] as const;
export const LOCATION_KINDS = [
  'vault',
  'cluster_secret',
  'ci_variable',
  'env_file',
  'config_file',
  'log',
  'browser_storage',
  'developer_tool',
  'laptop',
  'source',
  'build_artefact',
  'support_export',
  'screenshot',
  'legacy_middleware',
  'long_running_job',
] as const;
export const ARRIVALS = ['stored', 'brokered', 'injected', 'cached', 'forwarded', 'leaked'] as const;
export const PROVABLE = ['owner_statement', 'scan', 'fingerprint', 'store_api', 'no'] as const;

const scopesSchema = listOf(
  z.strictObject({
    name: line(500),
    description: paragraph(2000).default(''),
    justification: paragraph(2000).default('').describe('What it is needed for'),
  }),
).refine(
  (scopes) => new Set(scopes.map(({ name }) => name)).size === scopes.length,
  'must name each scope once',
);

/** The list as it is to be; what is left out is taken off. */
export const setScopesSchema = z.strictObject({ scopes: scopesSchema }).meta({ id: 'SetScopes' });
export type SetScopes = z.output<typeof setScopesSchema>;

export const consentToScopeSchema = z
  .strictObject({
    scope: z.string().min(1, 'must name a scope').max(500),
    statement: paragraph(2000)
      .refine((text) => text.trim() !== '', 'must say why')
      .describe('Why: it goes on record with your name'),
  })
  .meta({ id: 'ConsentToScope' });
export type ConsentToScope = z.output<typeof consentToScopeSchema>;

/** A credential that people add by hand: what it is, never its value. Versions and copies are added to it. */
export const newCredentialSchema = z
  .strictObject({
    integrationId: z.uuid('must be the id of an integration').describe('Its home'),
    name: line(200),
    type: line(120).describe('e.g. oauth_access_token, api_key, webhook_secret'),
    environment: line(60).default('production'),
    purpose: paragraph(4000).default(''),
    direction: oneOf(['inbound', 'outbound'] as const)
      .default('outbound')
      .describe('inbound: issued by the customer, held by the supplier'),
    ownerContactId: z.uuid('must be the id of a contact').nullable().default(null),
    issuerPartyId: z.uuid('must be the id of a party').describe('Who makes it'),
    verifierPartyId: z.uuid('must be the id of a party').describe('Whose systems accept it'),
    holderPartyIds: listOf(z.uuid('must be the id of a party'))
      .default([])
      .describe('Who presents or stores it'),
    revocability: oneOf(REVOCABILITY).default('manual'),
    risk: whole(0, 1000).default(500).describe('The riskiest are revoked first'),
    store: z
      .union([z.literal(''), line(300)], 'must be one line of at most 300 characters')
      .default('')
      .describe('Where the value is kept, in words; never the value'),
    rotateEveryDays: whole(1, 3650).nullable().default(null),
    scopes: scopesSchema.default([]),
  })
  .meta({ id: 'NewCredential' });
export type NewCredential = z.output<typeof newCredentialSchema>;

/** What may be changed of a credential by hand. Left out: stays; null: the default. */
export const editCredentialSchema = z
  .strictObject({
    name: line(200),
    purpose: paragraph(4000),
    ownerContactId: z.uuid('must be the id of a contact').nullable(),
    authority: oneOf(AUTHORITIES).nullable().describe('null: what the agreement says'),
    approveWithinMinutes: whole(1, 43_200).nullable(),
    approveOtherwise: oneOf(['act', 'escalate'] as const).nullable(),
    revocability: oneOf(REVOCABILITY),
    risk: whole(0, 1000),
    store: z
      .union([z.literal(''), line(300)], 'must be one line of at most 300 characters')
      .describe('Where the value is kept, in words; never the value'),
    rotateEveryDays: whole(1, 3650).nullable().describe('null: no schedule'),
    lastUsedAt: instant
      .nullable()
      .describe('As far as its owner knows; usage events may know of a later use'),
  })
  .partial()
  .refine((edit) => edit.authority !== 'approve_within' || typeof edit.approveWithinMinutes === 'number', {
    path: ['approveWithinMinutes'],
    message: 'must say how many minutes, as the authority is approve_within',
  })
  .meta({ id: 'EditCredential' });
export type EditCredential = z.output<typeof editCredentialSchema>;

/** The value, or its SHA-256 where whoever reports it keeps the value to themselves. */
const known = {
  sha256: sha256.optional(),
  value: z.string().min(1).max(65_536).optional().describe('Fingerprinted and dropped at once; never stored'),
};
const notBoth = (part: { sha256?: string; value?: string }) =>
  part.sha256 === undefined || part.value === undefined;
const NOT_BOTH = { path: ['value'], message: 'must not stand beside sha256' };

export const addVersionSchema = z
  .strictObject({
    number: whole(1, 1_000_000).optional().describe('Left out: the next'),
    supplierId: line(500).optional().describe("The supplier's own id for this version"),
    issuedAt: instant.optional(),
    expiresAt: instant.optional(),
    phase: oneOf(PHASES).default('active'),
    before: oneOf(['overlap', 'retired'] as const)
      .default('overlap')
      .describe('What becomes of the version that is active now. It stays alive until it is revoked'),
    ...known,
    parts: listOf(z.strictObject({ part: line(60), ...known }).refine(notBoth, NOT_BOTH)).optional(),
  })
  .refine(notBoth, NOT_BOTH)
  .meta({ id: 'AddCredentialVersion' });
export type AddVersion = z.output<typeof addVersionSchema>;

export const addLocationSchema = z
  .strictObject({
    key: keySchema.optional(),
    type: oneOf(LOCATION_KINDS),
    name: line(300),
    path: line(1000).optional(),
    integrationId: z.uuid().optional().describe("Left out: the credential's home"),
    versionId: z.uuid().optional().describe('Left out: the active version'),
    partyId: z.uuid().describe('The party that owns the place'),
    ownerContactId: z.uuid().optional(),
    arrivedBy: oneOf(ARRIVALS).default('stored'),
    putBy: line(200).optional(),
    putAt: instant.optional(),
    provable: oneOf(PROVABLE).default('owner_statement'),
  })
  .meta({ id: 'AddLocation' });
export type AddLocation = z.output<typeof addLocationSchema>;

/** Which version a place holds from now on. */
export const newHoldingSchema = z
  .strictObject({
    versionId: z.uuid('must be the id of a version'),
    arrivedBy: oneOf(ARRIVALS).optional().describe('Left out: as the one before'),
    putBy: line(200).optional(),
    putAt: instant.optional(),
  })
  .meta({ id: 'NewHolding' });
export type NewHolding = z.output<typeof newHoldingSchema>;

export const holdingSchema = z
  .object({
    version: z.int(),
    versionId: z.uuid(),
    arrivedBy: z.enum(ARRIVALS),
    putBy: z.string().nullable(),
    putAt: z.iso.datetime().nullable(),
    shownBy: z.enum(SHOWN_BY).describe('record: somebody wrote it down; otherwise what was seen there'),
    recordedAt: z.iso.datetime(),
  })
  .meta({ id: 'Holding' });

export const convergenceSchema = z
  .object({
    target: z.int().nullable().describe('The number of the version that every copy is to hold'),
    converged: z.boolean(),
    counts: z.object({ seen: z.int(), stated: z.int(), other: z.int(), unknown: z.int() }),
    places: z.array(
      z.object({
        locationId: z.uuid(),
        name: z.string(),
        kind: z.enum(LOCATION_KINDS),
        path: z.string(),
        partyName: z.string().nullable(),
        standing: z.enum(['seen', 'stated', 'other', 'unknown']),
        version: z.int().nullable(),
        shownBy: z.enum(SHOWN_BY).nullable(),
        at: z.iso.datetime().nullable(),
        left: z
          .array(z.int())
          .describe('Other versions that it has held and that nobody has shown to be gone'),
      }),
    ),
  })
  .meta({ id: 'Convergence' });

const party = z.object({ id: z.uuid(), name: z.string().nullable() });

export const credentialLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    source: z.string(),
    key: z.string().nullable(),
    name: z.string(),
    type: z.string(),
    environment: z.string(),
    integration: z.object({ id: z.uuid(), name: z.string().nullable() }).describe('Its home'),
    issuer: party,
    verifier: party,
    authority: z.enum(AUTHORITIES).nullable(),
    revocability: z.enum(REVOCABILITY),
    risk: z.int(),
    uses: z.int().describe('How many integrations use it, as far as you may see'),
    activeVersion: z
      .object({ id: z.uuid(), number: z.int(), expiresAt: z.iso.datetime({ offset: true }).nullable() })
      .nullable(),
  })
  .meta({ id: 'CredentialLine' });
export type CredentialLine = z.infer<typeof credentialLineSchema>;

export const versionViewSchema = z
  .object({
    id: z.uuid(),
    number: z.int(),
    supplierId: z.string().nullable(),
    phase: z.enum(PHASES),
    issuedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    activatedAt: z.iso.datetime().nullable(),
    retiredAt: z.iso.datetime().nullable(),
    recognisable: z.array(z.string()).describe('Parts whose value would be recognised in a report'),
    rowVersion: z.int(),
  })
  .meta({ id: 'CredentialVersion' });
export type VersionView = z.infer<typeof versionViewSchema>;

export const locationViewSchema = z
  .object({
    id: z.uuid(),
    key: z.string().nullable(),
    type: z.enum(LOCATION_KINDS),
    name: z.string(),
    path: z.string(),
    integrationId: z.uuid(),
    versionId: z.uuid().nullable(),
    party,
    owner: party.nullable(),
    arrivedBy: z.enum(ARRIVALS),
    putBy: z.string().nullable(),
    putAt: z.iso.datetime().nullable(),
    provable: z.enum(PROVABLE),
    retiredAt: z.iso.datetime().nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Location' });
export type LocationView = z.infer<typeof locationViewSchema>;

export const credentialCoreSchema = credentialLineSchema.extend({
  store: z.string().describe('Where the value is kept; never the value'),
  rotateEveryDays: z.int().nullable(),
  lastUsedAt: z.iso
    .datetime({ offset: true })
    .nullable()
    .describe('The later of what is stated and what was seen'),
  purpose: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  owner: party.nullable(),
  beneficiary: party.nullable(),
  holders: z.array(party),
  approveWithinMinutes: z.int().nullable(),
  approveOtherwise: z.enum(['act', 'escalate']).nullable(),
  connectionId: z.uuid().nullable().describe('Only for the operator'),
  scopes: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      justification: z.string(),
      consent: z
        .object({ by: z.string(), at: z.iso.datetime({ offset: true }), statement: z.string() })
        .nullable()
        .describe('Of a person, explicitly; only for the operator'),
    }),
  ),
  usedBy: z.array(z.object({ integrationId: z.uuid(), name: z.string().nullable(), label: z.string() })),
  versions: z.array(versionViewSchema).describe('Newest first'),
  locations: z.array(locationViewSchema),
  rowVersion: z.int(),
});
export type CredentialCore = z.infer<typeof credentialCoreSchema>;
