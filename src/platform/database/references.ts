import { reference } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from './transactions.ts';

export type ReferencePrefix =
  | 'PTY'
  | 'AGR'
  | 'INT'
  | 'CRD'
  | 'INC'
  | 'CAS'
  | 'EXP'
  | 'NTC'
  | 'IMP'
  | 'ARV'
  | 'MRV'
  | 'ROT'
  | 'MID'
  | 'RVL'
  | 'OBL';

/**
 * The next short references of one kind, e.g. `INC-2026-0042`, in order. Drawn from a sequence, so that transactions do
 * not wait for each other; a rolled-back one leaves a gap. The year is the one of `now` in UTC.
 */
export async function nextReferences(
  db: Db,
  prefix: ReferencePrefix,
  now: Millis,
  count: number,
): Promise<string[]> {
  if (count === 0) return [];
  const rows: { n: string }[] = await db.query(
    `SELECT nextval('reference_${prefix.toLowerCase()}')::text AS n FROM generate_series(1, $1)`,
    [count],
  );
  const year = new Date(now).getUTCFullYear();
  return rows.map((row) => reference(prefix, year, Number(row.n)));
}

export async function nextReference(db: Db, prefix: ReferencePrefix, now: Millis): Promise<string> {
  const [only] = await nextReferences(db, prefix, now, 1);
  return only!;
}
