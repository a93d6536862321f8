import { z } from 'zod';
import type { Millis } from '../../kernel/time.ts';

/**
 * What an answer means, as configuration writes it: a list of status and body conditions, first match wins. What no row
 * lists means nothing; the caller says what that is worth. Conditions look at own properties only and compare without
 * conversion, so that `"false"` is not `false` and `__proto__` is no answer.
 */
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'must be a JSON pointer (RFC 6901): empty or beginning with /');

export const conditionSchema = z.union([
  z.strictObject({ pointer, equals: scalar }),
  z.strictObject({ pointer, in: z.array(scalar).min(1) }),
  z.strictObject({ pointer, exists: z.boolean() }),
  z.strictObject({ pointer, type: z.enum(['string', 'number', 'boolean', 'object', 'array', 'null']) }),
  /** The value of a hole, for answers that must name the same id. */
  z.strictObject({ pointer, sameAs: z.string().regex(/^[A-Za-z][A-Za-z0-9_.]*$/) }),
]);

export type Condition = z.infer<typeof conditionSchema>;

const status = z.int().min(100).max(599);

/** A table whose rows mean one of `meanings`. */
export function answerTableSchema<const M extends readonly [string, ...string[]]>(meanings: M) {
  return z
    .array(
      z.strictObject({
        status: z.union([status, z.array(status).min(1)]),
        /** All must hold. A body that is no JSON fulfils none. */
        when: z.array(conditionSchema).min(1).optional(),
        means: z.enum(meanings),
        why: z.string().max(300).optional(),
        /** The answer is about our own authentication, not about the credential. */
        ownAuthentication: z.boolean().optional(),
      }),
    )
    .min(1);
}

export interface AnswerRow<M extends string = string> {
  status: number | number[];
  when?: Condition[] | undefined;
  means: M;
  why?: string | undefined;
  ownAuthentication?: boolean | undefined;
}

/** The first row that fits, or null. */
export function rowFor<M extends string>(
  rows: readonly AnswerRow<M>[],
  answer: { status: number; body: Buffer },
  valueOf: (name: string) => string | undefined = () => undefined,
): AnswerRow<M> | null {
  let document: { json: unknown } | null | undefined;
  for (const row of rows) {
    const statuses = Array.isArray(row.status) ? row.status : [row.status];
    if (!statuses.includes(answer.status)) continue;
    if (!row.when) return row;
    document ??= parsed(answer.body);
    const found = document;
    if (found !== null && row.when.every((condition) => holds(condition, found.json, valueOf))) return row;
  }
  return null;
}

function parsed(body: Buffer): { json: unknown } | null {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown };
  } catch {
    return null;
  }
}

function holds(condition: Condition, json: unknown, valueOf: (name: string) => string | undefined): boolean {
  const found = at(json, condition.pointer);
  if ('exists' in condition) return (found !== undefined) === condition.exists;
  if (found === undefined) return false;
  if ('equals' in condition) return Object.is(found.value, condition.equals);
  if ('in' in condition) return condition.in.some((one) => Object.is(found.value, one));
  if ('type' in condition) return typeOf(found.value) === condition.type;
  const expected = valueOf(condition.sameAs);
  return (
    expected !== undefined &&
    (typeof found.value === 'string' || typeof found.value === 'number') &&
    String(found.value) === expected
  );
}

/** RFC 6901, over own properties alone. */
export function at(json: unknown, jsonPointer: string): { value: unknown } | undefined {
  let value = json;
  if (jsonPointer === '') return { value };
  for (const token of jsonPointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return { value };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/**
 * Milliseconds that an answer asks us to wait (`Retry-After`, RFC 9110 section 10.2.3: seconds or a date), between one
 * second and one day; undefined when it asks for nothing that can be read.
 */
export function retryAfter(headers: Readonly<Record<string, string>>, now: Millis): Millis | undefined {
  const text = headers['retry-after']?.trim() ?? '';
  const wait = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : /[A-Za-z]/.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 1000), 86_400_000);
}
