import { z } from 'zod';
import {
  sheetTermSchema,
  termSheetSchema,
  type SheetTerm,
  type TermSheet,
} from '../../domain/agreements/draft.schema.ts';
import { offeringRowSchema, type OfferingRow } from '../../domain/responsibility/offering.schema.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { rungOf, rungProblem, rungTyped } from '../agreements/draft-form.ts';
import type { FormProblems } from '../shared/forms.tsx';
import { err, ok, type Result } from '../../kernel/result.ts';

/** A form as the browser sent it: a field that comes twice is a list. */
export type Given = Readonly<Record<string, string | readonly string[] | undefined>>;

export function given(body: unknown): Given {
  return typeof body === 'object' && body !== null ? (body as Given) : {};
}

export function one(form: Given, name: string): string {
  const value = form[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
}

export function all(form: Given, name: string): string[] {
  return [form[name] ?? []].flat();
}

export const rowVersionOf = (form: Given) => Number(/^\d{1,9}$/.exec(one(form, 'row_version'))?.[0] ?? 0);

/** Which of a list a form is about; undefined: a new one. */
export function indexOf(form: Given): number | undefined {
  const found = /^\d{1,3}$/.exec(one(form, 'at'))?.[0];
  return found === undefined ? undefined : Number(found);
}

const number = (text: string) => (text === '' ? null : /^\d+$/.test(text) ? Number(text) : text);
const emptied = (text: string) => (text === '' ? null : text);

/** "30m", "4h", "2d". */
function minutesOf(text: string): number | string | null {
  if (text === '') return null;
  const [, count, unit] = /^([1-9]\d{0,5})\s*([mhd])$/i.exec(text) ?? [];
  return count === undefined
    ? text
    : Number(count) * { m: 1, h: 60, d: 1440 }[unit!.toLowerCase() as 'm' | 'h' | 'd'];
}

export function windowText(minutes: number | null): string {
  if (minutes === null) return '';
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

export function readRow(form: Given): Result<OfferingRow, FormProblems> {
  const duty = one(form, 'duty');
  return read(offeringRowSchema, {
    duty,
    part: one(form, 'part'),
    accountable: one(form, 'accountable'),
    performing: all(form, 'performing'),
    contact: one(form, 'contact') || 'security',
    windowMinutes: minutesOf(one(form, 'window')),
    pathKind: emptied(one(form, 'path')),
    note: one(form, 'note'),
  });
}

export function rowGiven(row: OfferingRow): Given {
  return {
    duty: row.duty,
    part: row.part,
    accountable: row.accountable,
    performing: row.performing,
    contact: row.contact,
    window: windowText(row.windowMinutes),
    path: row.pathKind ?? '',
    note: row.note,
  };
}

/** What an offering says of terms before anybody filled them in. */
export const FIRST_SHEET: TermSheet = {
  validUntil: null,
  reviewOn: null,
  prevailingLanguage: 'en',
  authority: 'approve_within',
  approveWithinMinutes: 60,
  approveOtherwise: 'escalate',
  containmentSteps: [],
  drillEveryDays: null,
  terms: [],
};

/** The sheet but its terms. */
export function readSheet(form: Given, terms: readonly SheetTerm[]): Result<TermSheet, FormProblems> {
  const authority = one(form, 'authority');
  return read(termSheetSchema, {
    validUntil: null,
    reviewOn: emptied(one(form, 'reviewOn')),
    prevailingLanguage: one(form, 'prevailingLanguage'),
    authority,
    approveWithinMinutes: authority === 'approve_within' ? number(one(form, 'approveWithinMinutes')) : null,
    approveOtherwise: one(form, 'approveOtherwise'),
    drillEveryDays: number(one(form, 'drillEveryDays')),
    containmentSteps: one(form, 'steps')
      .split('\n')
      .map((step) => step.trim())
      .filter(Boolean),
    terms,
  });
}

export function readTerm(form: Given): Result<SheetTerm, FormProblems> {
  const unit = one(form, 'windowUnit');
  const fallbacks = all(form, 'fallbackRecipients');
  const rungs = fallbacks.flatMap((role) => {
    const typed = one(form, `after_${role}`);
    return typed === '' ? [] : [rungOf(role, typed)];
  });
  return read(sheetTermSchema, {
    name: emptied(one(form, 'name')),
    direction: one(form, 'direction'),
    trigger: one(form, 'trigger'),
    startEvent: one(form, 'startEvent'),
    window: unit === '' ? null : { count: number(one(form, 'windowCount')), unit },
    zone: one(form, 'zone') || 'UTC',
    calendar: emptied(one(form, 'calendar')),
    warnPercent: number(one(form, 'warnPercent')) ?? 50,
    escalatePercent: number(one(form, 'escalatePercent')) ?? 80,
    recipients: all(form, 'recipients'),
    fallbackRecipients: fallbacks,
    ...(rungs.length > 0 ? { rungs } : {}),
    fulfilledBy: one(form, 'fulfilledBy'),
    leastStrength: emptied(one(form, 'leastStrength')),
  });
}

export function termGiven(term: SheetTerm): Given {
  return {
    name: term.name ?? '',
    direction: term.direction,
    trigger: term.trigger,
    startEvent: term.startEvent,
    windowCount: term.window ? String(term.window.count) : '',
    windowUnit: term.window?.unit ?? '',
    zone: term.zone,
    calendar: term.calendar ?? '',
    warnPercent: String(term.warnPercent),
    escalatePercent: String(term.escalatePercent),
    recipients: term.recipients,
    fallbackRecipients: term.fallbackRecipients,
    ...Object.fromEntries((term.rungs ?? []).map((rung) => [`after_${rung.recipient}`, rungTyped(rung)])),
    fulfilledBy: term.fulfilledBy,
    leastStrength: term.leastStrength ?? '',
  };
}

const FIELD: Readonly<Record<string, string>> = {
  windowMinutes: 'window',
  pathKind: 'path',
  containmentSteps: 'steps',
};

function read<T>(schema: z.ZodType<T>, value: unknown): Result<T, FormProblems> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const problems: Record<string, string> = {};
  for (const { path, message } of parsed.error.issues) {
    const [first = '', second, third] = path.map(String);
    if (first === 'rungs') {
      const rungs = (value as { rungs: readonly { recipient: string }[] }).rungs;
      problems[`after_${rungs[Number(second)]?.recipient}`] ??= rungProblem(third, message);
      continue;
    }
    const name =
      first === 'window' ? (second === 'unit' ? 'windowUnit' : 'windowCount') : (FIELD[first] ?? first);
    problems[name] ??= `It ${message}.`;
  }
  return err(problems);
}

export const settingsForm = z.object({
  row_version: z.coerce.number().int().min(0),
  name: z.string().trim().min(1, 'Give it a name.').max(200, 'At most 200 characters.'),
  chase_every_hours: z.coerce
    .number('A number of hours.')
    .int()
    .min(24, 'At least 24 hours.')
    .max(2160, 'At most 90 days.'),
  chase_by_itself: z
    .literal('1')
    .optional()
    .transform((said) => said === '1'),
  reattest_days: z.coerce
    .number('A number of days.')
    .int()
    .min(1, 'At least one day.')
    .max(1830, 'At most five years.'),
});

export const draftQuery = z.object({
  row: z
    .union([z.literal('new'), z.coerce.number().int().min(0).max(500)])
    .optional()
    .catch(undefined),
  term: z
    .union([z.literal('new'), z.coerce.number().int().min(0).max(500)])
    .optional()
    .catch(undefined),
});
export type DraftAsked = z.output<typeof draftQuery>;

/** In the order of the duties. */
export function sorted(rows: readonly OfferingRow[]): OfferingRow[] {
  return rows.toSorted(
    (a, b) =>
      DUTIES.indexOf(a.duty) - DUTIES.indexOf(b.duty) || (a.part < b.part ? -1 : a.part > b.part ? 1 : 0),
  );
}
