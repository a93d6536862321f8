import type { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import type { Transactions, Db } from '../../platform/database/transactions.ts';
import { problemsOf, type FormProblems } from '../shared/forms.tsx';

export type Form = Readonly<Record<string, string | readonly string[]>>;

/** A form as somebody filled it in, and what was wrong with it by its fields. */
export interface Filled {
  form: Form;
  problems: FormProblems;
}

/** Reads what a form says and stores it; or says what was wrong, by the field of the schema. */
export async function stored<S extends z.ZodType, T>(
  transactions: Transactions,
  schema: S,
  input: unknown,
  by: Principal,
  store: (db: Db, read: z.output<S>) => Promise<Result<T, Refusal>>,
): Promise<Result<T, FormProblems>> {
  const read = schema.safeParse(input);
  if (!read.success) {
    const problems: Record<string, string> = {};
    for (const { path, message } of read.error.issues) problems[path.join('/')] ??= message;
    return err(problems);
  }
  const done = await transactions.run(by, (db) => store(db, read.data));
  return done.ok ? done : err(problemsOf(done.error.message, done.error.fields ?? []));
}

export const SAVED = { tone: 'dead', text: 'It is saved.' } as const;
export function statusOf({ problems }: Filled): number {
  return Object.keys(problems).length > 0 ? 422 : 200;
}

/** Problems by the field of the form: what stands in a list is said where the list is. */
export function asNamed(problems: FormProblems, names: Readonly<Record<string, string>>): FormProblems {
  const named: Record<string, string> = {};
  for (const [field, said] of Object.entries(problems)) {
    const list = field.split('/')[0] ?? '';
    named[names[field] ?? names[list] ?? list] ??= said;
  }
  return named;
}

export function formOf(body: unknown): Form {
  const form: Record<string, string | string[]> = {};
  for (const [field, value] of Object.entries(body ?? {}) as [string, unknown][]) {
    if (typeof value === 'string') form[field] = value;
    else if (Array.isArray(value))
      form[field] = value.filter((one): one is string => typeof one === 'string');
  }
  return form;
}

export const textIn = (form: Form) => (field: string) => {
  const value = form[field];
  return typeof value === 'string' ? value.trim() : '';
};
/** Of these fields those that were filled in. */
export const given = (text: (field: string) => string, ...fields: readonly string[]) =>
  Object.fromEntries(fields.flatMap((field) => (text(field) === '' ? [] : [[field, text(field)]])));
export const orNull = (text: string) => (text === '' ? null : text);
/** What is no number stays text, so that the schema says what it must be. */
export const numberOf = (text: string) => (/^-?\d+$/.test(text) ? Number(text) : orNull(text));

export function notFound(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such thing, or it is not yours to see.'));
}
