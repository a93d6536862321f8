import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { PAGE_SIZE } from '../shared/paging.tsx';
import { ms } from '../shared/sql.ts';

export interface LedgerLine {
  n: number;
  id: Id;
  kind: string;
  subjectKind: string;
  subjectId: Id;
  at: Millis;
  by: string;
  /** Its place in the tree; null until the sequencer gave it one. */
  seq: number | null;
  leaf: string;
}

/** Entries, the newest first. @param before the number of the last row of the page before */
export function listEntries(
  db: Db,
  filter: { kind?: string | undefined; subject?: Id | undefined; before?: number | undefined },
): Promise<LedgerLine[]> {
  return db.query(
    `SELECT e.n::float8 AS n, e.id, e.kind, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", ${ms('e.at')} AS at,
            (e.body::json->'by'->>'kind') || coalesce(': ' || p.name, CASE WHEN e.body::json->'by'->>'kind' = 'system' THEN ': ' || (e.body::json->'by'->>'id') END, '') AS by,
            l.seq::float8 AS seq, encode(e.leaf_hash, 'hex') AS leaf
       FROM ledger_entry e
       LEFT JOIN ledger_leaf l ON l.n = e.n
       LEFT JOIN person p ON p.id::text = e.body::json->'by'->>'person'
      WHERE ($1::text IS NULL OR e.kind = $1 OR e.kind LIKE $1 || '.%')
        AND ($2::uuid IS NULL OR e.subject_id = $2)
        AND ($3::float8 IS NULL OR e.n < $3::bigint)
      ORDER BY e.n DESC LIMIT ${PAGE_SIZE + 1}`,
    [filter.kind ?? null, filter.subject ?? null, filter.before ?? null],
  );
}

export interface LedgerStanding {
  entries: number;
  placed: number;
  checkpoint: { size: number; root: string; note: string; signedAt: Millis } | null;
}

export async function ledgerStanding(db: Db): Promise<LedgerStanding> {
  const [row] = await db.query<{ entries: number; placed: number }[]>(
    `SELECT (SELECT coalesce(max(n), 0) FROM ledger_entry)::float8 AS entries, (SELECT size FROM ledger_head)::float8 AS placed`,
  );
  const [checkpoint] = await db.query<NonNullable<LedgerStanding['checkpoint']>[]>(
    `SELECT size::float8 AS size, encode(root, 'hex') AS root, note, ${ms('signed_at')} AS "signedAt" FROM ledger_checkpoint ORDER BY ledger_checkpoint.size DESC LIMIT 1`,
  );
  return { entries: row?.entries ?? 0, placed: row?.placed ?? 0, checkpoint: checkpoint ?? null };
}

export interface EntryDetail {
  field: string;
  text: string | null;
  erasedAt: Millis | null;
  basis: string | null;
}

/** The texts that stand beside an entry, as far as they were not erased. */
export function detailsOf(db: Db, entryId: Id): Promise<EntryDetail[]> {
  return db.query(
    `SELECT field, text, ${ms('erased_at')} AS "erasedAt", basis FROM ledger_detail WHERE entry_id = $1 ORDER BY field`,
    [entryId],
  );
}

export async function findEntry(db: Db, id: Id): Promise<(LedgerLine & { body: string }) | undefined> {
  const [row] = await db.query<(LedgerLine & { body: string })[]>(
    `SELECT e.n::float8 AS n, e.id, e.kind, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", ${ms('e.at')} AS at,
            e.body::json->'by'->>'kind' AS by, l.seq::float8 AS seq, encode(e.leaf_hash, 'hex') AS leaf, e.body
       FROM ledger_entry e LEFT JOIN ledger_leaf l ON l.n = e.n WHERE e.id = $1`,
    [id],
  );
  return row;
}
