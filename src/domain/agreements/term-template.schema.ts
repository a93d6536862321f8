import { z } from 'zod';
import { WINDOW_UNITS } from '../../kernel/calendar.ts';
import { date, line, oneOf, paragraph, webUrl, whole, zone } from '../parties/fields.schema.ts';
import { START_EVENTS, TRIGGERS } from './term.rules.ts';

const id = line(60).regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens');

/** One duty to tell, as its source words it. */
const templateSchema = z
  .strictObject({
    id,
    title: line(200),
    audience: oneOf(['counterparty', 'authority', 'people', 'industry'] as const).describe('Who is told'),
    from: line(200).describe('Who owes it'),
    to: line(200),
    source: z.strictObject({ text: line(300), article: line(120), url: webUrl.optional() }),
    basis: oneOf(['text', 'quoted', 'unconfirmed'] as const).describe(
      'Whether the text itself was read, a quotation of it, or neither could be',
    ),
    inForceFrom: z
      .union([date, z.literal('unknown')], 'must be a date, unknown, or null')
      .nullable()
      .describe('unknown: in force, since when was not established; null: not in force'),
    inForceUntil: date.nullable().default(null),
    starts: line(200).describe('What starts the clock, in the words of the source'),
    startEvent: oneOf(START_EVENTS).describe('The instant that stands for it here'),
    trigger: oneOf(TRIGGERS),
    window: z.strictObject({ count: whole(1, 99_999), unit: oneOf(WINDOW_UNITS) }).nullable(),
    words: line(200).optional().describe('Where there is no number: what stands in its place'),
    zone: zone.optional(),
    after: id.optional().describe('The duty whose fulfilment starts this one'),
    note: paragraph(600).optional(),
  })
  .refine((template) => template.window !== null || template.words !== undefined, {
    path: ['words'],
    message: 'must say what stands in place of a number, as there is none',
  })
  .refine((template) => template.window === null || template.words === undefined, {
    path: ['words'],
    message: 'must be left out, as there is a number',
  });

export const termFileSchema = z.strictObject({
  asOf: date.describe('When somebody last compared the file with its sources'),
  terms: z.array(templateSchema).min(1, 'must not be empty'),
});

export const termTemplateSchema = templateSchema
  .safeExtend({
    asOf: z.iso.date(),
    inForce: z.boolean().describe('On the day of asking'),
    ruleVersion: z.string().describe('What a term made from it says of its origin'),
  })
  .meta({ id: 'TermTemplate' });
export type TermTemplate = z.output<typeof termTemplateSchema>;
