/** What is shorter is a word, and equal to a value by chance. */
const SHORTEST = 8;
/** Of one text; the rest of a text with more words is looked at no more. */
const MOST = 4000;
const OUTSIDE_A_WORD = /^["'`<({[]+|["'`>)}\].,;:!?]+$/g;

/** What of a text may be a value: the whole, its lines, its words, and what stands behind `name=` or `name:`. */
export function piecesOf(text: string): string[] {
  const pieces = new Set<string>([text, text.trim()]);
  const add = (piece: string) => {
    if (piece.length >= SHORTEST && pieces.size < MOST) pieces.add(piece);
  };
  for (const line of text.split(/[\r\n]+/)) add(line.trim());
  for (const word of text.split(/\s+/)) {
    add(word);
    const bare = word.replaceAll(OUTSIDE_A_WORD, '');
    add(bare);
    const named = /^[A-Za-z_][A-Za-z0-9_.-]*[=:](.+)$/.exec(bare)?.[1];
    if (named !== undefined) add(named.replaceAll(OUTSIDE_A_WORD, ''));
  }
  pieces.delete('');
  return [...pieces];
}

/** Long, in one piece, of letters and digits: what a name in a portfolio seldom is, and a generated value nearly always. */
const LIKE_A_VALUE = /^(?=[^]*[0-9])(?=[^]*[A-Za-z])\S{16,}$/;

/** Of a row of many: only what looks like a value, since a file may have a million rows of ordinary names. */
export function suspectsIn(text: string): string[] {
  return text.length < 16 ? [] : piecesOf(text).filter((piece) => LIKE_A_VALUE.test(piece));
}

/** Names of what people write in their own words, or copy from elsewhere, and is kept and shown as it came. */
const WRITTEN: ReadonlySet<string> = new Set([
  'reason',
  'note',
  'text',
  'signsFor',
  'signs_for',
  'why',
  'comment',
  'purpose',
  'justification',
  'description',
  'name',
  'title',
  'label',
  'subject',
  'message',
  'next',
  'nextAction',
  'path',
  'place',
  'putBy',
  'supplierId',
]);
/** Texts of one body; one with more is a list of machines, and what is beyond is looked at no more. */
const MOST_TEXTS = 5000;
/** Deeper than any body that is taken. */
const DEEPEST = 200;

/** What somebody wrote into a body, however deep in it, by JSON pointer (RFC 6901). */
export function writtenTexts(body: object): Record<string, string> {
  const texts: Record<string, string> = {};
  let count = 0;
  const look = (value: unknown, pointer: string, written: boolean, depth: number): void => {
    if (count >= MOST_TEXTS || depth > DEEPEST) return;
    if (typeof value === 'string') {
      if (!written || value === '') return;
      texts[pointer] = value;
      count += 1;
    } else if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) look(item, `${pointer}/${at}`, written, depth + 1);
    } else if (isRead(value)) {
      for (const [name, member] of Object.entries(value))
        look(member, `${pointer}/${escaped(name)}`, WRITTEN.has(name), depth + 1);
    }
  };
  look(body, '', false, 0);
  return texts;
}

/** What a body was read into. One that is not read yet, as of a file that is imported, is a stream: there is no end to that. */
function isRead(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function escaped(name: string): string {
  return name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}
