import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { QueryFailedError, type QueryRunner } from 'typeorm';
import { SECOND, type Millis } from '../../kernel/time.ts';

/**
 * Statements that come again and again are prepared, once for each connection, under a name: of a short one, parsing and
 * planning are most of the work.
 */

/** From this time on that a text is seen it has a name: what is composed once should not stay in every connection. */
const FROM = 3;
/** Texts with a name. What each connection keeps of one is some tens of kilobytes. */
const MOST = 250;
/** Texts that are counted. */
const MOST_COUNTED = 5000;
/**
 * How long a connection goes on with the plans that it made. One that suits every parameter is kept for good, and was
 * made for tables as they were then: of one that was empty it reads all.
 */
const PLANS_KEPT: Millis = 2 * SECOND;

type Query = (sql: string, params?: unknown[], structured?: boolean) => Promise<unknown>;

/** The names of one process, for all its connections. */
export class Statements {
  readonly #seen = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #planned = new WeakMap<PoolClient, number>();
  #generation = 0;
  #usable = true;

  /** Has what this session asks with parameters prepared, until it is released. */
  serve(runner: QueryRunner): void {
    const plain = runner.query.bind(runner) as Query;
    const query: Query = async (sql, params, structured) => {
      const name = params && !structured ? this.#nameOf(sql) : undefined;
      if (name === undefined) return plain(sql, params, structured);
      const client = (await runner.connect()) as PoolClient;
      try {
        const { command, rows, rowCount } = await client.query({ name, text: sql, values: params });
        // As TypeORM answers.
        return command === 'UPDATE' || command === 'DELETE' ? [rows, rowCount] : rows;
      } catch (thrown) {
        this.#learn(thrown);
        throw new QueryFailedError(sql, params, thrown as Error);
      }
    };
    Object.assign(runner, { query });
  }

  /** What to say when a transaction opens, so that this connection's plans do not grow old. */
  renewal(client: PoolClient): string {
    const now = performance.now();
    const planned = this.#planned.get(client);
    if (planned !== undefined && now - planned < PLANS_KEPT) return '';
    this.#planned.set(client, now);
    return planned === undefined ? '' : 'DISCARD PLANS; ';
  }

  #nameOf(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined) return known;
    if (!this.#usable || this.#names.size >= MOST) return undefined;
    const times = (this.#seen.get(sql) ?? 0) + 1;
    if (times < FROM) {
      if (this.#seen.size < MOST_COUNTED) this.#seen.set(sql, times);
      return undefined;
    }
    this.#seen.delete(sql);
    // Of the text itself: whoever else prepares on the same connections means the same by it.
    const digest = createHash('sha256').update(sql).digest('base64url').slice(0, 22);
    const name = `cs_${this.#generation}_${digest}`;
    this.#names.set(sql, name);
    return name;
  }

  /** A name that no longer stands for its text is given to none any more; whoever failed by it asks again under another. */
  #learn(thrown: unknown): void {
    if (!isStale(thrown)) return;
    this.#names.clear();
    this.#generation += 1;
    if ((thrown as { code?: unknown }).code !== '0A000') this.#usable = false;
  }
}

/**
 * Whether a statement failed because it was prepared, so that the transaction succeeds when it is run again: a table has
 * another shape than when it was prepared, or something between us and the server shares its connections out.
 */
export function isStale(thrown: unknown): boolean {
  const { code, routine } = thrown as { code?: unknown; routine?: unknown };
  return code === '26000' || code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery');
}
