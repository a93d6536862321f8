import { z } from 'zod';
import { termSheetSchema } from '../agreements/draft.schema.ts';
import { line, paragraph, whole } from '../parties/fields.schema.ts';
import { CONTACT_ROLES } from '../parties/party.schema.ts';
import { MATERIAL } from './material-changes.rules.ts';
import { DUTIES, PATH_KINDS } from './matrix.rules.ts';

export const ANSWERING = ['supplier', 'customer'] as const;
export const PERFORMING = ['supplier', 'customer', 'sub_processor'] as const;
const MOST_MINUTES = 366 * 24 * 60;

export const offeringRowSchema = z
  .strictObject({
    duty: z.enum(DUTIES, `must be one of: ${DUTIES.join(', ')}`),
    part: z.union([z.literal(''), line(120)]).default(''),
    accountable: z.enum(ANSWERING, 'must be supplier or customer'),
    performing: z
      .array(z.enum(PERFORMING, `must be some of: ${PERFORMING.join(', ')}`))
      .min(1, 'must name who performs it')
      .max(3),
    contact: z
      .enum(CONTACT_ROLES, `must be one of: ${CONTACT_ROLES.join(', ')}`)
      .default('security')
      .describe('Which contact of the accountable party'),
    windowMinutes: whole(1, MOST_MINUTES).nullable().default(null),
    pathKind: z.enum(PATH_KINDS).nullable().default(null),
    note: paragraph(2000).default(''),
  })
  .meta({ id: 'OfferingRow' });
export type OfferingRow = z.output<typeof offeringRowSchema>;

export const offeringBodySchema = z.strictObject({
  rows: z.array(offeringRowSchema).max(200),
  terms: termSheetSchema.nullable(),
});
export type OfferingBody = z.output<typeof offeringBodySchema>;

const chaseEveryHours = whole(24, 2160).describe('Nobody is reminded more often than once in so many hours');
const reattestDays = whole(1, 1830).describe('Signatures are given anew after this many days');

const chaseByItself = z
  .boolean()
  .describe('Whether those who have not signed are reminded that often without anybody asking for it');

export const createOfferingSchema = z
  .strictObject({
    name: line(200),
    template: line(80).optional().describe('A template of a matrix'),
    fromIntegrationId: z
      .uuid()
      .optional()
      .describe('The matrix of an integration, and the terms of its agreement'),
    chaseEveryHours: chaseEveryHours.default(72),
    chaseByItself: chaseByItself.default(true),
    reattestDays: reattestDays.default(365),
  })
  .refine(
    ({ template, fromIntegrationId }) => template === undefined || fromIntegrationId === undefined,
    'must name a template or an integration, not both',
  )
  .meta({ id: 'CreateOffering' });
export type CreateOffering = z.output<typeof createOfferingSchema>;

/** A list that is given replaces the stored list; a field that is left out stays. */
export const editOfferingSchema = z
  .strictObject({
    name: line(200),
    rows: z.array(offeringRowSchema).max(200, 'must have at most 200 rows'),
    terms: termSheetSchema.nullable(),
    chaseEveryHours,
    chaseByItself,
    reattestDays,
  })
  .partial()
  .meta({ id: 'EditOffering' });
export type EditOffering = z.output<typeof editOfferingSchema>;

const ids = z
  .array(z.uuid('must be the id of an integration'))
  .min(1, 'must name at least one integration')
  .max(500, 'must name at most 500 integrations');

export const proposeOfferingSchema = z
  .strictObject({
    integrationIds: ids
      .optional()
      .describe('Left out: everybody to whom it was proposed before and who is behind'),
  })
  .meta({ id: 'ProposeOffering' });
export type ProposeOffering = z.output<typeof proposeOfferingSchema>;

export const retireOfferingSchema = z
  .strictObject({ reason: paragraph(2000).refine((text) => text.trim() !== '', 'must say why') })
  .meta({ id: 'RetireOffering' });
export type RetireOffering = z.output<typeof retireOfferingSchema>;

export const chaseOfferingSchema = z
  .strictObject({ integrationIds: ids.optional().describe('Left out: everybody who has not signed') })
  .meta({ id: 'ChaseOffering' });
export type ChaseOffering = z.output<typeof chaseOfferingSchema>;

const problem = z.object({
  code: z.string(),
  message: z.string(),
  fields: z.array(z.object({ field: z.string(), problem: z.string(), mend: z.string() })),
});
export type TargetProblem = z.infer<typeof problem>;

