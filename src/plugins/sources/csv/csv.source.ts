import { Injectable } from '@nestjs/common';
import { CsvError, parse } from 'csv-parse/sync';
import type { FieldProblem, Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { malformed } from '../../../domain/exposures/delivery.rules.ts';
import { reportSchema, toReport } from '../../../domain/exposures/report.schema.ts';
import type { ReadDelivery, Report } from '../../../domain/exposures/source.ts';
import {
  FileSource,
  MOST_FINDINGS,
  fileRead,
  tooManyFindings,
  valueIn,
} from '../../vendors/scan-report/scan-report.ts';

const MOST_PROBLEMS = 10;
const LONGEST_ROW = 256 * 1024;
const LONGEST_HEADING = 16 * 1024;
/** Judged before anything is parsed. Twice as many as findings, since a quoted cell may hold a line end. */
const MOST_LINES = 2 * MOST_FINDINGS;

/** Headings, as people write them too, and the field of a report that they mean. */
const FIELDS: Readonly<Record<string, string>> = {
  ref: 'ref',
  id: 'ref',
  value: 'value',
  secret: 'value',
  token: 'value',
  sha256: 'sha256',
  supplierid: 'supplierId',
  kind: 'kind',
  type: 'kind',
  place: 'place',
  occurredat: 'occurredAt',
  detectedat: 'detectedAt',
  asof: 'asOf',
  sourcesays: 'sourceSays',
  resolved: 'resolved',
  publiclyleaked: 'publiclyLeaked',
  seenin: 'seenIn',
  url: 'url',
  path: 'path',
  file: 'path',
  line: 'line',
};

/**
 * A table of leaks: UTF-8, comma, semicolon or tab between cells, as RFC 4180 quotes. A heading names the fields of a
 * report, and `seen in`, `url`, `path` and `line` of the place; other columns are left aside. Cells are text and stay text.
 */
@Injectable()
export class CsvSource extends FileSource {
  readonly key = 'csv';
  readonly title = 'Table of leaks (CSV)';

  readFile(file: Buffer): Result<ReadDelivery, Refusal> {
    const table = tableOf(file);
    if (!table.ok) return err(malformed(table.error));
    const { columns, rows } = table.value;
    if (rows.length > MOST_FINDINGS) return err(tooManyFindings());
    const problems: FieldProblem[] = [];
    const reports: Report[] = [];
    for (const { cells, line } of rows) {
      const report = reportOf(cells, columns, line);
      if (report.ok) reports.push(report.value);
      else problems.push(...report.error);
      if (problems.length >= MOST_PROBLEMS) break;
    }
    if (problems.length > 0) return err(malformed(problems.slice(0, MOST_PROBLEMS)));
    return fileRead('csv.report', file, reports);
  }
}

interface Table {
  /** The field of each column; undefined for one that is left aside. */
  columns: (string | undefined)[];
  rows: { cells: string[]; line: number }[];
}

function tableOf(file: Buffer): Result<Table, FieldProblem[]> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    return err([{ field: 'body', problem: 'is not well-formed UTF-8', mend: 'Save the file as UTF-8.' }]);
  }
  const nul = text.indexOf('\u0000');
  if (nul >= 0) {
    const line = text.slice(0, nul).split('\n').length;
    return err([{ field: 'body', problem: 'holds a NUL character', mend: 'Remove it.', line }]);
  }
  const end = text.search(/\r?\n/);
  const heading = end < 0 ? text : text.slice(0, end);
  if (heading.length > LONGEST_HEADING) {
    const problem = `the heading is longer than ${LONGEST_HEADING} characters`;
    return err([{ field: 'body', problem, mend: 'Begin with a heading that names the fields.', line: 1 }]);
  }
  if (linesOf(text) > MOST_LINES) {
    const problem = `holds more than ${MOST_LINES} lines`;
    return err([{ field: 'body', problem, mend: 'Split it into several files.' }]);
  }
  const delimiter = [',', ';', '\t'].find((one) => heading.includes(one)) ?? ',';
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      delimiter,
      info: true,
      max_record_size: LONGEST_ROW,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as never;
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    const line = typeof thrown['lines'] === 'number' ? thrown['lines'] : 1;
    if (thrown.code === 'CSV_MAX_RECORD_SIZE') {
      const problem = `a row is longer than ${LONGEST_ROW} bytes: a quoted cell may not end`;
      return err([{ field: 'body', problem, mend: 'Mend the quotation marks.', line }]);
    }
    const mend = 'Quote a cell that holds a quotation mark, and double each of them.';
    return err([{ field: 'body', problem: 'the quotation marks do not fit', mend, line }]);
  }
  const [first, ...rest] = records;
  const columns = (first?.record ?? []).map((name) => FIELDS[name.toLowerCase().replace(/[^a-z0-9]/g, '')]);
  const said = columns.filter((name) => name !== undefined);
  if (!said.some((name) => name === 'value' || name === 'sha256' || name === 'supplierId')) {
    const mend = 'Begin with a heading that names at least one of value, sha256 and supplierId.';
    return err([{ field: 'body', problem: 'no column holds a secret or its id', mend, line: 1 }]);
  }
  const twice = said.find((name, at) => said.indexOf(name) !== at);
  if (twice !== undefined) {
    const problem = `two columns mean ${twice}`;
    return err([{ field: 'body', problem, mend: 'Remove one of them.', line: 1 }]);
  }
  return ok({ columns, rows: rest.map(({ record, info }) => ({ cells: record, line: info.lines })) });
}

function linesOf(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

function reportOf(
  cells: readonly string[],
  columns: Table['columns'],
  line: number,
): Result<Report, FieldProblem[]> {
  const problem = (field: string, said: string) =>
    err([{ field, problem: said, mend: 'Mend the row.', line }]);
  if (cells.length > columns.length)
    return problem('body', `the row has ${cells.length} cells and the heading ${columns.length}`);
  const row: Record<string, string> = {};
  for (const [at, name] of columns.entries()) {
    const cell = cells[at] ?? '';
    if (name !== undefined && cell.trim() !== '') row[name] = name === 'value' ? cell : cell.trim();
  }
  const { seenIn, url, path, line: at, publiclyLeaked, ...fields } = row;
  const leaked = /^(true|yes|1)$/i.test(publiclyLeaked ?? '');
  if (publiclyLeaked !== undefined && !leaked && !/^(false|no|0)$/i.test(publiclyLeaked))
    return problem('publiclyLeaked', 'must be true or false');
  if (at !== undefined && !/^\d{1,9}$/.test(at)) return problem('line', 'must be a whole number');
  const place = { type: seenIn ?? 'file', url, path, line: at === undefined ? undefined : Number(at) };
  const given = {
    ...fields,
    ...(publiclyLeaked === undefined ? {} : { publiclyLeaked: leaked }),
    ...(url === undefined && path === undefined ? {} : { foundAt: [place] }),
  };
  const read = reportSchema.safeParse(given);
  if (!read.success) {
    return err(
      read.error.issues.map((issue) => ({
        field: issue.path.map(String).join('/'),
        problem: issue.message,
        mend: 'Mend the row.',
        line,
      })),
    );
  }
  const report = toReport(read.data, named([fields['supplierId'], fields['kind'], url, path, at], line));
  return ok({ ...report, value: valueIn(read.data.value) });
}

/** A row that names no leak is called after what it says. */
function named(parts: readonly (string | undefined)[], line: number): string {
  const said = parts.filter((part) => part !== undefined);
  return said.length > 0 ? said.join(' ') : `row ${line}`;
}
