import { z } from 'zod';
import { WINDOW_UNITS } from '../../kernel/calendar.ts';
import {
  date,
  line,
  listOf,
  oneOf,
  paragraph,
  webUrl,
  whole,
  yesNo,
  zone,
} from '../parties/fields.schema.ts';
import { PARTY_ROLES } from '../parties/party.schema.ts';

/**
 * What starts a clock. `determination`, `classification` and `assessment` are decisions: they need an author. `submission`
 * is that of the phase named by `after`.
 */
export const CLOCK_EVENTS = [
  'suspicion',
  'awareness',
  'discovery',
  'determination',
  'classification',
  'assessment',
  'submission',
  'payment',
  'fix',
  'facts-known',
] as const;
export type ClockEvent = (typeof CLOCK_EVENTS)[number];

export const AUDIENCES = ['authority', 'people', 'counterparty', 'industry'] as const;

const word = line(60).regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens');
const window = z.strictObject({ count: whole(1, 99_999), unit: oneOf(WINDOW_UNITS) });

/** A share of the window in per cent, or how many hours are left of it. */
const threshold = z.union(
  [whole(1, 100), z.strictObject({ hoursLeft: whole(1, 9_999) })],
  'must be per cent of the window, or { hoursLeft: … }',
);
export type Threshold = z.output<typeof threshold>;

const phaseSchema = z
  .strictObject({
    phase: word,
    event: oneOf(CLOCK_EVENTS),
    starts: line(200).optional().describe('The start in the words of the source, where they say more'),
    after: word.optional().describe('The phase whose submission starts this one'),
    window: window.nullable(),
    words: line(200).optional().describe('Where there is no number: what stands in its place'),
    countsStartDay: yesNo.default(false).describe('Whether the day of the start is the first of the period'),
    counts: oneOf(['from-start', 'from-end-of-year'] as const).default('from-start'),
    cap: z
      .strictObject({ event: oneOf(CLOCK_EVENTS), window })
      .optional()
      .describe('Never later than this, unless the start itself came later than this'),
    entityWindows: listOf(z.strictObject({ entity: word, window })).default([]),
  })
  .refine((phase) => (phase.window === null) === (phase.words !== undefined), {
    path: ['words'],
    message: 'must stand exactly where there is no number',
  })
  .refine((phase) => (phase.event === 'submission') === (phase.after !== undefined), {
    path: ['after'],
    message: 'must name the earlier phase exactly where a submission starts this one',
  });
export type ClockPhase = z.output<typeof phaseSchema>;

const ruleSchema = z
  .strictObject({
    id: word,
    title: line(200),
    owes: line(200),
    tells: line(200),
    audience: oneOf(AUDIENCES),
    source: z.strictObject({ text: line(300), article: line(120), url: webUrl.optional() }),
    basis: oneOf(['text', 'quoted', 'unconfirmed'] as const).describe(
      'Whether the text itself was read, a quotation of it, or neither could be',
    ),
    from: z
      .union([date, z.literal('unknown')], 'must be a date, unknown, or null')
      .nullable()
      .describe('First day in force; unknown: in force, since when was not established; null: not in force'),
    until: date.nullable().default(null).describe('Last day in force of this version'),
    zone: zone.optional().describe('Where its days are counted; absent: where the one who owes it is'),
    calendar: line(20)
      .regex(/^(member-state|[A-Z]{2}(-[A-Z0-9]{1,3})?)$/, 'must be a country, or member-state')
      .optional()
      .describe('Whose public holidays are no business days; absent: Monday to Friday alone'),
    applies: z
      .strictObject({
        regions: listOf(line(20)).default([]),
        roles: listOf(oneOf(PARTY_ROLES)).default([]),
        sectors: listOf(line(60)).default([]),
        dataClasses: listOf(line(60)).default([]),
      })
      .describe('Every list that is not empty must be met; sector and data class stand for each other'),
    entities: listOf(word).default([]).describe('Classes of entities that change the clock'),
    relief: z
      .strictObject({
        to: oneOf(['noon-of-next-working-day'] as const),
        exempt: listOf(word).default([]),
        exemptPhases: listOf(word).default([]),
      })
      .optional()
      .describe('Where the end falls on a weekend or a holiday'),
    warn: threshold.optional().describe('When its clock warns; absent: at 50 % of the window'),
    escalate: threshold.optional().describe('When it escalates; absent: at 80 %'),
    phases: z.array(phaseSchema).min(1, 'must not be empty'),
    note: paragraph(600).optional(),
  })
  .superRefine((rule, context) => {
    if (typeof rule.warn === 'number' && typeof rule.escalate === 'number' && rule.warn > rule.escalate)
      context.addIssue({ code: 'custom', path: ['escalate'], message: 'must not be before "warn"' });
    const seen = new Set<string>();
    for (const [at, phase] of rule.phases.entries()) {
      const say = (field: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['phases', at, field], message });
      if (seen.has(phase.phase)) say('phase', 'must not stand twice');
      if (phase.after !== undefined && !seen.has(phase.after)) say('after', 'must be a phase above this one');
      for (const { entity } of phase.entityWindows)
        if (!rule.entities.includes(entity)) say('entityWindows', `must name classes of "entities"`);
      seen.add(phase.phase);
    }
    for (const entity of rule.relief?.exempt ?? [])
      if (!rule.entities.includes(entity))
        context.addIssue({
          code: 'custom',
          path: ['relief', 'exempt'],
          message: 'must be classes of "entities"',
        });
    for (const phase of rule.relief?.exemptPhases ?? [])
      if (!seen.has(phase))
        context.addIssue({ code: 'custom', path: ['relief', 'exemptPhases'], message: 'must be phases' });
  });

export const clockFileSchema = z.strictObject({
  asOf: date.describe('When somebody last compared the file with its sources'),
  rules: z.array(ruleSchema).min(1, 'must not be empty'),
});

/** One version of a rule: `version` is its id and the day on which its file was last compared with the sources. */
export type ClockRule = z.output<typeof ruleSchema> & { asOf: string; version: string };