export const askedSchema = z
  .object({
    version: z.int(),
    targets: z.array(
      z.object({
        integrationId: z.uuid(),
        outcome: z.enum(['queued', 'already', 'refused']),
        problem: problem.nullable(),
      }),
    ),
  })
  .meta({ id: 'AskedProposals' });
export type AskedProposals = z.infer<typeof askedSchema>;

export const CHASED = ['reminded', 'too_soon', 'not_waiting', 'nobody_to_mail'] as const;
export const chasedSchema = z
  .object({
    targets: z.array(
      z.object({
        integrationId: z.uuid(),
        outcome: z.enum(CHASED),
        contacts: z.array(z.uuid()),
        nextAt: z.iso.datetime().nullable().describe('Before then nobody there is reminded again'),
      }),
    ),
  })
  .meta({ id: 'Chased' });
export type Chased = z.infer<typeof chasedSchema>;

export const STANDINGS = [
  'queued',
  'failed',
  'waiting',
  'sent_back',
  'withdrawn',
  'lapsed',
  'departed',
  'behind',
  'signed',
] as const;
export type Standing = (typeof STANDINGS)[number];

const version = z.object({
  id: z.uuid(),
  number: z.int(),
  contentHash: z.string(),
  publishedAt: z.iso.datetime(),
});

export const offeringLineSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  version: z.int().nullable().describe('The newest that was published'),
  drafted: z.boolean().describe('Whether the draft says something else'),
  retiredAt: z.iso.datetime().nullable().describe('Since then it is offered to nobody'),
  counts: z.partialRecord(z.enum(STANDINGS), z.int()).describe('Customers by where they stand'),
});
export type OfferingLine = z.infer<typeof offeringLineSchema>;

export const offeringsSchema = z
  .object({ offerings: z.array(offeringLineSchema), next: z.string().nullable() })
  .meta({ id: 'Offerings' });

export const offeringViewSchema = offeringLineSchema
  .extend({
    supplier: z.object({ id: z.uuid(), name: z.string() }),
    chaseEveryHours: z.int(),
    chaseByItself: z.boolean(),
    reattestDays: z.int(),
    retiredBecause: z.string().nullable(),
    draft: offeringBodySchema,
    versions: z.array(version),
    rowVersion: z.int(),
  })
  .meta({ id: 'Offering' });
export type OfferingView = z.infer<typeof offeringViewSchema>;

export const targetLineSchema = z
  .object({
    integrationId: z.uuid(),
    reference: z.string(),
    name: z.string(),
    customer: z.string().nullable(),
    standing: z.enum(STANDINGS),
    version: z.int().nullable().describe('Of the offering, that was proposed last'),
    matrixVersionId: z.uuid().nullable(),
    signed: z.object({ supplier: z.boolean(), customer: z.boolean() }),
    failure: problem.nullable(),
    chasedAt: z.iso.datetime().nullable(),
    chases: z.int(),
  })
  .meta({ id: 'OfferingTarget' });
export type TargetLine = z.infer<typeof targetLineSchema>;

export const targetsSchema = z
  .object({ targets: z.array(targetLineSchema), next: z.string().nullable() })
  .meta({ id: 'OfferingTargets' });

const change = z.object({
  what: z.enum(MATERIAL),
  words: z.object({ where: z.string(), what: z.string(), before: z.string(), after: z.string() }),
});
const termChange = z.object({ what: z.string(), before: z.string(), after: z.string() });

/** What one customer has against what is offered now. */
export const targetDiffSchema = z
  .object({
    target: targetLineSchema,
    offered: z.int().describe('The version of the offering it is compared with'),
    current: z
      .object({ versionId: z.uuid(), number: z.int(), state: z.string() })
      .nullable()
      .describe('The newest version of the matrix of the customer'),
    rows: z.array(change),
    terms: z.array(termChange),
    problems: z
      .array(z.object({ field: z.string(), problem: z.string(), mend: z.string() }))
      .describe('Why the offering would not fit there'),
  })
  .meta({ id: 'OfferingTargetDiff' });
export type TargetDiff = z.infer<typeof targetDiffSchema>;

/** What is different between two versions of the offering itself. */
export const offeringDiffSchema = z
  .object({ rows: z.array(change), terms: z.array(termChange) })
  .meta({ id: 'OfferingDiff' });
export type OfferingDiff = z.infer<typeof offeringDiffSchema>;
