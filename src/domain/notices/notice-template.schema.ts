import { z } from 'zod';
import { language, line, oneOf, paragraph } from '../parties/fields.schema.ts';
import { PARTY_ROLES } from '../parties/party.schema.ts';

export const RECIPIENTS = ['any', ...PARTY_ROLES] as const;

export const sourceSchema = z.strictObject({
  subject: line(300),
  text: paragraph(20_000),
  html: paragraph(60_000),
});

export const textNameSchema = z.strictObject({
  category: line(60),
  language: language.default('en'),
  recipient: oneOf(RECIPIENTS).default('any').describe('The part that the recipient has in the integration'),
});

export const saveTemplateSchema = textNameSchema
  .extend({
    source: sourceSchema.nullable().describe('null: from now on the shipped text is used again'),
    note: z.string().max(500).default('').describe('Why it was changed'),
  })
  .meta({ id: 'SaveNoticeTemplate' });

export const previewTemplateSchema = z
  .strictObject({
    category: line(60),
    source: sourceSchema,
    notice: line(40)
      .optional()
      .describe('With the facts of this notice; left out: of the newest of its category'),
  })
  .meta({ id: 'PreviewNoticeTemplate' });

export const previewSchema = z
  .object({
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    about: z.string().nullable().describe('The notice whose facts it shows; null: an example'),
  })
  .meta({ id: 'NoticePreview' });

export const templateVersionSchema = z
  .object({
    id: z.uuid(),
    number: z.int(),
    shipped: z.boolean().describe('From here on the shipped text was used again'),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    note: z.string(),
    contentHash: z.string(),
    writtenBy: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'NoticeTemplateVersion' });

export const templatesSchema = z
  .object({
    categories: z.array(
      z.object({
        category: z.string(),
        title: z.string(),
        variables: z.array(z.string()),
        shippedIn: z.array(z.string()).describe('Languages'),
        written: z.array(
          z.object({ language: z.string(), recipient: z.string(), number: z.int(), shipped: z.boolean() }),
        ),
      }),
    ),
  })
  .meta({ id: 'NoticeTemplates' });
