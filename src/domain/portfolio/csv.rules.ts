/** What ends the reading of a CSV file. */
export class CsvFlaw extends Error {
  readonly problem: { line: number; field: ''; problem: string; mend: string };

  constructor(line: number, problem: string, mend: string) {
    super(problem);
    this.problem = { line, field: '', problem, mend };
  }
}

const LONGEST = 1_000_000;
const QUOTE = 0x22;
const RETURN = 0x0d;
const NEWLINE = 0x0a;

/**
 * Splits CSV (RFC 4180) into records as its text arrives, each with the line on which it begins: a quoted cell may hold
 * line ends, and people look for a row where it starts. Lines end in LF or CRLF; empty lines are no records.
 */
export class CsvRecords {
  /** Of the next record, counted from 1. */
  line = 1;
  /** Where a record began that the text so far does not end. */
  #rest = '';
  readonly #delimiter: number;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /**
   * @param last no more text follows
   * @throws CsvFlaw where the quotation marks do not fit
   */
  *take(text: string, last: boolean): Generator<{ cells: string[]; line: number }> {
    const all = this.#rest + text;
    let from = 0;
    while (from < all.length) {
      const record = this.#record(all, from, last);
      if (!record) break;
      const { line } = this;
      this.line += record.lines;
      from = record.end;
      if (record.cells.length > 1 || record.cells[0] !== '') yield { cells: record.cells, line };
    }
    this.#rest = all.slice(from);
    if (this.#rest.length > LONGEST)
      throw new CsvFlaw(this.line, 'a row is longer than 1 MB: a quoted cell may not end', FIT);
  }

  /** @returns undefined when the text ends before the record does */
  #record(
    all: string,
    from: number,
    last: boolean,
  ): { cells: string[]; end: number; lines: number } | undefined {
    const cells: string[] = [];
    let lines = 0;
    for (let at = from; ; at++) {
      if (all.charCodeAt(at) === QUOTE) {
        const close = closing(all, at, last);
        if (close === undefined) {
          if (last) throw new CsvFlaw(this.line + lines, 'a quoted cell does not end', FIT);
          return undefined;
        }
        const inside = all.slice(at + 1, close);
        for (let end = inside.indexOf('\n'); end >= 0; end = inside.indexOf('\n', end + 1)) lines++;
        cells.push(inside.includes('"') ? inside.replaceAll('""', '"') : inside);
        at = close + 1;
      } else {
        const start = at;
        for (
          let char = all.charCodeAt(at);
          at < all.length && char !== this.#delimiter && char !== NEWLINE && char !== RETURN;
          char = all.charCodeAt(++at)
        ) {
          if (char === QUOTE)
            throw new CsvFlaw(
              this.line + lines,
              'a quotation mark stands within a cell that does not begin with one',
              FIT,
            );
        }
        cells.push(all.slice(start, at));
      }
      if (at >= all.length) return last ? { cells, end: at, lines: lines + 1 } : undefined;
      const char = all.charCodeAt(at);
      if (char === this.#delimiter) continue;
      if (char === NEWLINE) return { cells, end: at + 1, lines: lines + 1 };
      if (char === RETURN && at + 1 >= all.length && !last) return undefined;
      if (char === RETURN && (at + 1 >= all.length || all.charCodeAt(at + 1) === NEWLINE))
        return { cells, end: at + 2, lines: lines + 1 };
      throw new CsvFlaw(
        this.line + lines,
        char === RETURN
          ? 'a carriage return stands alone'
          : 'something follows the quotation mark that ends a cell',
        FIT,
      );
    }
  }
}

const FIT =
  'Mend the quotation marks on this line: a cell that holds one is quoted, with each of them doubled.';

/** Where a quoted cell ends. Undefined when that cannot be told yet. */
function closing(all: string, open: number, last: boolean): number | undefined {
  for (let at = all.indexOf('"', open + 1); at >= 0; at = all.indexOf('"', at + 2)) {
    if (at + 1 >= all.length) return last ? at : undefined;
    if (all.charCodeAt(at + 1) !== QUOTE) return at;
  }
  return undefined;
}
