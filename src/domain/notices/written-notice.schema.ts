import { z } from 'zod';
import { language, line, paragraph } from '../parties/fields.schema.ts';

const words = { subject: line(200), text: paragraph(10_000).min(1, 'must not be empty') };

export const newWrittenSchema = z
  .strictObject({
    integrationId: z.uuid(),
    contactId: z.uuid(),
    caseId: z.uuid().nullable().default(null).describe('What it is about; null: the integration'),
    language: language.optional().describe('Left out: that of the contact'),
    subject: words.subject.optional(),
    text: words.text
      .optional()
      .describe('Paragraphs are parted by a blank line. Left out: how the case stands'),
  })
  .meta({ id: 'NewWrittenNotice' });
export type NewWritten = z.output<typeof newWrittenSchema>;

export const editWrittenSchema = z.strictObject(words).meta({ id: 'EditWrittenNotice' });
export type EditWritten = z.output<typeof editWrittenSchema>;

export const decideWrittenSchema = z
  .strictObject({
    send: z.boolean(),
    rowVersion: z.int().positive().describe('Of the text that was read'),
    reason: z.string().max(500).default('').describe('Why it is not sent'),
  })
  .meta({ id: 'DecideWrittenNotice' });
export type DecideWritten = z.output<typeof decideWrittenSchema>;

export const writtenNoticeSchema = z
  .object({
    id: z.uuid(),
    integration: z.string(),
    party: z.string(),
    contact: z.string(),
    language: z.string(),
    subject: z.string(),
    text: z.string(),
    state: z.enum(['drafted', 'sent', 'refused']),
    writtenBy: z.string(),
    decidedBy: z.string().nullable(),
    reason: z.string(),
    notice: z.string().nullable().describe('The reference of what was sent'),
    rowVersion: z.int(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'WrittenNotice' });
export type WrittenView = z.infer<typeof writtenNoticeSchema>;
