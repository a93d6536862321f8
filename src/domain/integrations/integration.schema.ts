import { z } from 'zod';
import { line, listOf, oneOf, paragraph, whole } from '../parties/fields.schema.ts';
import { PARTY_ROLES } from '../parties/party.schema.ts';

export const INTEGRATION_STATES = [
  'draft',
  'in_review',
  'approved',
  'live',
  'suspended',
  'retired',
  'quarantined',
] as const;

/** What may be changed of an integration by hand. Its state is not: it follows from reviews and the gate. */
export const editIntegrationSchema = z
  .strictObject({
    name: line(200),
    purpose: paragraph(4000),
    dataClass: line(60),
    riskTier: whole(1, 4),
    ownerContactId: z.uuid('must be the id of a contact').nullable(),
    agreementId: z.uuid('must be the id of an agreement').nullable(),
    regions: listOf(line(120)),
    sectors: listOf(line(120)),
    maxConnections: whole(1, 1_000_000)
      .nullable()
      .describe('How many connections it holds open at once at most; null: not said'),
  })
  .partial()
  .meta({ id: 'EditIntegration' });
export type EditIntegration = z.output<typeof editIntegrationSchema>;

/** An integration that people add by hand. It begins as a draft, without a pass. */
export const newIntegrationSchema = z
  .strictObject({
    name: line(200),
    purpose: paragraph(4000).default(''),
    dataClass: line(60).default('internal'),
    riskTier: whole(1, 4).default(2).describe('1 is the riskiest'),
    ownerContactId: z.uuid('must be the id of a contact').nullable().default(null),
    agreementId: z.uuid('must be the id of an agreement').nullable().default(null),
    environments: listOf(line(60)).min(1, 'must name at least one environment').default(['production']),
    regions: listOf(line(120)).default([]),
    sectors: listOf(line(120)).default([]),
    maxConnections: whole(1, 1_000_000)
      .nullable()
      .default(null)
      .describe('How many connections it holds open at once at most; null: not said'),
    parties: listOf(
      z.strictObject({ partyId: z.uuid('must be the id of a party'), role: oneOf(PARTY_ROLES) }),
    ),
  })
  .refine(
    ({ parties }) => ['supplier', 'customer'].every((side) => parties.some(({ role }) => role === side)),
    { path: ['parties'], message: 'must name a supplier and a customer' },
  )
  .meta({ id: 'NewIntegration' });
export type NewIntegration = z.output<typeof newIntegrationSchema>;

export const partyInSchema = z.object({ id: z.uuid(), name: z.string(), role: z.enum(PARTY_ROLES) });

export const integrationLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    source: z.string(),
    key: z.string().nullable(),
    name: z.string(),
    state: z.enum(INTEGRATION_STATES),
    pass: z.enum(['held', 'lost', 'refused']),
    riskTier: z.int(),
    dataClass: z.string(),
    environments: z.array(z.string()),
    shadow: z.boolean(),
    owner: z.object({ id: z.uuid(), name: z.string().nullable() }).nullable(),
    parties: z.array(partyInSchema),
    credentials: z.int().describe('How many credentials it uses'),
  })
  .meta({ id: 'IntegrationLine' });
export type IntegrationLine = z.infer<typeof integrationLineSchema>;

export const integrationCoreSchema = integrationLineSchema.extend({
  purpose: z.string(),
  regions: z.array(z.string()),
  sectors: z.array(z.string()),
  maxConnections: z.int().nullable().describe('Connections that it holds open at once at most, as it says'),
  passGraceUntil: z.iso.datetime().nullable(),
  agreementId: z.uuid().nullable(),
  dependencies: z.array(
    z.object({
      partyId: z.uuid(),
      partyName: z.string().nullable(),
      integrationId: z.uuid().nullable(),
      depth: z.int(),
      via: z.string(),
    }),
  ),
  rowVersion: z.int(),
});
export type IntegrationCore = z.infer<typeof integrationCoreSchema>;
