import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** A row that people edit: which field is which column. Only what stands here can be changed. */
export interface EditableTable {
  table: string;
  /** What people call it: "integration". */
  word: string;
  columns: Readonly<Record<string, string>>;
}

export interface Edited {
  rowVersion: number;
  /** Fields whose value is another one now; empty when the edit said nothing new. */
  changed: string[];
}

/**
 * Changes the given fields of one row, if it still is as the caller last saw it. An edit that says nothing new moves no
 * version.
 */
export async function editRow(
  db: Db,
  target: EditableTable,
  id: Id,
  edit: Readonly<Record<string, unknown>>,
  rowVersion: WantedVersion,
  now: Millis,
): Promise<Result<Edited, Refusal>> {
  const fields = Object.keys(edit).filter(
    (field) => edit[field] !== undefined && Object.hasOwn(target.columns, field),
  );
  const columns = fields.map((field) => target.columns[field] ?? '');
  const [row] = await db.query<({ row_version: number } & Record<string, unknown>)[]>(
    `SELECT ${['row_version', ...columns].join(', ')} FROM ${target.table} WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (!row) return err(refusal('not_found', 'not-found', `There is no such ${target.word}.`));
  if (!isWanted(row.row_version, rowVersion)) {
    return err(
      refusal(
        'precondition',
        'stale-version',
        `The ${target.word} was changed since you read it. Read it again and decide anew.`,
      ),
    );
  }
  const changed = fields.filter((field, at) => !same(row[columns[at] ?? ''], edit[field]));
  if (changed.length === 0) return ok({ rowVersion: row.row_version, changed });
  const assignments = changed.map((field, at) => `${target.columns[field]} = $${at + 3}`);
  await db.query(
    `UPDATE ${target.table} SET ${assignments.join(', ')}, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
    [id, new Date(now), ...changed.map((field) => edit[field])],
  );
  return ok({ rowVersion: row.row_version + 1, changed });
}

function same(stored: unknown, given: unknown): boolean {
  return JSON.stringify(stored) === JSON.stringify(given);
}
