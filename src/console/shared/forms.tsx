import type { ComponentChildren } from 'preact';
import type { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Frame } from './frame.ts';

/** What was wrong with a form, by the name of the field; `''` is the form as a whole. */
export type FormProblems = Readonly<Record<string, string>>;

/** A filled-in form, checked; or what to say beside each field. */
export function readForm<T>(schema: z.ZodType<T>, body: unknown): Result<T, FormProblems> {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { _csrf, ...rest } = fields as Record<string, unknown>;
  const read = schema.safeParse(rest);
  if (read.success) return ok(read.data);
  const problems: Record<string, string> = {};
  for (const issue of read.error.issues) problems[String(issue.path[0] ?? '')] ??= issue.message;
  return err(problems);
}

/** What somebody typed, so that a form which is refused comes back with it. */
export function typedIn(body: unknown): Record<string, string> {
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  return Object.fromEntries(
    fields.filter((pair): pair is [string, string] => pair[0] !== '_csrf' && typeof pair[1] === 'string'),
  );
}

/** The same from a refusal of the domain. */
export function problemsOf(message: string, fields: readonly FieldProblem[] = []): FormProblems {
  const problems: Record<string, string> = {};
  for (const { field, problem, mend } of fields) {
    problems[field.replace(/^\//, '')] ??= `${capital(problem)}. ${mend}`;
  }
  return Object.keys(problems).length > 0 ? problems : { '': message };
}

/** A form that changes something; it carries the proof that this console served it. */
export function PostForm({
  frame,
  action,
  inline,
  label,
  id,
  live,
  children,
}: {
  frame: Frame;
  action: string;
  inline?: boolean;
  label?: string;
  /** For fields that stand elsewhere on the page. */
  id?: string;
  /** What `live-preview.js` keeps in step while somebody types: who draws it, which part, and the frame of its button. */
  live?: { path: string; part: string; frame: string };
  children: ComponentChildren;
}) {
  return (
    <form
      id={id}
      method="post"
      action={action}
      class={inline ? 'inline' : undefined}
      aria-label={label}
      {...(live && { 'data-live': live.path, 'data-part': live.part, 'data-frame': live.frame })}
    >
      <input type="hidden" name="_csrf" value={frame.csrf} />
      {children}
    </form>
  );
}

/** One field with its label, its hint, and what was wrong with it. */
export function Field({
  name,
  label,
  hint,
  value,
  problem,
  type = 'text',
  required,
  maxLength,
  autocomplete,
  rows,
  idPrefix = '',
}: {
  name: string;
  label: string;
  hint?: string;
  value?: string;
  problem?: string | undefined;
  type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'datetime-local' | 'area';
  required?: boolean;
  maxLength?: number;
  autocomplete?: string;
  rows?: number;
  /** Where a page has several forms with the same fields. */
  idPrefix?: string;
}) {
  const id = `${idPrefix}${name}`;
  const described = [hint ? `${id}-hint` : '', problem ? `${id}-error` : ''].filter(Boolean).join(' ');
  const shared = {
    id,
    name,
    required,
    maxLength,
    autocomplete,
    'aria-invalid': problem ? ('true' as const) : undefined,
    'aria-describedby': described || undefined,
  };
  // JSX types an input by each of its types; this one is any of a few.
  const input: object = { ...shared, type, value };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {type === 'area' ? (
        <textarea {...shared} rows={rows ?? 3}>
          {value ?? ''}
        </textarea>
      ) : (
        <input {...input} />
      )}
      {problem && (
        <p class="error" id={`${id}-error`}>
          {problem}
        </p>
      )}
    </div>
  );
}

/** A choice among few. */
export function Choice({
  name,
  label,
  options,
  value,
  all,
}: {
  name: string;
  label: string;
  options: readonly { value: string; word: string }[];
  value?: string | undefined;
  /** The word for "no filter". */
  all?: string;
}) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select name={name}>
        {all !== undefined && <option value="">{all}</option>}
        {options.map((option) => (
          <option value={option.value} selected={option.value === value}>
            {option.word}
          </option>
        ))}
      </select>
    </label>
  );
}

export interface Option {
  value: string;
  word: string;
  group?: string;
}

/** A choice of a form that changes something: with its hint, its groups, and what was wrong with it. */
export function SelectField({
  name,
  label,
  options,
  value,
  none,
  hint,
  problem,
  idPrefix = '',
}: {
  name: string;
  label: string;
  options: readonly Option[];
  value?: string | undefined;
  /** The word for choosing nothing. */
  none?: string;
  hint?: string;
  problem?: string | undefined;
  idPrefix?: string;
}) {
  const id = `${idPrefix}${name}`;
  const described = [hint ? `${id}-hint` : '', problem ? `${id}-error` : ''].filter(Boolean).join(' ');
  // What stands and is not on offer stays chosen: a form that is saved for another field must not drop it.
  const kept = Boolean(value) && !options.some((option) => option.value === value);
  const groups = [...new Set(options.map(({ group }) => group))];
  const shown = (of: readonly Option[]) =>
    of.map((option) => (
      <option value={option.value} selected={option.value === value}>
        {option.word}
      </option>
    ));
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <select
        id={id}
        name={name}
        aria-invalid={problem ? 'true' : undefined}
        aria-describedby={described || undefined}
      >
        {none !== undefined && <option value="">{none}</option>}
        {kept && (
          <option value={value} selected>
            as it stands now
          </option>
        )}
        {groups.map((group) =>
          group === undefined ? (
            shown(options.filter((option) => option.group === undefined))
          ) : (
            <optgroup label={group}>{shown(options.filter((option) => option.group === group))}</optgroup>
          ),
        )}
      </select>
      {problem && (
        <p class="error" id={`${id}-error`}>
          {problem}
        </p>
      )}
    </div>
  );
}

/** What was wrong with a form as a whole, on top of it. */
export function FormError({ problems }: { problems: FormProblems | undefined }) {
  const text = problems?.[''];
  return text ? (
    <p class="notice live" role="alert">
      {text}
    </p>
  ) : null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
