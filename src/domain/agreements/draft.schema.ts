import { z } from 'zod';
import { WINDOW_UNITS } from '../../kernel/calendar.ts';
import { date, instant, language, line, listOf, oneOf, whole, zone } from '../parties/fields.schema.ts';
import { CONTACT_ROLES } from '../parties/party.schema.ts';
import { DIRECTIONS, FULFILMENTS, START_EVENTS, STRENGTHS, TRIGGERS } from './term.rules.ts';

const AUTHORITIES = ['revoke_now', 'replace_first', 'approve_within'] as const;
const contactId = z.uuid('must be the id of a contact');

/** A term but for whom it names. */
const term = {
  name: line(200).nullable().default(null).describe('A name for the term within its agreement'),
  direction: oneOf(DIRECTIONS).describe('to_party: we owe it; from_party: they owe it to us'),
  trigger: oneOf(TRIGGERS),
  startEvent: oneOf(START_EVENTS).describe('The instant that starts the clock'),
  window: z
    .strictObject({ count: whole(1, 99_999), unit: oneOf(WINDOW_UNITS) })
    .nullable()
    .describe('null: without undue delay, a duty without a number'),
  zone: zone.default('UTC'),
  calendar: line(200).nullable().default(null).describe('Key of a calendar; null: Monday to Friday'),
  warnPercent: whole(1, 100).default(50),
  escalatePercent: whole(1, 100).default(80),
  fulfilledBy: oneOf(FULFILMENTS).default('accepted_by_peer'),
  leastStrength: oneOf(STRENGTHS)
    .nullish()
    .describe('What an acknowledgement must have at least; null: as the policy says'),
  language: language.default('en'),
  category: line(60).default('exposure'),
  ruleVersion: line(60).default('1').describe('Of the rule that it comes from: template and date'),
};

/** A term that names those who are told in one of two ways: as contacts, or by the role of a contact. */
const termNaming = <T extends z.ZodType<string>>(one: T) =>
  z
    .strictObject({
      ...term,
      recipients: listOf(one).default([]).describe('In the order to tell them'),
      fallbackRecipients: listOf(one).default([]),
      rungs: z
        .array(
          z
            .strictObject({
              recipient: one,
              minutes: whole(0, 43_200).optional().describe('After the start of the clock'),
              percent: whole(0, 100).optional().describe('Of the window'),
            })
            .refine((rung) => (rung.minutes === undefined) !== (rung.percent === undefined), {
              message: 'must have either minutes or percent',
            }),
        )
        .max(100, 'must have at most 100 items')
        .optional()
        .describe('When which fallback is told; one that is not named here: from half of the window'),
    })
    .refine((of) => of.warnPercent <= of.escalatePercent, {
      path: ['escalatePercent'],
      message: 'must not be below warnPercent',
    })
    .refine((of) => of.calendar === null || of.window?.unit === 'business-days', {
      path: ['calendar'],
      message: 'must be left out: only a window in business-days counts by a calendar',
    })
    .refine(
      (of) =>
        !(of.recipients as readonly string[]).some((id) =>
          (of.fallbackRecipients as readonly string[]).includes(id),
        ),
      {
        path: ['fallbackRecipients'],
        message: 'must not name a contact that is a recipient already',
      },
    )
    .superRefine((of, context) => {
      const fallbacks = of.fallbackRecipients as readonly string[];
      const rungs = (of.rungs ?? []) as unknown as readonly { recipient: string; percent?: number }[];
      rungs.forEach(({ recipient, percent }, at) => {
        const say = (field: string, message: string) =>
          context.addIssue({ code: 'custom', path: ['rungs', at, field], message });
        if (!fallbacks.includes(recipient)) say('recipient', 'must be one of the fallback recipients');
        else if (rungs.findIndex((other) => other.recipient === recipient) !== at)
          say('recipient', 'must not stand twice');
        if (percent !== undefined && of.window === null)
          say('percent', 'must be left out: a duty without a number has no share of its window');
      });
    });

