import { newId, type Id } from '../../kernel/ids.ts';
import { hash } from 'node:crypto';
import { digestsOfSha256, type Pepper } from '../credentials/fingerprint.rules.ts';
import { suspectsIn, writtenTexts } from '../credentials/known-values.rules.ts';
import type { PortfolioRow } from './portfolio.schema.ts';
import { checkRow, type BadRow, type CheckedRow, type RawRow } from './row.rules.ts';

/** A text of a row that may be a value that somebody pasted: keyed digests of it, in hex, for whoever knows the values. */
export interface Suspect {
  line: number;
  kind: string;
  key: string;
  field: string;
  digests: string[];
}

/** Rows as COPY's text, and those that cannot be taken. The SHA-256 of a value ends here: what goes on is keyed. */
export function stage(
  rows: readonly RawRow[],
  run: Id,
  peppers: readonly Pepper[],
  fields: Map<string, Set<string>>,
): { text: string; bad: BadRow[]; suspects: Suspect[] } {
  const lines: string[] = [];
  const bad: BadRow[] = [];
  const suspects: Suspect[] = [];
  for (const raw of rows) {
    const checked = checkRow(raw);
    if (checked.ok) {
      const { kind, value } = checked.row;
      const seen = fields.get(kind) ?? new Set();
      fields.set(kind, seen);
      for (const field of Object.keys(value)) seen.add(field);
      suspects.push(...suspectsOf(checked.row, peppers));
      lines.push(
        `${headOf(run, checked.row)}${newId()}\tf\t${copyText(JSON.stringify(bodyOf(checked.row, peppers)))}\n`,
      );
    } else {
      bad.push(checked.bad);
      // Its key is known to the file, so that nobody who refers to it is blamed for a typing error.
      const { line, kind, key } = checked.bad;
      if (key !== null && kind !== '') {
        if (!fields.has(kind)) fields.set(kind, new Set());
        lines.push(badLine(run, { line, kind, key }));
      }
    }
  }
  return { text: lines.join(''), bad, suspects };
}

/** The same text with these rows as rows that cannot be taken: nothing of what they hold goes on. */
export function withoutRows(
  text: string,
  run: Id,
  rows: readonly Omit<Suspect, 'field' | 'digests'>[],
): string {
  const heads = new Map(rows.map((row) => [headOf(run, row), row]));
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      const head = line.split('\t', 4).join('\t');
      const row = heads.get(`${head}\t`);
      return row ? badLine(run, row) : line;
    })
    .join('');
}

function headOf(run: Id, { line, kind, key }: { line: number; kind: string; key: string }): string {
  return `${run}\t${line}\t${copyText(kind)}\t${copyText(key)}\t`;
}

function badLine(run: Id, row: { line: number; kind: string; key: string }): string {
  return `${headOf(run, row)}${newId()}\tt\t{}\n`;
}

function suspectsOf({ line, kind, key, value }: CheckedRow, peppers: readonly Pepper[]): Suspect[] {
  return Object.entries(writtenTexts(value)).flatMap(([field, text]) => {
    const digests = suspectsIn(text).flatMap((piece) =>
      digestsOfSha256(hash('sha256', piece), peppers).map(({ digest }) => digest.toString('hex')),
    );
    return digests.length > 0 ? [{ line, kind, key, field, digests }] : [];
  });
}

/** COPY's text format: backslash, tab and line ends are escaped. */
function copyText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (char) =>
    char === '\\' ? '\\\\' : char === '\t' ? '\\t' : char === '\n' ? '\\n' : '\\r',
  );
}

function bodyOf(row: CheckedRow, peppers: readonly Pepper[]): object {
  if (row.kind !== 'credentialVersion') return row.value;
  const { sha256, fingerprints, ...rest } = row.value as PortfolioRow<'credentialVersion'>;
  const parts = [...(sha256 === undefined ? [] : [{ part: 'value', sha256 }]), ...(fingerprints ?? [])];
  if (parts.length === 0) return rest;
  const digests = parts.flatMap(({ part, sha256: hex }) =>
    digestsOfSha256(hex, peppers).map(({ scheme, keyId, digest }) => ({
      part,
      scheme,
      keyId,
      digest: digest.toString('hex'),
    })),
  );
  return { ...rest, digests };
}
