import { iso } from '../../kernel/time.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ImportView, ProblemView } from './import.schema.ts';

const COLUMNS = `id, reference, source, format, kind, file_name AS "fileName", dry_run AS "dryRun", partial, state, bytes_total::float8 AS "bytesTotal",
  bytes_read::float8 AS "bytesRead", rows_read AS "rowsRead", counts, problems, failure, mend, created_at AS "createdAt", started_at AS "startedAt", ended_at AS "endedAt"`;

type Row = Omit<ImportView, 'createdAt' | 'startedAt' | 'endedAt'> & {
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
};

const view = ({ createdAt, startedAt, endedAt, ...row }: Row): ImportView => ({
  ...row,
  createdAt: iso(createdAt.getTime()),
  startedAt: startedAt && iso(startedAt.getTime()),
  endedAt: endedAt && iso(endedAt.getTime()),
});

export async function importById(db: Db, id: Id): Promise<ImportView | undefined> {
  const [row] = await db.query<Row[]>(`SELECT ${COLUMNS} FROM import_job WHERE id = $1`, [id]);
  return row && view(row);
}

/** Newest first. @param before the last id of the page before */
export async function importsBefore(db: Db, before: Id | null, limit: number): Promise<ImportView[]> {
  const rows = await db.query<Row[]>(
    `SELECT ${COLUMNS} FROM import_job WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
    [before, limit],
  );
  return rows.map(view);
}

/** In the order of the file. @param after the last ordinal of the page before */
export function problemsAfter(db: Db, jobId: Id, after: number, limit: number): Promise<ProblemView[]> {
  return db.query<ProblemView[]>(
    `SELECT ordinal, line, kind, row_key AS key, field, problem, mend FROM import_problem WHERE job_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3`,
    [jobId, after, limit],
  );
}