export const draftTermSchema = termNaming(contactId).meta({ id: 'DraftTerm' });
export type DraftTerm = z.output<typeof draftTermSchema>;

const stepSchema = z.strictObject({
  step: line(500),
  by: oneOf(['us', 'them'] as const)
    .nullable()
    .default(null)
    .describe('Who carries it out'),
  authority: oneOf(AUTHORITIES)
    .nullable()
    .default(null)
    .describe('What they may do without asking; null: as the agreement says'),
});

const content = {
  validFrom: instant.nullable().describe('null: from when it is published'),
  validUntil: instant.nullable(),
  reviewOn: date.nullable(),
  prevailingLanguage: language,
  authority: oneOf(AUTHORITIES),
  approveWithinMinutes: whole(1, 43_200).nullable(),
  approveOtherwise: oneOf(['act', 'escalate'] as const),
  containmentSteps: z
    .array(
      z.union([
        line(500)
          .transform((step): z.input<typeof stepSchema> => ({ step }))
          .pipe(stepSchema),
        stepSchema,
      ]),
    )
    .max(100, 'must have at most 100 items'),
  drillEveryDays: whole(1, 3650).nullable().describe('How often the paths are tried'),
  terms: z.array(draftTermSchema).max(100, 'must have at most 100 items'),
};

export const draftContentSchema = z.strictObject(content);
export type DraftContent = z.output<typeof draftContentSchema>;

const { validFrom: _from, terms: _terms, ...sheet } = content;
export const sheetTermSchema = termNaming(oneOf(CONTACT_ROLES)).meta({ id: 'TermOfSheet' });
export type SheetTerm = z.output<typeof sheetTermSchema>;

/** What is offered to many: the same words, and those who are told by the role that they have in their own party. */
export const termSheetSchema = z
  .strictObject({ ...sheet, terms: z.array(sheetTermSchema).max(100, 'must have at most 100 items') })
  .meta({ id: 'TermSheet' });
export type TermSheet = z.output<typeof termSheetSchema>;

/** A list that is given replaces the stored list; a field that is left out stays. */
export const editDraftSchema = z.strictObject(content).partial().meta({ id: 'EditAgreementDraft' });
export type EditDraft = z.output<typeof editDraftSchema>;

export const createAgreementSchema = z
  .strictObject({ partyId: z.uuid('must be the id of a party'), title: line(300) })
  .meta({ id: 'CreateAgreement' });
export type CreateAgreement = z.output<typeof createAgreementSchema>;

export const editAgreementSchema = z.strictObject({ title: line(300) }).meta({ id: 'EditAgreement' });
export type EditAgreement = z.output<typeof editAgreementSchema>;

export const draftViewSchema = z
  .object({
    agreementId: z.uuid(),
    basedOn: z.int().describe('The version that it was copied from; 0: none'),
    content: draftContentSchema,
    updatedAt: z.iso.datetime(),
    rowVersion: z.int(),
  })
  .meta({ id: 'AgreementDraft' });
export type DraftView = z.infer<typeof draftViewSchema>;

export const calendarViewSchema = z
  .object({
    key: z.string(),
    name: z.string(),
    zone: z.string(),
    workingDays: z.array(z.int()),
    dayEnds: z.string(),
    holidays: z.array(z.string()),
  })
  .meta({ id: 'Calendar' });
export type CalendarView = z.infer<typeof calendarViewSchema>;

export const previewSchema = z
  .object({
    of: z.string().describe('"draft", or the number of the version'),
    at: z.iso.datetime().describe('When the start event of every term is taken to have happened'),
    terms: z.array(
      z.object({
        name: z.string().nullable(),
        direction: z.enum(DIRECTIONS),
        trigger: z.enum(TRIGGERS),
        startEvent: z.enum(START_EVENTS),
        window: z.string(),
        dueAt: z.iso.datetime().nullable().describe('null: without undue delay'),
        warnAt: z.iso.datetime().nullable(),
        escalateAt: z.iso.datetime().nullable(),
      }),
    ),
  })
  .meta({ id: 'AgreementPreview' });
export type AgreementPreview = z.infer<typeof previewSchema>;
