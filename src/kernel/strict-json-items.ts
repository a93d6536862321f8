import { readStrictJson, type JsonLimits, type JsonProblem } from './strict-json.ts';
import { err, ok, type Result } from './result.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The items of a JSON list (RFC 8259), one after the other, each as strict as `readStrictJson` is: neither the whole text
 * nor the whole list is ever in memory beside the bytes. Structural marks of JSON are ASCII, which UTF-8 never uses inside
 * of another character, so that the bytes can be cut without being decoded.
 *
 * Yields the items in order, or the one problem with which it ends; what came before it was well-formed.
 *
 * @param limits  depth of the whole document; items of the list, and of each of its items
 */
export function* strictJsonItems(
  bytes: Uint8Array,
  limits: JsonLimits,
): Generator<Result<unknown, JsonProblem>, void> {
  const cut = new Cutter(bytes);
  if (!cut.begin()) {
    yield err(problem('', 'is no list', 'Send a JSON list.'));
    return;
  }
  for (let at = 0; ; at++) {
    const piece = cut.next();
    if (piece === undefined) {
      if (cut.endsWell) return;
      yield err(
        problem(
          `/${at}`,
          `the list does not end as it must (near byte ${cut.at + 1})`,
          'Send one JSON list.',
        ),
      );
      return;
    }
    const read: Result<unknown, JsonProblem> =
      at >= limits.items
        ? err({
            ...problem(
              '',
              `more than ${limits.items} members and items`,
              'Send the data in several requests.',
            ),
            code: 'too-many',
          })
        : startsWithMark(piece)
          ? err(problem('', 'the text is no JSON', 'Send one JSON value.'))
          : readStrictJson(piece, { depth: limits.depth - 1, items: limits.items });
    yield read.ok ? ok(read.value) : err({ ...read.error, pointer: `/${at}${read.error.pointer}` });
    if (!read.ok) return;
  }
}

function problem(pointer: string, said: string, mend: string): JsonProblem {
  return { code: 'syntax', pointer, problem: said, mend };
}

/** A byte order mark, which is tolerated before a document and means nothing within. */
function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Cuts at the commas of the list itself; what is between them is judged by whoever reads it. */
class Cutter {
  at = 0;
  endsWell = false;
  #first = true;

  constructor(private readonly bytes: Uint8Array) {}

  begin(): boolean {
    if (startsWithMark(this.bytes)) this.at = 3;
    this.#skip();
    return this.bytes[this.at++] === OPEN_LIST;
  }

  /** Undefined at the end of the list, or where it is broken. */
  next(): Uint8Array | undefined {
    const { bytes } = this;
    this.#skip();
    if (this.#first && bytes[this.at] === CLOSE_LIST) return this.#end();
    if (!this.#first) {
      if (bytes[this.at] === CLOSE_LIST) return this.#end();
      if (bytes[this.at] !== COMMA) return undefined;
      this.at++;
      this.#skip();
    }
    this.#first = false;
    const from = this.at;
    for (let depth = 0; this.at < bytes.length; this.at++) {
      const byte = bytes[this.at];
      if (byte === QUOTE) {
        if (!this.#string()) return undefined;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
      else if (depth > 0 && (byte === CLOSE_LIST || byte === CLOSE_OBJECT)) depth--;
      else if (depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) break;
    }
    return this.at < bytes.length && this.at > from ? bytes.subarray(from, this.at) : undefined;
  }

  /** To its closing quotation mark. */
  #string(): boolean {
    const { bytes } = this;
    for (this.at++; this.at < bytes.length; this.at++) {
      if (bytes[this.at] === BACKSLASH) this.at++;
      else if (bytes[this.at] === QUOTE) return true;
    }
    return false;
  }

  #end(): undefined {
    this.at++;
    this.#skip();
    this.endsWell = this.at >= this.bytes.length;
    return undefined;
  }

  #skip(): void {
    while (SPACES.has(this.bytes[this.at]!)) this.at++;
  }
}
