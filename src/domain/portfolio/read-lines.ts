import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import { readStrictJson } from '../../kernel/strict-json.ts';
import { isKind, kindSchemas, KINDS, type Kind } from './portfolio.schema.ts';
import { printable, type RawRow } from './row.rules.ts';

/** What a streaming reader hands out: some rows, or what ends the file. `bytes`: read so far. */
export interface Batch {
  rows: RawRow[];
  bytes: number;
  /** The file cannot be read on. */
  problems: (FieldProblem & { line: number })[];
}

const LONGEST_LINE = 1_000_000;
const BATCH = 400;
/** Bytes read at a time. */
const PIECE = 64 * 1024;
const LIMITS = { depth: 20, items: 100_000 };

/** JSON Lines: one object a line, its kind in the member `kind` or given for the whole file. Blank lines are skipped. */
export async function* readJsonLines(file: string, kind: string | undefined): AsyncGenerator<Batch> {
  let line = 0;
  let rows: RawRow[] = [];
  let bytes = 0;
  let rest: Buffer[] = [];
  let held = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const tail = chunk.subarray(from, end);
      const whole = held === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      held = 0;
      from = end + 1;
      const row = rowOfLine(whole, ++line, kind);
      if (row) rows.push(row);
      if (rows.length >= BATCH) {
        yield { rows, bytes, problems: [] };
        rows = [];
      }
    }
    rest.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > LONGEST_LINE) {
      yield {
        rows,
        bytes,
        problems: [
          { line: line + 1, field: '', problem: 'a line longer than 1 MB', mend: 'Write one row a line.' },
        ],
      };
      return;
    }
  }
  const last = held > 0 ? rowOfLine(Buffer.concat(rest), line + 1, kind) : undefined;
  if (last) rows.push(last);
  yield { rows, bytes, problems: [] };
}

function rowOfLine(bytes: Buffer, line: number, fileKind: string | undefined): RawRow | undefined {
  const body =
    line === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  if (isBlank(body)) return undefined;
  const read = readStrictJson(body, LIMITS);
  if (!read.ok) {
    const { pointer, problem, mend } = read.error;
    return { line, kind: fileKind, value: null, problems: [{ field: printable(pointer), problem, mend }] };
  }
  if (typeof read.value !== 'object' || read.value === null || Array.isArray(read.value)) {
    return {
      line,
      kind: fileKind,
      value: null,
      problems: [
        { field: '', problem: 'the line is no object', mend: 'Write {"kind": "party", "key": "…", …}.' },
      ],
    };
  }
  const { kind: own, ...value } = read.value as Record<string, unknown>;
  if (own !== undefined && fileKind !== undefined && own !== fileKind) {
    const problem = `the row is of another kind than the file (${fileKind})`;
    return {
      line,
      kind: fileKind,
      value,
      problems: [
        { field: 'kind', problem, mend: 'Move it into a file of its kind, or name no kind for the file.' },
      ],
    };
  }
  return {
    line,
    kind: fileKind ?? (own === undefined ? undefined : typeof own === 'string' ? printable(own) : ''),
    value,
  };
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}

/**
 * CSV as RFC 4180 has it, UTF-8 with or without a byte order mark, comma or semicolon between cells (as the heading shows).
 * A heading names the fields. All cells are text and stay text, formulas too; lists are divided by `;`, objects and lists of
 * objects are JSON. An empty cell is a field that is left out.
 */
