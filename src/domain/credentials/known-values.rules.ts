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
