import { newId, type Id } from '../../kernel/ids.ts';
import { digestsOfSha256, type Pepper } from '../credentials/fingerprint.rules.ts';
import type { PortfolioRow } from './portfolio.schema.ts';
import { checkRow, type BadRow, type CheckedRow, type RawRow } from './row.rules.ts';

/** Rows as COPY's text, and those that cannot be taken. The SHA-256 of a value ends here: what goes on is keyed. */
export function stage(
  rows: readonly RawRow[],
  run: Id,
  peppers: readonly Pepper[],
  fields: Map<string, Set<string>>,
): { text: string; bad: BadRow[] } {
  const lines: string[] = [];
  const bad: BadRow[] = [];
  for (const raw of rows) {
    const checked = checkRow(raw);
    if (checked.ok) {
      const { line, kind, key, value } = checked.row;
      const seen = fields.get(kind) ?? new Set();
      fields.set(kind, seen);
      for (const field of Object.keys(value)) seen.add(field);
      lines.push(
        `${run}\t${line}\t${kind}\t${copyText(key)}\t${newId()}\tf\t${copyText(JSON.stringify(bodyOf(checked.row, peppers)))}\n`,
      );
    } else {
      bad.push(checked.bad);
      // Its key is known to the file, so that nobody who refers to it is blamed for a typing error.
      const { line, kind, key } = checked.bad;
      if (key !== null && kind !== '') {
        if (!fields.has(kind)) fields.set(kind, new Set());
        lines.push(`${run}\t${line}\t${copyText(kind)}\t${copyText(key)}\t${newId()}\tt\t{}\n`);
      }
    }
  }
  return { text: lines.join(''), bad };
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
