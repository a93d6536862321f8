import type { FieldProblem, Refusal } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import {
  draftTermSchema,
  editDraftSchema,
  type DraftContent,
  type DraftTerm,
  type EditDraft,
} from '../../domain/agreements/draft.schema.ts';
import type { FormProblems } from '../shared/forms.tsx';

/** A form as the browser sent it: a field that comes twice is a list. */
export type Given = Readonly<Record<string, string | readonly string[]>>;

const FEWEST_ROWS = 3;
const BLANK_ROWS = 2;
const MORE_ROWS = 4;
const MOST_BLANK_ROWS = 40;

export function given(body: unknown): Given {
  return typeof body === 'object' && body !== null ? (body as Given) : {};
}

function text(form: Given, name: string): string {
  const value = form[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
}

function list(form: Given, name: string): readonly string[] {
  const value = form[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

/** The version of the draft that a form was filled in from. */
export function rowVersionOf(form: Given): number {
  return Number(/^\d{1,9}$/.exec(text(form, 'rowVersion'))?.[0] ?? 0);
}

/**
 * The contacts chosen in the rows `recipient1`, `recipient2` …, in the order of the rows; blank rows count for nothing, and
 * a form may have any number of rows.
 */
export function peopleIn(form: Given, name: 'recipient' | 'fallback'): string[] {
  const rows = Object.keys(form).flatMap((field) => {
    const place = field.startsWith(name) ? /^[1-9]\d{0,4}$/.exec(field.slice(name.length)) : null;
    return place ? [Number(place[0])] : [];
  });
  return rows
    .sort((a, b) => a - b)
    .map((place) => text(form, `${name}${place}`))
    .filter(Boolean);
}

/** What stands beside the fallbacks of a form, in their order: when each is told, as somebody typed it. */
export function rungTextsIn(form: Given): string[] {
  const rows = Object.keys(form).flatMap((field) => {
    const place = /^fallback([1-9]\d{0,4})$/.exec(field);
    return place && text(form, field) !== '' ? [Number(place[1])] : [];
  });
  return rows.sort((a, b) => a - b).map((place) => text(form, `fallbackAfter${place}`));
}

/** `15`, `15 min`: minutes; `40 %`: of the window. What is neither stays as it is, so that the schema says what it must be. */
export function rungOf(recipient: string, typed: string) {
  const [, count, unit] = /^(\d{1,6}) *(%|min|minutes?)?$/.exec(typed) ?? [];
  if (count === undefined) return { recipient, minutes: typed };
  return unit === '%' ? { recipient, percent: Number(count) } : { recipient, minutes: Number(count) };
}

/** A rung as somebody would type it; nothing where it has no time of its own. */
export function rungTyped(rung: { minutes?: number | undefined; percent?: number | undefined } | undefined) {
  if (rung === undefined) return '';
  return rung.percent === undefined ? `${rung.minutes} min` : `${rung.percent} %`;
}

/** What is wrong with a rung, as the one who typed it needs it said. */
export function rungProblem(field: string | undefined, message: string): string {
  return field === 'percent' && message.includes('no share')
    ? message
    : 'Minutes up to 43200, like 15, or a share of the window, like 40 %.';
}

/** How many rows a form shows for so many contacts: each of them and some to fill in. */
export function rowsFor(chosen: number, form: Given): number {
  const blank = Number(/^\d{1,2}$/.exec(text(form, 'blankRows'))?.[0] ?? BLANK_ROWS);
  return Math.max(FEWEST_ROWS, chosen + Math.min(Math.max(blank, BLANK_ROWS), MOST_BLANK_ROWS));
}

/** The form as it was sent, with more blank rows to name somebody in. */
export function withMoreRows(form: Given): Given {
  const blank = Number(/^\d{1,2}$/.exec(text(form, 'blankRows'))?.[0] ?? BLANK_ROWS);
  return { ...form, blankRows: String(Math.min(blank + MORE_ROWS, MOST_BLANK_ROWS)) };
}

const emptied = (value: string) => (value === '' ? null : value);
// What is no number stays as it is, so that the schema says what it must be.
const number = (value: string) =>
  value === '' ? null : /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;

/** The fields of the draft but its terms. */
export function readHead(body: unknown): Result<EditDraft, FormProblems> {
  const form = given(body);
  const [steps, by, authority] = [list(form, 'step'), list(form, 'stepBy'), list(form, 'stepAuthority')];
  const read = editDraftSchema.safeParse({
    validFrom: emptied(text(form, 'validFrom')),
    validUntil: emptied(text(form, 'validUntil')),
    reviewOn: emptied(text(form, 'reviewOn')),
    prevailingLanguage: text(form, 'prevailingLanguage'),
    authority: text(form, 'authority'),
    approveWithinMinutes:
      text(form, 'authority') === 'approve_within' ? number(text(form, 'approveWithinMinutes')) : null,
    approveOtherwise: text(form, 'approveOtherwise'),
    drillEveryDays: number(text(form, 'drillEveryDays')),
    containmentSteps: steps.flatMap((step, at) =>
      step.trim() === ''
        ? []
        : [{ step: step.trim(), by: emptied(by[at] ?? ''), authority: emptied(authority[at] ?? '') }],
    ),
  });
  return read.success ? ok(read.data) : err(problemsFrom(read.error.issues));
}

/** One term. */
export function readTerm(body: unknown): Result<DraftTerm, FormProblems> {
  const form = given(body);
  const unit = text(form, 'windowUnit');
  const fallbacks = peopleIn(form, 'fallback');
  const texts = rungTextsIn(form);
  const rungs = fallbacks.flatMap((id, at) => (texts[at] ? [rungOf(id, texts[at])] : []));
  const read = draftTermSchema.safeParse({
    name: emptied(text(form, 'name')),
    direction: text(form, 'direction'),
    trigger: text(form, 'trigger'),
    startEvent: text(form, 'startEvent'),
    window: unit === '' ? null : { count: number(text(form, 'windowCount')), unit },
    zone: text(form, 'zone'),
    calendar: emptied(text(form, 'calendar')),
    warnPercent: number(text(form, 'warnPercent')),
    escalatePercent: number(text(form, 'escalatePercent')),
    recipients: peopleIn(form, 'recipient'),
    fallbackRecipients: fallbacks,
    ...(rungs.length > 0 ? { rungs } : {}),
    fulfilledBy: text(form, 'fulfilledBy'),
    ...(text(form, 'leastStrength') === '' ? {} : { leastStrength: text(form, 'leastStrength') }),
    language: text(form, 'language'),
    category: text(form, 'category'),
    ruleVersion: text(form, 'ruleVersion') || '1',
  });
  if (read.success) return ok(read.data);
  const problems = problemsFrom(read.error.issues);
  // A rung is a row of the form: the one of its fallback.
  for (const { path, message } of read.error.issues) {
    if (path[0] !== 'rungs') continue;
    const rung = rungs[Number(path[1])];
    const row = rung ? fallbacks.indexOf(rung.recipient) : -1;
    if (row >= 0) problems[`fallbackAfter${row + 1}`] ??= rungProblem(path[2]?.toString(), message);
  }
  return err(problems);
}

type Issue = { path: readonly PropertyKey[]; message: string };

function problemsFrom(issues: readonly Issue[]): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const { path, message } of issues) problems[fieldOf(path.map(String))] ??= message;
  return problems;
}

/** The form's name of a field of the draft: `terms/2/window/count` is `windowCount`. Rows of people are shown without gaps. */
function fieldOf(path: readonly string[]): string {
  const [first = '', second, ...rest] = path;
  if (first === 'terms') return rest.length === 0 ? '' : fieldOf(rest);
  if (first === 'window') return second === 'unit' ? 'windowUnit' : 'windowCount';
  if (first === 'recipients') return `recipient${Number(second ?? 0) + 1}`;
  if (first === 'fallbackRecipients') return `fallback${Number(second ?? 0) + 1}`;
  return first === 'containmentSteps' ? 'step' : first;
}

/** What the domain said of the draft, at the fields of the form. @param at of the term that the form is about */
export function problemsOfRefusal({ kind, message, fields = [] }: Refusal, at?: number): FormProblems {
  const problems: Record<string, string> = {};
  const elsewhere: FieldProblem[] = [];
  for (const field of fields) {
    const path = field.field.split('/').slice(1);
    const own = at === undefined ? path[0] !== 'terms' : path[0] === 'terms' && path[1] === String(at);
    if (own && kind !== 'precondition') problems[fieldOf(path)] ??= `It ${field.problem}. ${field.mend}`;
    else elsewhere.push(field);
  }
  const said = elsewhere.map(({ field, problem }) => `${field.slice(1)} ${problem}`).join('; ');
  if (Object.keys(problems).length === 0 || elsewhere.length > 0)
    problems[''] = said ? `${message} (${said})` : message;
  return problems;
}

/** The form of a term as the browser would send it. */
export function termGiven(term: DraftTerm): Given {
  const people = (name: string, ids: readonly string[]) =>
    Object.fromEntries(ids.map((id, at) => [`${name}${at + 1}`, id]));
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
    fulfilledBy: term.fulfilledBy,
    leastStrength: term.leastStrength ?? '',
    language: term.language,
    category: term.category,
    ruleVersion: term.ruleVersion,
    ...people('recipient', term.recipients),
    ...people('fallback', term.fallbackRecipients),
    ...people(
      'fallbackAfter',
      term.fallbackRecipients.map((id) => rungTyped(term.rungs?.find(({ recipient }) => recipient === id))),
    ),
  };
}

/** The form of the draft's other fields as the browser would send it. */
export function headGiven(content: DraftContent): Given {
  return {
    validFrom: content.validFrom ?? '',
    validUntil: content.validUntil ?? '',
    reviewOn: content.reviewOn ?? '',
    prevailingLanguage: content.prevailingLanguage,
    authority: content.authority,
    approveWithinMinutes: String(content.approveWithinMinutes ?? ''),
    approveOtherwise: content.approveOtherwise,
    drillEveryDays: String(content.drillEveryDays ?? ''),
    step: content.containmentSteps.map(({ step }) => step),
    stepBy: content.containmentSteps.map(({ by }) => by ?? ''),
    stepAuthority: content.containmentSteps.map(({ authority }) => authority ?? ''),
  };
}

/** One field of a form, filled in again. */
export function again(form: Given, name: string): string {
  const value = form[name];
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}

export function againAll(form: Given, name: string): readonly string[] {
  return list(form, name);
}
