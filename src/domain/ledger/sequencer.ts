import { Injectable } from '@nestjs/common';
import { newId } from '../../kernel/ids.ts';
import type { Hash } from '../../kernel/merkle.ts';
import { system } from '../../kernel/principal.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { NODE_STEP, readHead } from './tree.queries.ts';

/** One sequencer at a time in all processes. */
const SEQUENCER_LOCK = 4_100_110;
const BATCH = 5000;

/**
 * Gives committed entries their places in the tree. Nobody waits for it and it waits for nobody: entries whose transaction
 * is still open are taken up by a later round, so places follow commits and not numbers.
 */
@Injectable()
export class Sequencer {
  /**
   * Looks from earlier rounds: every entry up to `n` belonged to a transaction older than `xid`. Kept in memory only, and
   * for one run of one server: transaction numbers start over in a restored database.
   */
  #looks: { n: number; xid: bigint }[] = [];
  #server = '';

  constructor(private readonly transactions: Transactions) {}

  /** Until nothing is left to do. @returns how many entries got a place; 0 too while another process is at it. */
  async sequence(): Promise<number> {
    let placed = 0;
    for (;;) {
      const now = await this.transactions.run(system('sequencer', newId()), (db) => this.#round(db));
      placed += now;
      if (now < BATCH) return placed;
    }
  }

  async #round(db: Db): Promise<number> {
    const [lock] = await db.query<{ mine: boolean }[]>(`SELECT pg_try_advisory_xact_lock($1) AS mine`, [
      SEQUENCER_LOCK,
    ]);
    if (!lock!.mine) return 0;
    const [seen] = await db.query<{ newest: string; low: string; server: string }[]>(NEWEST);
    const newest = Number(seen!.newest);
    if (newest === Number(seen!.low)) return 0;
    this.#forgetAfterRestart(seen!.server);

    // In this order: whoever holds a number up to `newest` got his transaction number before this transaction gets ours.
    const [ours] = await db.query<{ xid: string }[]>(`SELECT pg_current_xact_id()::text AS xid`);
    this.#looks.push({ n: newest, xid: BigInt(ours!.xid) });
    const [open] = await db.query<{ oldest: string }[]>(
      `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest`,
    );
    // And only now the entries: all up to `settled` have been committed or rolled back, so none can turn up later.
    const settled = this.#settled(BigInt(open!.oldest));
    const { range, lowWater } = await readHead(db, 'FOR UPDATE');
    const rows = await db.query<{ n: string; hash: Hash }[]>(UNPLACED, [lowWater, BATCH]);
    const first = range.size;
    const nodes: { height: number; position: number; hash: Hash }[] = [];
    for (const { hash } of rows) {
      range.append(hash, ({ height, index }, root) => {
        if (height % NODE_STEP === 0) nodes.push({ height, position: index, hash: root });
      });
    }
    if (rows.length > 0)
      await db.query(PLACE, [first, rows.map((row) => row.n), rows.map((row) => row.hash)]);
    if (nodes.length > 0) {
      await db.query(KEEP_NODES, [
        nodes.map((node) => node.height),
        nodes.map((node) => node.position),
        nodes.map((node) => node.hash),
      ]);
    }
    const done = rows.length < BATCH ? settled : Math.min(settled, Number(rows.at(-1)!.n));
    await db.query(`UPDATE ledger_head SET size = $1, subtrees = decode($2, 'hex'), low_water = $3`, [
      range.size,
      range.hashes.join(''),
      Math.max(lowWater, Math.min(done, newest)),
    ]);
    return rows.length;
  }

  /** The highest n of which every transaction that could hold it or a lower one has ended. */
  #settled(oldestOpen: bigint): number {
    let settled = 0;
    this.#looks = this.#looks.filter(({ n, xid }) => {
      if (xid > oldestOpen) return true;
      settled = Math.max(settled, n);
      return false;
    });
    // While one transaction stays open for long, its age decides for all later looks: a few of them are enough.
    if (this.#looks.length > 100) this.#looks.splice(50, 1);
    return settled;
  }

  #forgetAfterRestart(server: string): void {
    if (server !== this.#server) this.#looks = [];
    this.#server = server;
  }
}

const NEWEST = `
  SELECT coalesce((SELECT max(n) FROM ledger_entry), 0) AS newest, (SELECT low_water FROM ledger_head) AS low,
         pg_postmaster_start_time()::text || (SELECT oid FROM pg_database WHERE datname = current_database())::text AS server`;

const UNPLACED = `
  SELECT e.n, encode(e.leaf_hash, 'hex') AS hash
    FROM ledger_entry e
   WHERE e.n > $1 AND NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.n = e.n)
   ORDER BY e.n LIMIT $2`;

const PLACE = `
  INSERT INTO ledger_leaf (seq, n, leaf_hash)
  SELECT $1::bigint + l.place - 1, l.n, decode(l.hash, 'hex')
    FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY AS l (n, hash, place)`;

const KEEP_NODES = `
  INSERT INTO ledger_node (height, position, hash)
  SELECT k.height, k.position, decode(k.hash, 'hex')
    FROM unnest($1::int[], $2::bigint[], $3::text[]) AS k (height, position, hash)`;
