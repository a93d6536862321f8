import { finished } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { digestsOfSha256, type Pepper } from '../credentials/fingerprint.rules.ts';
import type { PortfolioRow } from './portfolio.schema.ts';
import { checkRow, type BadRow, type CheckedRow, type RawRow } from './row.rules.ts';

const COPY = 'COPY staging_row (run_id, line, kind, key, id, bad, body) FROM STDIN';

/** Rows as COPY's text, and those that cannot be taken. The SHA-256 of a value ends here: what goes on is keyed. */
export function stage(
  rows: readonly RawRow[],
  run: Id,
  peppers: readonly Pepper[],
  fields: Map<string, Set<string>>,
): { text: string; staged: number; bad: BadRow[] } {
  const lines: string[] = [];
  const bad: BadRow[] = [];
  let staged = 0;
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
      staged++;
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
  return { text: lines.join(''), staged, bad };
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

/** Sends rows to the staging table within the transaction of `db`. */
export async function copyRows(db: Db, text: string): Promise<void> {
  if (text === '') return;
  const client = (await db.queryRunner?.connect()) as ClientBase;
  const stream = client.query(copyFrom(COPY));
  stream.end(text);
  await finished(stream);
}

/** Forgets the staged rows of a run. */
export async function clearStaging(db: Db, run: Id): Promise<void> {
  for (const table of ['staging_row', 'staging_key', 'staging_change', 'staging_problem'])
    await db.query(`DELETE FROM ${table} WHERE run_id = $1`, [run]);
}
