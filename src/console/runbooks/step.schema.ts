import { z } from 'zod';
import { backOf } from '../sign-in/next.rules.ts';

/** Never a reason to refuse: a form whose way back is missing or no address of ours goes to the step itself. */
const back = z.unknown().optional().transform(backOf);
const said = (most: number, missing: string) =>
  z.string({ error: missing }).trim().min(1, missing).max(most, `At most ${most} characters.`);
const maybe = (most: number) =>
  z
    .string()
    .trim()
    .max(most, `At most ${most} characters.`)
    .transform((text) => text || undefined)
    .optional();

export const decideForm = z.object({ decision: z.enum(['approve', 'reject']), note: maybe(2000), back });

/** Why somebody intervenes; goes on record. */
export const reasonForm = z.object({ reason: said(2000, 'Say why: it goes on record.'), back });

export const completeForm = z.object({ note: maybe(2000), back });

const day = z
  .string()
  .trim()
  .regex(/^(\d{4}-\d{2}-\d{2})?$/, 'A day, like 2027-01-31.')
  .transform((text) => (text ? `${text}T00:00:00Z` : undefined))
  .optional();

/** What fills the slot now. Never its value. */
export const replacementForm = z.object({
  supplierId: said(200, 'Type the id that the supplier gave the new version.'),
  sha256: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^([0-9a-f]{64})?$/, '64 hexadecimal digits.')
    .transform((text) => text || undefined)
    .optional(),
  expiresAt: day,
  place: maybe(300),
  note: maybe(2000),
  back,
});

export const STATEMENTS = {
  revoked: 'it was revoked at the supplier',
  replaced: 'it was replaced, and the old value refused',
  sessions_ended: 'every session that it had opened has ended',
  not_affected: 'it was not affected',
  copy_gone: 'the copy is gone',
} as const;

export const statementForm = z.object({
  kind: z.enum(['revoked', 'replaced', 'sessions_ended', 'not_affected', 'copy_gone']),
  signsFor: said(200, 'Type your name and position.'),
  text: said(4000, 'Write what was done, by whom and when.'),
  back,
});
