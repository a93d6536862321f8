import { createReadStream } from 'node:fs';
import { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import { readStrictJson } from '../../kernel/strict-json.ts';
import { CsvFlaw, CsvRecords } from './csv.rules.ts';
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
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const records = new CsvRecords(await delimiterOf(file));
  let columns: Column[] | undefined;
  let bytes = 0;
  try {
    const pieces = createReadStream(file, { highWaterMark: PIECE });
    for await (const piece of endless(pieces as AsyncIterable<Buffer>)) {
      bytes += piece?.length ?? 0;
      const text = piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
      const rows: RawRow[] = [];
      for (const { cells, line } of records.take(text, piece === undefined)) {
        if (columns) rows.push(rowOfCells(cells, columns, fileKind, line));
        else {
          const heading = readHeading(cells, fileKind);
          if (heading.problems.length > 0) {
            yield { rows: [], bytes, problems: heading.problems };
            return;
          }
          columns = heading.columns;
        }
      }
      yield { rows, bytes, problems: [] };
    }
  } catch (thrown) {
    if (thrown instanceof CsvFlaw) yield { rows: [], bytes, problems: [thrown.problem] };
    else if ((thrown as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      const problem = 'the text is not well-formed UTF-8';
      yield {
        rows: [],
        bytes,
        problems: [{ line: records.line, field: '', problem, mend: 'Save the file as UTF-8.' }],
      };
    } else throw thrown;
    return;
  }
  if (columns) return;
  const mend = 'Begin with a heading that names the fields.';
  yield { rows: [], bytes, problems: [{ line: 1, field: '', problem: 'the file is empty', mend }] };
}

/** The pieces, and undefined when there are no more. */
async function* endless(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  yield* pieces;
  yield undefined;
}

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
      mend: `Add a column kind, or name one for the whole file: ${KINDS.join(', ')}.`,
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