export async function* readCsv(file: string, fileKind: string | undefined): AsyncGenerator<Batch> {
  const seen = { bytes: 0 };
  const parser = parse({
    delimiter: await delimiterOf(file),
    relax_column_count: true,
    // Handed out, so that lines can be counted here: the parser's own count is off where a quoted cell holds CRLF.
    skip_empty_lines: false,
    max_record_size: LONGEST_LINE,
  });
  // A failure on the way ends the reading below with the same error.
  pipeline(
    Readable.from(textOf(file, seen), { objectMode: true, highWaterMark: 1 }),
    parser,
    () => undefined,
  );
  let columns: Column[] | undefined;
  let rows: RawRow[] = [];
  let next = 1;
  const batch = (problems: Batch['problems'] = []): Batch => ({ rows, bytes: seen.bytes, problems });
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      const line = next;
      next += 1 + lineEndsWithin(record);
      if (record.length === 1 && record[0] === '') continue;
      if (columns) {
        rows.push(rowOfCells(record, columns, fileKind, line));
        if (rows.length < BATCH) continue;
        yield batch();
        rows = [];
      } else {
        const heading = readHeading(record, fileKind);
        if (heading.problems.length > 0) return yield batch(heading.problems);
        columns = heading.columns;
      }
    }
  } catch (thrown) {
    const flaw = flawOf(thrown, next);
    if (!flaw) throw thrown;
    return yield batch([flaw]);
  } finally {
    parser.destroy();
  }
  const mend = 'Begin with a heading that names the fields.';
  yield batch(columns ? [] : [{ line: 1, field: '', problem: 'the file is empty', mend }]);
}

/** @throws TypeError with code ERR_ENCODING_INVALID_ENCODED_DATA where the text is not well-formed UTF-8 */
async function* textOf(file: string, seen: { bytes: number }): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const piece of createReadStream(file, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    seen.bytes += piece.length;
    yield decoder.decode(piece, { stream: true });
  }
  decoder.decode();
}

function lineEndsWithin(record: readonly string[]): number {
  return record.reduce((sum, cell) => sum + (cell.match(/\n/g)?.length ?? 0), 0);
}

/** What ends the reading of a file, said to people; undefined for what is no fault of the file. */
function flawOf(thrown: unknown, line: number): Batch['problems'][number] | undefined {
  const { code = '' } = thrown as { code?: string };
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    const problem = 'the text is not well-formed UTF-8';
    return { line, field: '', problem, mend: 'Save the file as UTF-8.' };
  }
  if (!(thrown instanceof CsvError)) return undefined;
  return {
    // Of rows that came in one piece with it none is counted yet; the parser knows better then.
    line:
      code === OPENING_QUOTE && typeof thrown['lines'] === 'number' ? Math.max(line, thrown['lines']) : line,
    field: '',
    problem: CSV_FLAWS[code] ?? 'the quotation marks do not fit',
    mend: 'Mend the quotation marks on this line or above it: a cell that holds one is quoted, with each of them doubled.',
  };
}

const OPENING_QUOTE = 'INVALID_OPENING_QUOTE';
const CSV_FLAWS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted cell does not end',
  CSV_MAX_RECORD_SIZE: 'a row is longer than 1 MB: a quoted cell may not end',
};

async function delimiterOf(file: string): Promise<string> {
  for await (const chunk of createReadStream(file, { end: 65_535 }) as AsyncIterable<Buffer>) {
    const [heading = ''] = chunk.toString('latin1').split(/\r?\n/, 1);
    return heading.includes(';') && !heading.includes(',') ? ';' : ',';
  }
  return ',';
}

type Shape = 'text' | 'number' | 'boolean' | 'list' | 'numbers' | 'json';

interface Column {
  name: string;
  /** How a cell of this column is read, by kind of row; a kind that has no such field is absent. */
  shapes: Partial<Record<Kind, Shape>>;
}

function readHeading(
  cells: string[],
  fileKind: string | undefined,
): { columns: Column[]; problems: (FieldProblem & { line: number })[] } {
  const problems: (FieldProblem & { line: number })[] = [];
  const names = cells.map((cell, at) => (at === 0 ? cell.replace(/^\uFEFF/, '') : cell).trim());
  if (fileKind === undefined && !names.includes('kind')) {
    problems.push({
      line: 1,
      field: 'kind',
      problem: 'no column says of which kind the rows are',
      mend: `Add a column kind, or name one for the whole file, as --kind party or ?kind=party: ${KINDS.join(', ')}.`,
    });
  }
  const columns = names.map((name, at) => {
    if (names.indexOf(name) !== at)
      problems.push({
        line: 1,
        field: printable(name),
        problem: 'two columns have this name',
        mend: 'Remove one.',
      });
    if (name === 'kind' && fileKind === undefined) return { name, shapes: {} };
    const shapes: Column['shapes'] = {};
    for (const kind of fileKind !== undefined && isKind(fileKind) ? [fileKind] : KINDS) {
      const shape = shapesOf(kind).get(name);
      if (shape) shapes[kind] = shape;
    }
    if (Object.keys(shapes).length === 0) {
      const fields =
        fileKind !== undefined && isKind(fileKind)
          ? [...shapesOf(fileKind).keys()].join(', ')
          : 'see /api/schemas/portfolio.json';
      problems.push({
        line: 1,
        field: printable(name),
        problem: 'no field has this name',
        mend: `Rename or remove the column. Fields: ${fields}.`,
      });
    }
    return { name, shapes };
  });
  return { columns, problems };
}

