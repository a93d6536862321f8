import { z } from 'zod';
import { parseStated } from '../../kernel/time.ts';
import { language, line, paragraph } from '../parties/fields.schema.ts';

const id = z.uuid();
const instant = z.iso.datetime();
const at = z
  .string()
  .refine(
    (text) => parseStated(text) !== undefined,
    'must be an RFC 3339 time with an offset, of this century',
  )
  .meta({ format: 'date-time' });
const reason = z.string().trim().min(3, 'must say why').max(2000);

export const STANDINGS = ['dated', 'no_number', 'not_started'] as const;

/** One duty of an incident: of a law, an industry rule, or a term of an agreement. */
export const obligationSchema = z
  .object({
    id,
    kind: z.enum(['obligation', 'notice']).describe('obligation: of a rule; notice: of a term'),
    reference: z.string(),
    caseId: id,
    caseReference: z.string(),
    integrationName: z.string(),
    title: z.string(),
    recipient: z.string(),
    recipientRole: z.string(),
    source: z.string().describe('The rule and its version, or the term'),
    phase: z.string(),
    standing: z.enum(STANDINGS),
    startEvent: z.string(),
    startAt: instant.nullable(),
    dueAt: instant.nullable(),
    dueDate: z.iso.date().nullable(),
    why: z.string(),
    warnAt: instant.nullable(),
    obligation: z.enum(['required', 'not_required', 'superseded', 'withheld']),
    withheldUntil: instant.nullable(),
    timeliness: z.enum(['open', 'met', 'missed']),
    fulfilledAt: instant.nullable(),
    lateBy: z.int().nullable().describe('Seconds after the due time, where it is past'),
    askedBy: z.string().nullable().describe('Who asked for its being not required, while nobody has decided'),
    whose: z.string().describe('The party that owes it'),
    watched: z.boolean().describe('Not ours: we note what they told us of it, and send nothing'),
    told: z
      .object({
        writtenId: id,
        state: z.enum(['drafted', 'sent', 'refused']),
        contact: z.string(),
        notice: z.string().nullable().describe('The reference of what went out'),
        dispatch: z.string().nullable(),
        receipt: z.string().nullable(),
      })
      .nullable()
      .describe('What was written to tell it through us'),
    disputed: z
      .array(
        z.object({ startAt: instant, dueAt: instant.nullable(), assertedBy: z.string(), basis: z.string() }),
      )
      .describe(
        'What the due time would be by other assertions of what started it; the earlier is worked to',
      ),
    decisions: z.array(
      z.object({
        decision: z.string(),
        reason: z.string(),
        authority: z.string().nullable(),
        document: z.string().nullable(),
        until: instant.nullable(),
        standsAt: instant.nullable(),
        by: z.string(),
        at: instant,
      }),
    ),
  })
  .meta({ id: 'Obligation' });
export type ObligationView = z.output<typeof obligationSchema>;

export const obligationsSchema = z
  .object({
    obligations: z.array(obligationSchema),
    hold: z
      .object({ reason: z.string(), placedBy: z.string(), placedAt: instant })
      .nullable()
      .describe('The legal hold on the incident'),
  })
  .meta({ id: 'Obligations' });

export const recomputedSchema = z
  .object({
    dueAt: instant.nullable(),
    dueDate: z.iso.date().nullable(),
    why: z.string(),
    same: z.boolean().describe('Whether it is what stands in the register'),
    ruleVersion: z.string(),
    frozen: z.unknown().describe('Everything that it was computed from'),
  })
  .meta({ id: 'ObligationRecomputed' });

export const notRequiredSchema = z.strictObject({ reason }).meta({ id: 'ObligationNotRequired' });
export const withholdSchema = z
  .strictObject({
    authority: z.string().trim().min(2, 'must name the authority').max(200),
    document: z.string().trim().min(2, 'must name the document').max(300).describe('Its date and number'),
    until: at,
    reason,
  })
  .meta({ id: 'ObligationWithheld' });
export type Withhold = z.output<typeof withholdSchema>;
export const submitSchema = z
  .strictObject({
    at,
    document: z
      .string()
      .trim()
      .min(2, 'must name what was handed in')
      .max(300)
      .describe('Its number, or where it was handed in'),
    reason: z.string().trim().max(2000).default('').describe('Why it is late, where it is'),
    everyCase: z.boolean().default(false).describe('The same report stands for every case of the incident'),
  })
  .meta({ id: 'ObligationSubmitted' });
export type Submit = z.output<typeof submitSchema>;
export const tellSchema = z
  .strictObject({
    contactId: id.describe('An active contact of a party in the integration'),
    language: language.optional().describe('Left out: that of the contact'),
    subject: line(200).optional(),
    text: paragraph(10_000).optional().describe('Left out: what is known of the case'),
    everyCase: z.boolean().default(false).describe('The same notice tells it for every case of the incident'),
  })
  .meta({ id: 'ObligationTold' });
export type TellDuty = z.output<typeof tellSchema>;
export const draftedSchema = z
  .object({ writtenId: id.describe('The written notice that waits for its decision') })
  .meta({ id: 'ObligationDrafted' });
export const startSchema = z.strictObject({ at, reason }).meta({ id: 'ObligationStarted' });
export const holdSchema = z.strictObject({ reason }).meta({ id: 'LegalHoldReason' });
export const dutySchema = z
  .object({ obligation: z.string(), timeliness: z.string() })
  .meta({ id: 'ObligationStanding' });

export const supplierAccountSchema = z
  .strictObject({
    partyId: id,
    knewAt: at.describe('When the supplier says that it knew'),
    knewBasis: z.string().trim().min(3, 'must say what it rests on').max(1000),
    toldAt: at.describe('When it told us'),
    toldBasis: z.string().trim().min(3, 'must say what it rests on').max(1000),
    zone: z.string().max(60).default('UTC').describe('As the times were stated'),
    disputesId: id.optional().describe('The account that this one contradicts'),
  })
  .meta({ id: 'SupplierAccountStated' });
export type StateAccount = z.output<typeof supplierAccountSchema>;

export const supplierAccountViewSchema = z
  .object({
    id,
    caseId: id,
    caseReference: z.string(),
    incidentReference: z.string(),
    partyId: id,
    partyName: z.string(),
    knewAt: instant,
    knewBasis: z.string(),
    toldAt: instant,
    toldBasis: z.string(),
    dueAt: instant.nullable(),
    dueWhy: z.string(),
    judgement: z.enum(['in_time', 'late', 'no_number', 'nothing_agreed']),
    lateBy: z.int().nullable().describe('Seconds after the due time'),
    counts: z
      .boolean()
      .describe('Whether it is the one of its case that the supplier is held to: the earliest it knew'),
    disputesId: id.nullable(),
    recordedAt: instant,
  })
  .meta({ id: 'SupplierAccount' });
export type SupplierAccountView = z.output<typeof supplierAccountViewSchema>;
export const supplierAccountsSchema = z
  .object({ accounts: z.array(supplierAccountViewSchema) })
  .meta({ id: 'SupplierAccounts' });
