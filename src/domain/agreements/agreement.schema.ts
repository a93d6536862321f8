import { z } from 'zod';

export const agreementLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    source: z.string(),
    key: z.string().nullable(),
    title: z.string(),
    partyId: z.uuid(),
    partyName: z.string().nullable(),
    version: z.int().nullable().describe('The one in force now'),
    reviewOn: z.string().nullable(),
  })
  .meta({ id: 'AgreementLine' });
export type AgreementLine = z.infer<typeof agreementLineSchema>;

export const termViewSchema = z
  .object({
    id: z.uuid(),
    name: z.string().nullable(),
    direction: z.string(),
    trigger: z.string(),
    startEvent: z.string(),
    windowCount: z.int().nullable().describe('null: without undue delay'),
    windowUnit: z.string().nullable(),
    zone: z.string(),
    calendar: z.string().nullable(),
    warnPercent: z.int(),
    escalatePercent: z.int(),
    fulfilledBy: z.string(),
    leastStrength: z.string().nullable().describe('Of an acknowledgement; null: as the policy says'),
    language: z.string(),
    category: z.string(),
    recipients: z.array(
      z.object({
        contactId: z.uuid(),
        name: z.string().nullable(),
        fallback: z.boolean(),
        afterMinutes: z.int().nullable().describe('When this fallback is told; null: by the other rule'),
        afterPercent: z.int().nullable().describe('Of the window; both null: from half of it'),
      }),
    ),
  })
  .meta({ id: 'Term' });

export const agreementVersionViewSchema = z
  .object({
    id: z.uuid(),
    number: z.int(),
    validFrom: z.iso.datetime(),
    validUntil: z.iso.datetime().nullable(),
    reviewOn: z.string().nullable(),
    prevailingLanguage: z.string(),
    authority: z.string(),
    approveWithinMinutes: z.int().nullable(),
    approveOtherwise: z.string(),
    containmentSteps: z.array(z.string()),
    containment: z
      .array(
        z.object({
          step: z.string(),
          by: z.enum(['us', 'them']).nullable(),
          authority: z.string().nullable(),
        }),
      )
      .describe('The same steps, with who carries them out and what they may do without asking'),
    drillEveryDays: z.int().nullable(),
    contentHash: z.string().describe('SHA-256, lower-case hex'),
    terms: z.array(termViewSchema),
  })
  .meta({ id: 'AgreementVersion' });
export type AgreementVersionView = z.infer<typeof agreementVersionViewSchema>;

export const agreementViewSchema = agreementLineSchema
  .extend({ rowVersion: z.int(), versions: z.array(agreementVersionViewSchema).describe('Newest first') })
  .meta({ id: 'Agreement' });
export type AgreementView = z.infer<typeof agreementViewSchema>;
