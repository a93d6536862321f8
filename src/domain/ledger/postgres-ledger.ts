import { finished } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Detail, LedgerRecord, LedgerSource } from '../../kernel/ledger-source.ts';
import type { Hash } from '../../kernel/merkle.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { readHead } from './tree.queries.ts';

const NOTES = 1000;

/**
 * The ledger in our database, read in one snapshot, piece by piece: the next one is on its way while one is checked. Writers
 * are not held up.
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
    // One walk along the places with an index look-up for each: any other plan reads and sorts the whole ledger first.
    await this.pages.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off');
    yield* this.#copied(PLACED);
    // This one does compare the whole ledger with the whole tree.
    await this.pages.query('SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on');
    yield* this.#copied(WAITING);
  }

  /** COPY costs a fraction of what rows do, and the server goes on while a piece is checked. */
  async *#copied(sql: string): AsyncGenerator<LedgerRecord[]> {
    const client = (await this.pages.connect()) as ClientBase;
    const stream = client.query(copyTo(`COPY (${sql}) TO STDOUT`, { highWaterMark: PIECE }));
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        pieces.push(piece);
        size += piece.length;
        // A row is told by its line feed; those within a value are written as two characters.
        const end = size < PIECE ? -1 : piece.lastIndexOf(LINE_FEED);
        if (end < 0) continue;
        const whole = Buffer.concat(pieces.splice(0));
        const cut = size - piece.length + end;
        const rest = whole.subarray(cut + 1);
        if (rest.length > 0) pieces.push(rest);
        size = rest.length;
        yield this.#records(whole.toString('utf8', 0, cut));
      }
      if (size > 0) yield this.#records(Buffer.concat(pieces).toString('utf8', 0, size - 1));
    } finally {
      // Whoever stopped early gets the connection back in order.
      if (!stream.readableEnded && !stream.errored) await finished(stream.resume());
    }
  }

  #records(lines: string): LedgerRecord[] {
    return lines.split('\n').map((line) => this.#record(line.split('\t')));
  }

  #record(columns: string[]): LedgerRecord {
    const [key, n, sequenced, id, kind, subjectKind, subjectId, at, stored, body, details] = columns;
    const placed = sequenced !== NULL;
    const gone = body === NULL;
    return {
      seq: placed ? Number(key) : null,
      body: gone ? null : unescaped(body!),
      where: `row ${n}`,
      ...(placed ? { sequenced: sequenced! } : { late: Number(n) <= this.found.lowWater }),
      ...(gone
        ? {}
        : {
            stored: stored!,
            columns: {
              id: id!,
              kind: unescaped(kind!),
              subjectKind: unescaped(subjectKind!),
              subjectId: subjectId!,
              at: Number(at),
            },
          }),
      details: details === NULL ? NO_DETAILS : detailsOf(unescaped(details!)),
    };
  }
}

/** Bytes of the copy that are checked at a time. */
const PIECE = 1024 * 1024;
const LINE_FEED = 0x0a;
/** Of COPY's text format, as are the escapes (PostgreSQL, COPY, "Text Format"). */
const NULL = '\\N';
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char) : text;
}

const NO_DETAILS: ReadonlyMap<string, Detail> = new Map();

type DetailRow = [
  field: string,
  salt: string | null,
  text: string | null,
  erasedAt: number | null,
  by: string,
  basis: string,
];

function detailsOf(json: string): Map<string, Detail> {
  return new Map(
    (JSON.parse(json) as DetailRow[]).map(([field, salt, text, erasedAt, by, basis]): [string, Detail] => [
      field,
      erasedAt === null
        ? { salt: Buffer.from(salt!, 'hex'), text: text! }
        : { erased: { at: erasedAt, by, basis } },
    ]),
  );
}

async function begin(runner: QueryRunner): Promise<void> {
  await runner.startTransaction('REPEATABLE READ');
  await runner.query('SET TRANSACTION READ ONLY');
  await runner.query(`SELECT set_config('countersign.scope', 'installation', true)`);
  await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0');
}

/** Details stand beside few entries, and their texts may be long: only who commits to some is asked for them. */
const COLUMNS = `e.id, e.kind, e.subject_kind, e.subject_id, round(date_part('epoch', e.at) * 1000)::int8,
         encode(e.leaf_hash, 'hex'), e.body,
         CASE WHEN strpos(e.body, '"committed":') > 0 THEN (
           SELECT json_agg(json_build_array(d.field, encode(d.salt, 'hex'), d.text,
                                            round(date_part('epoch', d.erased_at) * 1000)::int8, d.erased_by, d.basis))
             FROM ledger_detail d WHERE d.entry_id = e.id) END`;

const PLACED = `
  SELECT l.seq, l.n, encode(l.leaf_hash, 'hex'), ${COLUMNS}
    FROM ledger_leaf l
    LEFT JOIN ledger_entry e ON e.n = l.n
   ORDER BY l.seq`;

/** In the order of writing. All of them, not only those past the low-water mark: what stands below it was put in later. */
const WAITING = `
  SELECT e.n, e.n, NULL, ${COLUMNS}
    FROM ledger_entry e
   WHERE NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.n = e.n)
   ORDER BY e.n`;

const CHECKPOINTS = `SELECT size, note FROM ledger_checkpoint WHERE size > $1 AND size <= $2 ORDER BY size LIMIT $3`;
