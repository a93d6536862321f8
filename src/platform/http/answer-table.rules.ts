import { z } from 'zod';
import { readStrictJson } from '../../kernel/strict-json.ts';
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
  /** A text that holds this one, or a list with such a text in it. */
  z.strictObject({ pointer, contains: z.string().min(1) }),
  z.strictObject({ pointer, type: z.enum(['string', 'number', 'boolean', 'object', 'array', 'null']) }),
  /** The value of a hole, for answers that must name the same id. */
  z.strictObject({ pointer, sameAs: z.string().regex(/^[A-Za-z][A-Za-z0-9_.]*$/) }),
  /** The text of an XML element, by its local name, in a body that is no JSON. */
  z.strictObject({ element: z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/), in: z.array(z.string()).min(1) }),
]);

export type Condition = z.infer<typeof conditionSchema>;

const status = z.int().min(100).max(599);

/** A table whose rows mean one of `meanings`. */
export function answerTableSchema<const M extends readonly [string, ...string[]]>(meanings: M) {
  return z
    .array(
      z.strictObject({
        status: z.union([status, z.array(status).min(1)]),
        /** All must hold. A body that is neither JSON nor XML fulfils none. */
        when: z.array(conditionSchema).min(1).optional(),
        means: z.enum(meanings),
        why: z.string().max(300).optional(),
        /** What the row rests on: the name of a fact of the same preset. */
        fact: z.string().max(60).optional(),
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
  fact?: string | undefined;
  ownAuthentication?: boolean | undefined;
}

/** The first row that fits, or null. */
export function rowFor<M extends string>(
  rows: readonly AnswerRow<M>[],
  answer: { status: number; body: Buffer },
  valueOf: (name: string) => string | undefined = () => undefined,
): AnswerRow<M> | null {
  let document: Document | null | undefined;
  for (const row of rows) {
    const statuses = Array.isArray(row.status) ? row.status : [row.status];
    if (!statuses.includes(answer.status)) continue;
    if (!row.when) return row;
    document ??= parsed(answer.body);
    const found = document;
    if (found !== null && row.when.every((condition) => holds(condition, found, valueOf))) return row;
  }
  return null;
}

type Document = { json: unknown } | { xml: string };

function parsed(body: Buffer): Document | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (/^\s*</.test(text)) return isPage(text) ? null : { xml: text };
    // A member that stands there twice, or a text that readers take differently, tells nothing.
    const read = readStrictJson(body);
    return read.ok ? { json: read.value } : null;
  } catch {
    return null;
  }
}

/** Whether the text is a page for people: a login, a proxy's block, a wall before the supplier. */
export function isPage(text: string): boolean {
  return /^\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]{0,2000}?-->\s*)*<(!doctype\s+html|html|head|body)\b/i.test(
    text,
  );
}

function holds(
  condition: Condition,
  document: Document,
  valueOf: (name: string) => string | undefined,
): boolean {
  if ('element' in condition) {
    if (!('xml' in document)) return false;
    const found = document.xml.matchAll(
      new RegExp(`<(?:[\\w-]+:)?${condition.element}>([^<>]{0,500})<`, 'g'),
    );
    const texts = [...found].map(([, text]) => text!.trim());
    // Where it stands more than once, in a comment or beside, all of them have to say so.
    return texts.length > 0 && texts.every((text) => condition.in.includes(text));
  }
  if (!('json' in document)) return false;
  const found = at(document.json, condition.pointer);
  if ('exists' in condition) return (found !== undefined) === condition.exists;
  if (found === undefined) return false;
  if ('equals' in condition) return Object.is(found.value, condition.equals);
  if ('in' in condition) return condition.in.some((one) => Object.is(found.value, one));
  if ('type' in condition) return typeOf(found.value) === condition.type;
  if ('contains' in condition) {
    const texts = Array.isArray(found.value) ? (found.value as unknown[]) : [found.value];
    return texts.some((one) => typeof one === 'string' && one.includes(condition.contains));
  }
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
