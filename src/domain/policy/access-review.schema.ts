import { z } from 'zod';
import { ACCESS, BASES, CAUSES, REVIEW_SUBJECTS } from './access-review.rules.ts';

const id = z.uuid();
const instant = z.string();
const reason = z
  .string()
  .trim()
  .max(1000)
  .refine((text) => text.isWellFormed() && !text.includes('\u0000'), 'must be well-formed text');

/** How many items one decision may take: a page of them. */
export const MOST_ITEMS = 500;

export const openReviewSchema = z
  .strictObject({
    integrationIds: z.array(id).min(1).max(1000).optional(),
    riskTier: z.int().min(1).max(4).optional(),
    reason: reason.refine((text) => text.length > 0, 'must say why'),
  })
  .refine((input) => (input.integrationIds === undefined) !== (input.riskTier === undefined), {
    message: 'name either integrations or a tier',
    path: ['integrationIds'],
  })
  .meta({ id: 'OpenAccessReview' });
export type OpenReview = z.output<typeof openReviewSchema>;

export const decideItemsSchema = z
  .strictObject({
    items: z.array(id).min(1).max(MOST_ITEMS),
    decision: z.enum(['keep', 'remove']),
    reason: reason.default('').describe('Needed for every removal, and to keep where the part says so'),
  })
  .meta({ id: 'DecideAccess' });
export type DecideItems = z.output<typeof decideItemsSchema>;

export const handOverSchema = z
  .strictObject({ userId: id, reason: reason.refine((text) => text.length > 0, 'must say why') })
  .meta({ id: 'HandOverAccessReview' });
export type HandOver = z.output<typeof handOverSchema>;

const counts = {
  items: z.int(),
  decided: z.int(),
  removed: z.int(),
};

export const reviewSchema = z
  .object({
    id,
    reference: z.string(),
    cause: z.enum(CAUSES),
    period: z.string().nullable().describe('Of a monthly one'),
    subject: z.string().nullable().describe('Who left, which party changed, which incident closed'),
    reason: z.string(),
    openedAt: instant,
    finishedAt: instant.nullable(),
    contentHash: z.string().nullable().describe('SHA-256 of the outcome; it stands in the ledger'),
    parts: z.int(),
    ...counts,
    waiting: z.int().describe('Removals that nobody has carried out yet'),
    dueAt: instant.nullable().describe('The next one, of what is not finished'),
    overdue: z.int().describe('Parts that are past due and not finished'),
  })
  .meta({ id: 'AccessReview' });
export type ReviewView = z.infer<typeof reviewSchema>;

export const reviewPartSchema = z
  .object({
    id,
    integration: z.object({ id, reference: z.string(), name: z.string(), riskTier: z.int() }).nullable(),
    reviewer: z
      .object({ name: z.string(), personId: id.nullable() })
      .nullable()
      .describe('Null: whoever may decide; personId null: they have no account, so whoever may decide'),
    reasonToKeep: z.boolean(),
    zone: z.string(),
    dueAt: instant,
    missedAt: instant.nullable(),
    listed: z.boolean(),
    ...counts,
    finishedAt: instant.nullable(),
    contentHash: z.string().nullable(),
  })
  .meta({ id: 'AccessReviewPart' });
export type ReviewPartView = z.infer<typeof reviewPartSchema>;

export const reviewItemSchema = z
  .object({
    id,
    partId: id,
    number: z.int(),
    integration: z.object({ reference: z.string(), name: z.string() }).nullable(),
    credential: z.object({ id, reference: z.string(), name: z.string(), environment: z.string() }).nullable(),
    subject: z.object({
      kind: z.enum(REVIEW_SUBJECTS),
      id,
      name: z.string(),
      of: z.string().nullable().describe('The party, or the address of the account'),
      active: z.boolean(),
      personId: id.nullable(),
    }),
    basis: z.enum(BASES).describe('Where the access comes from'),
    role: z.string(),
    access: z.array(z.enum(ACCESS)),
    decision: z.enum(['keep', 'remove']).nullable(),
    reason: z.string().nullable(),
    decidedBy: z.string().nullable(),
    decidedAt: instant.nullable(),
    work: z.enum(['done', 'waiting', 'failed']).nullable().describe('How far a removal has come'),
    workNote: z.string().nullable(),
    runId: id.nullable(),
    carriedOutAt: instant.nullable(),
  })
  .meta({ id: 'AccessReviewItem' });
export type ReviewItemView = z.infer<typeof reviewItemSchema>;
