import { z } from 'zod';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';

export const many = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const said = (most: number, missing: string) =>
  z.string({ error: missing }).trim().min(1, missing).max(most, `At most ${most} characters.`);
const text = (most: number) => z.string().trim().max(most, `At most ${most} characters.`).default('');
export const version = z.coerce.number().int().min(0);
const id = z.uuid();
const maybeId = z.union([z.literal('').transform(() => null), id]).default(null);

/** "30m", "4h", "2d"; empty: none. */
export const window = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^([1-9]\d{0,5}\s*[mhd])?$/, 'Minutes, hours or days above zero, like 30m, 4h or 2d.')
  .transform((typed) =>
    typed === ''
      ? null
      : Number.parseInt(typed, 10) * { m: 1, h: 60, d: 1440 }[typed.at(-1) as 'm' | 'h' | 'd'],
  )
  .default(null);

export const cellQuery = z.object({
  duty: z.enum(DUTIES).catch('admission'),
  part: z.string().max(120).catch(''),
  credential: id.optional().catch(undefined),
  new: z.literal('1').optional().catch(undefined),
});

export const cellForm = z.object({
  row_version: version,
  duty: z.enum(DUTIES),
  part: text(120),
  credential: maybeId,
  accountable: z
    .union([z.string(), z.array(z.string())], { error: 'Choose the party that answers.' })
    .transform((one) => [one].flat()),
  performing: many,
  contact: maybeId,
  window,
  path: z.union([z.literal('').transform(() => null), z.enum(['connector', 'contact'])]).default(null),
  note: text(2000),
});

export const removeForm = z.object({
  row_version: version,
  duty: z.enum(DUTIES),
  part: text(120),
  credential: maybeId,
});

export const inheritForm = z.object({
  row_version: version,
  from: said(300, 'Choose where to take it from.'),
  reference: text(40),
  replace: z.literal('1').optional(),
});

export const proposeForm = z.object({
  row_version: version,
  reattest_days: z.coerce
    .number({ error: 'A number of days.' })
    .int('A whole number of days.')
    .min(1, 'At least one day.')
    .max(1830, 'At most five years.'),
  invite: z.literal('1').optional(),
});

export const discardForm = z.object({ row_version: version });

export const signForm = z.object({
  signs_for: said(200, 'Type your name and position.'),
  language: z.string().max(10),
  content_hash: z.string().max(64),
  text_hash: z.string().max(64),
  code: text(20),
});

export const sendBackForm = z.object({
  duty: z.union([z.literal('').transform(() => null), z.enum(DUTIES)]).default(null),
  part: text(120),
  text: said(2000, 'Say what should be different.'),
});

export const inviteForm = z.object({ contact: z.uuid('Choose whom to invite.') });

export const reasonForm = z.object({ reason: said(2000, 'Say why: it goes on record.') });

export const portfolioQuery = z.object({
  q: z.string().max(200).optional().catch(undefined),
  party: id.optional().catch(undefined),
  duty: z.enum(DUTIES).optional().catch(undefined),
  gap: z.literal('1').optional().catch(undefined),
  after: z.string().max(2000).optional().catch(undefined),
});
export type PortfolioAsked = z.output<typeof portfolioQuery>;

/** What the reader asks of the portfolio, as its queries take it. */
export function filterOf(asked: PortfolioAsked) {
  const q = asked.q?.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return {
    ...(asked.party === undefined ? {} : { partyId: asked.party }),
    ...(asked.duty === undefined ? {} : { duty: asked.duty }),
    ...(q ? { text: q } : {}),
    gap: asked.gap === '1',
  };
}
