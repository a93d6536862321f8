import { err, ok, type Result } from './result.ts';

export interface JsonLimits {
  /** Nesting of objects and arrays. */
  depth: number;
  /** Object members and array items of the whole document together. */
  items: number;
}

const JSON_LIMITS: JsonLimits = { depth: 64, items: 100_000 };

/** Why a document is refused, and where. */
export interface JsonProblem {
  code:
    | 'encoding'
    | 'syntax'
    | 'too-deep'
    | 'too-many'
    | 'duplicate-key'
    | 'forbidden-key'
    | 'forbidden-character';
  /** JSON pointer (RFC 6901) to the member concerned; empty for the document. */
  pointer: string;
  problem: string;
  mend: string;
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * JSON (RFC 8259) read so that it means the same to every reader: well-formed UTF-8, no member twice, no key that touches
 * an object's prototype, no NUL (which Postgres cannot keep), bounded in depth and number before anything is built.
 */
export function readStrictJson(
  bytes: Uint8Array,
  limits: JsonLimits = JSON_LIMITS,
): Result<unknown, JsonProblem> {
  let text: string;
  try {
    text = UTF_8.decode(bytes);
  } catch {
    return err(problem('encoding', '', 'the text is not well-formed UTF-8', 'Send UTF-8.'));
  }
  const scan = new Scanner(text, limits);
  const found = scan.run();
  if (found) return err(found);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err(problem('syntax', '', `the text is no JSON${scan.stoppedAt}`, 'Send one JSON value.'));
  }
}

function problem(code: JsonProblem['code'], pointer: string, said: string, mend: string): JsonProblem {
  return { code, pointer, problem: said, mend };
}

interface Level {
  /** Keys seen; absent for an array. */
  keys?: Set<string>;
  /** The member at hand: a key or an index. */
  at: string | number;
}

/**
 * One pass over the characters that judges structure only; `JSON.parse` judges the grammar afterwards, so that what the
 * scanner lets through wrongly is still refused there.
 */
class Scanner {
  readonly #levels: Level[] = [];
  #items = 0;
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  get stoppedAt(): string {
    return this.#at < this.text.length ? ` (near character ${this.#at + 1})` : '';
  }

  run(): JsonProblem | undefined {
    const { text } = this;
    let expectsKey = false;
    for (; this.#at < text.length; this.#at++) {
      const char = text.charCodeAt(this.#at);
      const level = this.#levels.at(-1);
      if (char === 0x22) {
        const end = this.#endOfString();
        if (end < 0)
          return problem(
            'syntax',
            this.#pointer(),
            'a string does not end',
            'Close it with a quotation mark.',
          );
        const raw = text.slice(this.#at, end + 1);
        const found = this.#string(raw, expectsKey ? level : undefined);
        if (found) return found;
        expectsKey = false;
        this.#at = end;
      } else if (char === 0x7b || char === 0x5b) {
        if (this.#levels.length >= this.limits.depth) {
          return problem(
            'too-deep',
            this.#pointer(),
            `nested deeper than ${this.limits.depth} levels`,
            'Send a flatter document.',
          );
        }
        this.#levels.push(char === 0x7b ? { keys: new Set(), at: '' } : { at: 0 });
        expectsKey = char === 0x7b;
        if (char === 0x5b) this.#items++;
      } else if (char === 0x7d || char === 0x5d) {
        this.#levels.pop();
        expectsKey = false;
      } else if (char === 0x2c && level) {
        expectsKey = level.keys !== undefined;
        if (typeof level.at === 'number') {
          level.at++;
          this.#items++;
        }
      }
      if (this.#items > this.limits.items) {
        return problem(
          'too-many',
          '',
          `more than ${this.limits.items} members and items`,
          'Send the data in several requests.',
        );
      }
    }
    return undefined;
  }

  /** Index of the closing quotation mark, or -1. */
  #endOfString(): number {
    const { text } = this;
    for (let at = this.#at + 1; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (char === 0x5c) at++;
      else if (char === 0x22) return at;
    }
    return -1;
  }

  #string(raw: string, object: Level | undefined): JsonProblem | undefined {
    let value = raw.slice(1, -1);
    if (value.includes('\\')) {
      try {
        value = JSON.parse(raw) as string;
      } catch {
        return problem(
          'syntax',
          this.#pointer(),
          'a string holds an escape that JSON does not know',
          'Escape it as RFC 8259 says.',
        );
      }
    }
    if (object) {
      object.at = value;
      this.#items++;
    }
    if (value.includes('\u0000'))
      return problem('forbidden-character', this.#pointer(), 'the text holds a NUL character', 'Remove it.');
    if (!value.isWellFormed())
      return problem(
        'encoding',
        this.#pointer(),
        'the text holds half a surrogate pair',
        'Send whole characters.',
      );
    if (!object) return undefined;
    if (FORBIDDEN_KEYS.has(value))
      return problem(
        'forbidden-key',
        this.#pointer(),
        `no member may be named ${value}`,
        'Remove or rename it.',
      );
    if (object.keys?.has(value))
      return problem('duplicate-key', this.#pointer(), 'the member stands there twice', 'Send it once.');
    object.keys?.add(value);
    return undefined;
  }

  #pointer(): string {
    return this.#levels
      .map(({ at }) => `/${String(at).replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)}`)
      .join('');
  }
}
