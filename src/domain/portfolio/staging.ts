import { finished } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

const COPY = 'COPY staging_row (run_id, line, kind, key, id, bad, body) FROM STDIN';

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
