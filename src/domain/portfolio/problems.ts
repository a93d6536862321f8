import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { BadRow } from './row.rules.ts';

/** Kept of one import; the rest is counted. A person mends a few, then looks again. */
export const MOST_PROBLEMS = 10_000;

export interface FoundProblem {
  line: number;
  kind: string;
  key: string | null;
  field: string;
  problem: string;
  mend: string;
}

/** What was found so far: the first ones kept, all counted. */
export class Problems {
  readonly kept: FoundProblem[] = [];
  count = 0;

  add(...found: readonly FoundProblem[]): void {
    this.count += found.length;
    for (const problem of found) {
      if (this.kept.length >= MOST_PROBLEMS) return;
      this.kept.push(problem);
    }
  }

  addRow(bad: BadRow): void {
    this.add(
      ...bad.problems.map(({ field, problem, mend }) => ({
        line: bad.line,
        kind: bad.kind,
        key: bad.key,
        field,
        problem,
        mend,
      })),
    );
  }

  /** Takes over what the statements of an import found. @param consequences whether rows that only follow others count */
  async addStaged(db: Db, run: Id, consequences: boolean): Promise<void> {
    const [{ count }] = (await db.query(
      `SELECT count(*)::int AS count FROM staging_problem WHERE run_id = $1 AND ($2 OR NOT consequence)`,
      [run, consequences],
    )) as [{ count: number }];
    const room = MOST_PROBLEMS - this.kept.length;
    if (room > 0 && count > 0) {
      this.kept.push(
        ...(await db.query<FoundProblem[]>(
          `SELECT line, kind, key, field, problem, mend FROM staging_problem WHERE run_id = $1 AND ($2 OR NOT consequence) ORDER BY line, field LIMIT $3`,
          [run, consequences, room],
        )),
      );
    }
    this.count += count;
  }

  /** In the order of the file. */
  async store(db: Db, jobId: Id): Promise<void> {
    await db.query('DELETE FROM import_problem WHERE job_id = $1', [jobId]);
    const rows = [...this.kept]
      .sort((a, b) => a.line - b.line)
      .map((problem, at) => ({ ...problem, ordinal: at + 1 }));
    await db.query(
      `INSERT INTO import_problem (job_id, ordinal, line, kind, row_key, field, problem, mend)
       SELECT $1, p.ordinal, p.line, p.kind, p.key, p.field, p.problem, p.mend
         FROM jsonb_to_recordset($2::jsonb) AS p(ordinal int, line int, kind text, key text, field text, problem text, mend text)`,
      [jobId, JSON.stringify(rows)],
    );
  }
}
