import canonicalize from 'canonicalize';

/**
 * What may be hashed and signed. Whole numbers beyond 2^53 - 1 are carried as text, instants as RFC 3339 text, bytes as
 * hex; an absent member is left out, never `undefined`.
 */
export type CanonicalValue =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalValue[]
  | { readonly [member: string]: CanonicalValue };

const DEEPEST = 64;

/**
 * The one text of a value by RFC 8785 (JSON Canonicalization Scheme): members sorted by UTF-16 code units, no blanks,
 * numbers as ECMAScript writes them.
 *
 * @throws TypeError naming the member, for what has no such text or would not survive it: NaN and infinities, whole
 *   numbers beyond 2^53 - 1, ill-formed UTF-16, `undefined`, functions, class instances (a `Secret` among them), more
 *   than 64 levels.
 */
export function canonicalJson(value: CanonicalValue): string {
  // ECMAScript's own text is canonical where every object lists its members in order, and several times faster.
  if (inspect(value, '', 0)) return JSON.stringify(value);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON text');
  return text;
}

/** The value of a canonical text, or undefined when the text is not JSON or not the canonical text of its value. */
export function parseCanonicalJson(text: string): CanonicalValue | undefined {
  try {
    const value = JSON.parse(text) as CanonicalValue;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a text is the canonical text of an object whose members are plain: ASCII texts without an escape, whole numbers,
 * booleans and null. False says nothing: it may be canonical all the same. Looks at each character once and builds nothing.
 */
export function isCanonicalFlat(text: string): boolean {
  if (!text.startsWith('{"')) return false;
  let at = 1;
  let before = '';
  for (;;) {
    const name = plainEnd(text, at);
    if (name < 0 || text.charCodeAt(name + 1) !== COLON) return false;
    const member = text.slice(at + 1, name);
    // Members stand in order, and none stands there twice; the first may be the empty one.
    if (at > 1 && member <= before) return false;
    before = member;
    at = scalarEnd(text, name + 2);
    if (at < 0) return false;
    const next = text.charCodeAt(at);
    if (next === CLOSE) return at === text.length - 1;
    if (next !== COMMA) return false;
    at++;
  }
}

const [QUOTE, BACKSLASH, COLON, COMMA, CLOSE, MINUS, ZERO] = [0x22, 0x5c, 0x3a, 0x2c, 0x7d, 0x2d, 0x30];

/** @returns the place of the closing quotation mark of the text that begins at `at`, or -1 */
function plainEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return -1;
  for (let i = at + 1; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) return i;
    if (char < 0x20 || char > 0x7e || char === BACKSLASH) return -1;
  }
  return -1;
}

/** @returns the place behind the value that begins at `at`, or -1 */
function scalarEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return plainEnd(text, at) + 1 || -1;
  for (const word of ['null', 'true', 'false']) if (text.startsWith(word, at)) return at + word.length;
  // Fifteen digits are safe whatever they are; zero has one digit and no sign.
  const start = first === MINUS ? at + 1 : at;
  let end = start;
  while (end < text.length && text.charCodeAt(end) >= ZERO && text.charCodeAt(end) <= ZERO + 9) end++;
  const digits = end - start;
  if (digits === 0 || digits > 15) return -1;
  if (text.charCodeAt(start) === ZERO && (digits > 1 || start > at)) return -1;
  return end;
}

/** Refuses what may not be hashed. @returns whether every object's members already stand in canonical order. */
function inspect(value: unknown, path: string, depth: number): boolean {
  switch (typeof value) {
    case 'boolean':
      return true;
    case 'string':
      if (!value.isWellFormed()) refuse(path, 'ill-formed UTF-16');
      return true;
    case 'number':
      if (!Number.isFinite(value)) refuse(path, 'no finite number');
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        refuse(path, 'a whole number beyond 2^53 - 1: carry it as text');
      return true;
    case 'object':
      break;
    default:
      return refuse(path, `a value of type ${typeof value}`);
  }
  if (value === null) return true;
  if (depth === DEEPEST) refuse(path, `more than ${DEEPEST} levels`);
  if (Array.isArray(value)) return inspectItems(value, path, depth);
  return inspectMembers(value, path, depth);
}

function inspectItems(items: readonly unknown[], path: string, depth: number): boolean {
  let ordered = true;
  // By index: a hole in the array must be met, not skipped.
  for (let i = 0; i < items.length; i++) ordered = inspect(items[i], `${path}/${i}`, depth + 1) && ordered;
  return ordered;
}

function inspectMembers(object: object, path: string, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) refuse(path, 'an instance of a class');
  if (Object.getOwnPropertySymbols(object).length > 0) refuse(path, 'a member named by a symbol');
  let ordered = true;
  let before: string | undefined;
  for (const name of Object.keys(object)) {
    if (!name.isWellFormed()) refuse(path, 'a member name in ill-formed UTF-16');
    if (before !== undefined && before > name) ordered = false;
    before = name;
    const member = (object as Record<string, unknown>)[name];
    ordered = inspect(member, `${path}/${name}`, depth + 1) && ordered;
  }
  return ordered;
}

function refuse(path: string, what: string): never {
  throw new TypeError(`no canonical JSON for ${path === '' ? 'the value' : path}: ${what}`);
}