function rowOfCells(cells: string[], columns: Column[], fileKind: string | undefined, line: number): RawRow {
  const kindAt = fileKind === undefined ? columns.findIndex((column) => column.name === 'kind') : -1;
  const kind = fileKind ?? cells[kindAt]?.trim();
  if (cells.length > columns.length) {
    return {
      line,
      kind,
      value: null,
      problems: [
        {
          field: '',
          problem: `the row has ${cells.length} cells and the heading ${columns.length}`,
          mend: 'Put cells that hold a comma into quotation marks.',
        },
      ],
    };
  }
  const value: Record<string, unknown> = {};
  const problems: FieldProblem[] = [];
  for (const [at, column] of columns.entries()) {
    const cell = cells[at];
    if (at === kindAt || cell === undefined || cell === '') continue;
    const shape = kind !== undefined && isKind(kind) ? column.shapes[kind] : undefined;
    if (cell.includes('\u0000'))
      problems.push({ field: column.name, problem: 'the text holds a NUL character', mend: 'Remove it.' });
    else value[column.name] = shape === undefined ? cell : cellValue(cell, shape, column.name, problems);
  }
  return { line, kind, value, ...(problems.length > 0 ? { problems } : {}) };
}

function cellValue(cell: string, shape: Shape, field: string, problems: FieldProblem[]): unknown {
  if (shape === 'text') return cell;
  const text = cell.trim();
  if (shape === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (shape === 'boolean')
    return /^(true|yes)$/i.test(text) ? true : /^(false|no)$/i.test(text) ? false : text;
  if ((shape === 'list' || shape === 'numbers') && !text.startsWith('[')) {
    const items = text
      .split(';')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    return shape === 'numbers' ? items.map((item) => (/^-?\d+$/.test(item) ? Number(item) : item)) : items;
  }
  const read = readStrictJson(Buffer.from(text), LIMITS);
  if (read.ok) return read.value;
  problems.push({ field, problem: `the cell must be JSON: ${read.error.problem}`, mend: read.error.mend });
  return undefined;
}

const known = new Map<Kind, Map<string, Shape>>();

/** How the fields of a kind are written in a cell, read off its schema. */
function shapesOf(kind: Kind): Map<string, Shape> {
  let shapes = known.get(kind);
  if (!shapes) {
    const schema = z.toJSONSchema(kindSchemas[kind], { io: 'input', unrepresentable: 'any' });
    shapes = new Map(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [
        name,
        shapeOf(property as JsonType),
      ]),
    );
    known.set(kind, shapes);
  }
  return shapes;
}

interface JsonType {
  type?: string;
  anyOf?: JsonType[];
  items?: JsonType;
}

function shapeOf(schema: JsonType): Shape {
  const options = schema.anyOf ?? [schema];
  const has = (type: string) => options.find((option) => option.type === type);
  const list = has('array');
  if (list) {
    const item = list.items ?? {};
    const simple = (item.anyOf ?? [item]).some((option) => option.type === 'string');
    const numeric = (item.anyOf ?? [item]).some((option) => option.type === 'integer');
    return simple ? 'list' : numeric ? 'numbers' : 'json';
  }
  if (has('object')) return 'json';
  if (has('integer') ?? has('number')) return 'number';
  if (has('boolean')) return 'boolean';
  return 'text';
}
