import { z } from 'zod';
import type { CellName } from '../../domain/responsibility/bulk.rules.ts';
import { CONTACT_ROLES } from '../../domain/parties/party.schema.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { many, version, window } from './matrix.schema.ts';

const ID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';
const CELL = new RegExp(`^([a-z_]+)\\|(${ID}|)\\|(.*)$`, 's');
const GAP = new RegExp(`^${ID}:(\\*|${DUTIES.join('|')})$`);
const READ = new RegExp(`^${ID}:\\d{1,9}$`);

/** A cell as the value of a checkbox: duty, credential and part; the part stands last, as anything may stand in it. */
export function cellText({ duty, part, credentialId }: CellName): string {
  return `${duty}|${credentialId ?? ''}|${part}`;
}

const cell = z
  .string()
  .max(200)
  .transform((text, context): CellName => {
    const [, duty, credentialId = '', part = ''] = CELL.exec(text) ?? [];
    const known = DUTIES.find((one) => one === duty);
    if (known) return { duty: known, part, credentialId: credentialId === '' ? null : credentialId };
    context.addIssue('Choose rows of this matrix.');
    return z.NEVER;
  });

const leave = z.literal('').transform(() => undefined);
const id = z.uuid('Choose one of the list.');

/** Several rows and what to set on them; an empty field leaves what each row has. */
export const bulkForm = z
  .object({
    row_version: version,
    row: many.pipe(z.array(cell).min(1, 'Choose at least one row.').max(1000)),
    accountable: z.union([leave, id]).optional(),
    performing_how: z.enum(['', 'beside', 'instead']).default(''),
    performing: many.pipe(z.array(id).max(200)),
    contact: z.union([leave, id]).optional(),
    window_how: z.enum(['', 'set', 'none']).default(''),
    window,
  })
  .superRefine((form, context) => {
    if (form.performing_how !== '' && form.performing.length === 0)
      context.addIssue('Choose who performs, or leave who performs as it is.');
    if (form.performing_how === '' && form.performing.length > 0)
      context.addIssue('Say whether the chosen parties perform beside or instead of those who do.');
    if (form.window_how === 'set' && form.window === null)
      context.addIssue('Type the window, like 30m, 4h or 2d.');
    if (form.window_how !== 'set' && form.window !== null)
      context.addIssue('Say that the typed window is to be set, or empty it.');
    if (
      form.accountable === undefined &&
      form.contact === undefined &&
      form.performing_how === '' &&
      form.window_how === ''
    )
      context.addIssue('Say what to set on the chosen rows.');
  })
  .transform((form) => ({
    row_version: form.row_version,
    cells: form.row,
    change: {
      accountable: form.accountable,
      contactId: form.contact,
      performing:
        form.performing_how === ''
          ? undefined
          : { parties: form.performing, beside: form.performing_how === 'beside' },
      windowMinutes: form.window_how === '' ? undefined : form.window_how === 'none' ? null : form.window,
    },
  }));

export const bulkQuery = z.object({ choose: z.enum(['all', 'gaps']).optional().catch(undefined) });

/** The form as it was filled in, to be shown again. */
export interface BulkTyped {
  rows: readonly string[];
  accountable: string;
  performingHow: string;
  performing: readonly string[];
  contact: string;
  windowHow: string;
  window: string;
}

export function bulkTyped(body: unknown): BulkTyped {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const all = (name: string) => [fields[name]].flat().filter((one) => typeof one === 'string');
  const one = (name: string) => all(name)[0] ?? '';
  return {
    rows: all('row'),
    accountable: one('accountable'),
    performingHow: one('performing_how'),
    performing: all('performing'),
    contact: one('contact'),
    windowHow: one('window_how'),
    window: one('window'),
  };
}

const gap = z.string().regex(GAP, 'Choose gaps of the list.').max(80);
const read = z.string().regex(READ, 'The page was changed: load it anew.');

/** Gaps of the portfolio that were chosen: `<integration>:<duty>`, or `*` for every duty. */
export const chosenForm = z.object({
  cell: many.pipe(z.array(gap).min(1, 'Choose at least one gap.').max(2400)),
});

export const assignForm = z.object({
  cell: many.pipe(z.array(gap).min(1, 'Choose at least one gap.').max(2400)),
  version: many.pipe(z.array(read).max(200, 'At most 200 integrations at once.')),
  accountable: z
    .string({ error: 'Choose who answers.' })
    .regex(new RegExp(`^(role:(supplier|customer)|${ID})$`), 'Choose who answers.'),
  contact: z.union([z.literal('').transform(() => null), z.enum(CONTACT_ROLES)]).default(null),
});
