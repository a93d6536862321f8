import type { DataSource, QueryRunner } from 'typeorm';
import type { Detail, LedgerRecord, LedgerSource } from '../../kernel/ledger-source.ts';
import type { Hash } from '../../kernel/merkle.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { readHead } from './tree.queries.ts';

const PAGE = 10_000;
const NOTES = 1000;

/**
 * The ledger in our database, read in one snapshot, page by page: the next page is on its way while one is checked.
 * Writers are not held up.
 */
export class PostgresLedger implements LedgerSource {
  private constructor(
    private readonly pages: QueryRunner,
    private readonly notes: QueryRunner,
    private readonly found: { size: number; root: Hash; lowWater: number },
  ) {}

  /** @param dataSource as countersign_app or stronger */
  static async read<T>(dataSource: DataSource, work: (ledger: PostgresLedger) => Promise<T>): Promise<T> {
    const pages = dataSource.createQueryRunner();
    const notes = dataSource.createQueryRunner();
    try {
      await begin(pages);
      await begin(notes);
      const { range, lowWater } = await readHead(pages.manager as Db);
      const found = { size: range.size, root: range.root(), lowWater };
      return await work(new PostgresLedger(pages, notes, found));
    } finally {
      for (const runner of [pages, notes]) {
        if (runner.isTransactionActive) await runner.rollbackTransaction();
        await runner.release();
      }
    }
  }

  head(): Promise<{ size: number; root: Hash }> {
    return Promise.resolve(this.found);
  }

  /** Only those of the snapshot: a newer one would vouch for entries that it does not show. */
  async *checkpoints(): AsyncGenerator<string> {
    let after = -1;
    for (;;) {
      const rows = (await this.notes.query(CHECKPOINTS, [after, this.found.size, NOTES])) as {
        size: string;
        note: string;
      }[];
      for (const { note } of rows) yield note;
      if (rows.length < NOTES) return;
      after = Number(rows.at(-1)!.size);
    }
  }

  async *entries(): AsyncGenerator<LedgerRecord[]> {
    // A page is one range of places and as many index look-ups: any other plan reads the whole ledger for each page.
    await this.pages.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off');
    yield* this.#paged(PLACED, -1);
    // This one does compare the whole ledger with the whole tree.
    await this.pages.query('SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on');
    yield* this.#paged(WAITING, -1);
  }

  async *#paged(sql: string, start: number): AsyncGenerator<LedgerRecord[]> {
    let next = this.#page(sql, start);
    for (;;) {
      const rows = await next;
      const details = await this.#details(rows);
      const more = rows.length === PAGE;
      // One query at a time on a connection: this one runs while the page is hashed.
      if (more) {
        next = this.#page(sql, Number(rows.at(-1)!.key));
        next.catch(() => {}); // awaited above; a consumer that stops early never gets there
      }
      yield rows.map((row) => this.#record(row, details));
      if (!more) return;
    }
  }

  #page(sql: string, after: number): Promise<Row[]> {
    return this.pages.query(sql, [after, PAGE]) as Promise<Row[]>;
  }

  async #details(rows: readonly Row[]): Promise<Map<string, Map<string, Detail>>> {
    const ids = rows.filter((row) => row.body?.includes('"committed":')).map((row) => row.id);
    const found = new Map<string, Map<string, Detail>>();
    if (ids.length === 0) return found;
    for (const row of (await this.pages.query(DETAILS, [ids])) as DetailRow[]) {
      let details = found.get(row.entry_id);
      if (!details) found.set(row.entry_id, (details = new Map()));
      details.set(
        row.field,
        row.erased_at
          ? { erased: { at: row.erased_at.getTime(), by: row.erased_by, basis: row.basis } }
          : { salt: row.salt, text: row.text },
      );
    }
    return found;
  }

  #record(row: Row, details: Map<string, Map<string, Detail>>): LedgerRecord {
    const placed = row.sequenced !== null;
    return {
      seq: placed ? row.key : null,
      body: row.body,
      where: `row ${row.n}`,
      ...(placed ? { sequenced: row.sequenced! } : { late: row.n <= this.found.lowWater }),
      ...(row.body === null
        ? {}
        : {
            stored: row.stored!,
            columns: {
              id: row.id!,
              kind: row.kind!,
              subjectKind: row.subject_kind!,
              subjectId: row.subject_id!,
              at: Math.round(row.at!),
            },
          }),
      details: details.get(row.id!) ?? NO_DETAILS,
    };
  }
}

const NO_DETAILS: ReadonlyMap<string, Detail> = new Map();

interface Row {
  key: number;
  n: number;
  sequenced: Hash | null;
  id: string | null;
  kind: string | null;
  subject_kind: string | null;
  subject_id: string | null;
  at: number | null;
  body: string | null;
  stored: Hash | null;
}

interface DetailRow {
  entry_id: string;
  field: string;
  salt: Buffer;
  text: string;
  erased_at: Date | null;
  erased_by: string;
  basis: string;
}

async function begin(runner: QueryRunner): Promise<void> {
  await runner.startTransaction('REPEATABLE READ');
  await runner.query('SET TRANSACTION READ ONLY');
  await runner.query(`SELECT set_config('countersign.scope', 'installation', true)`);
  await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0');
}

const COLUMNS = `e.id, e.kind, e.subject_kind, e.subject_id, date_part('epoch', e.at) * 1000 AS at, e.body,
         encode(e.leaf_hash, 'hex') AS stored`;

const PLACED = `
  SELECT l.seq::float8 AS key, l.n::float8 AS n, encode(l.leaf_hash, 'hex') AS sequenced, ${COLUMNS}
    FROM (SELECT seq, n, leaf_hash FROM ledger_leaf WHERE seq > $1 ORDER BY seq LIMIT $2) AS l
    LEFT JOIN ledger_entry e ON e.n = l.n
   ORDER BY l.seq`;

/** In the order of writing. All of them, not only those past the low-water mark: what stands below it was put in later. */
const WAITING = `
  SELECT e.n::float8 AS key, e.n::float8 AS n, NULL AS sequenced, ${COLUMNS}
    FROM ledger_entry e
   WHERE e.n > $1 AND NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.n = e.n)
   ORDER BY e.n LIMIT $2`;

const CHECKPOINTS = `SELECT size, note FROM ledger_checkpoint WHERE size > $1 AND size <= $2 ORDER BY size LIMIT $3`;

const DETAILS = `
  SELECT entry_id, field, salt, text, erased_at, erased_by, basis FROM ledger_detail WHERE entry_id = ANY($1::uuid[])`;
