import type { Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Transactions } from '../database/transactions.ts';
import type { QueueName } from './definitions.ts';

/** A row in the hands of one worker. `fence` is what makes a late result of an older holder worthless. */
export interface ClaimedRow {
  id: Id;
  job: string;
  payload: unknown;
  correlationId: string;
  /** Failures so far. */
  attempts: number;
  /** How often a holder's lease lapsed since it was last finished: its process died, or hung. */
  deaths: number;
  /** The last holder's lease lapsed. */
  orphaned: boolean;
  fence: number;
}

export interface RelayedRow {
  id: Id;
  queue: QueueName;
  /** How often the row was handed to a queue, this time included. */
  relays: number;
}

/** A row that was given up. */
export interface FailedRow {
  id: Id;
  job: string;
  attempts: number;
  failedAt: string;
  lastError: string;
}

const UNFINISHED = 'done_at IS NULL AND failed_at IS NULL';
const UNHELD = '(lease_until IS NULL OR lease_until < clock_timestamp())';
// Whoever ends a try, however it ends, takes its lease away; one that stands and has lapsed was left by a holder that died.
const CLAIM = `lease_until = clock_timestamp() + $1 * interval '1 millisecond', fence = o.fence + 1,
              deaths = o.deaths + (c.lease_until IS NOT NULL)::int`;
const CLAIMED = `o.id, o.job, o.payload, o.correlation_id AS "correlationId", o.attempts, o.deaths, o.fence,
                 c.lease_until IS NOT NULL AS orphaned`;

/** The statements that move outbox rows. Due times are the application's clock; leases are the database's. */
export class OutboxRows {
  readonly #by = system('outbox', 'outbox');

  constructor(private readonly transactions: Transactions) {}

  async #query<T>(sql: string, params: unknown[]): Promise<T[]> {
    const answer: unknown = await this.transactions.run(this.#by, (db) => db.query(sql, params));
    // UPDATE … RETURNING comes back as [rows, count], SELECT as rows.
    return (
      Array.isArray(answer) &&
      answer.length === 2 &&
      Array.isArray(answer[0]) &&
      typeof answer[1] === 'number'
        ? answer[0]
        : answer
    ) as T[];
  }

  /** Marks due rows as handed to a queue, and says which. */
  relay(now: Millis, limit: number): Promise<RelayedRow[]> {
    // Never handed over; or its holder died since; or its wake-up seems lost. The last waits longer each time, so that a
    // long queue is not filled with copies.
    return this.#query<RelayedRow>(
      `UPDATE outbox o SET relays = o.relays + 1, relayed_at = clock_timestamp()
         FROM (SELECT id FROM outbox
                WHERE ${UNFINISHED} AND due_at <= $1 AND ${UNHELD}
                  AND (relayed_at IS NULL OR relayed_at < lease_until
                       OR relayed_at < clock_timestamp() - least(15 * 2 ^ least(relays - 1, 5), 300) * interval '1 second')
                ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
        WHERE o.id = due.id
        RETURNING o.id, o.queue, o.relays`,
      [new Date(now), limit],
    );
  }

  /** Takes the marks back after a queue refused the rows. */
  async unrelay(ids: readonly Id[]): Promise<void> {
    await this.#query(`UPDATE outbox SET relayed_at = NULL WHERE id = ANY($1::uuid[]) AND ${UNFINISHED}`, [
      ids,
    ]);
  }

  /**
   * Waits for whoever puts its key anew in this moment: a wake-up that met their lock and left would be missed for long.
   *
   * @returns undefined when the row is finished, not due, or in other hands.
   */
  async claim(id: Id, now: Millis, lease: Millis): Promise<ClaimedRow | undefined> {
    const [row] = await this.#query<ClaimedRow>(
      `UPDATE outbox o SET ${CLAIM}
         FROM (SELECT id, lease_until FROM outbox WHERE id = $2 AND ${UNFINISHED} AND due_at <= $3 AND ${UNHELD} FOR UPDATE) c
        WHERE o.id = c.id
        RETURNING ${CLAIMED}`,
      [lease, id, new Date(now)],
    );
    return row;
  }

  /** Takes due rows of one queue without any wake-up. */
  claimDue(queue: QueueName, now: Millis, lease: Millis, limit: number): Promise<ClaimedRow[]> {
    return this.#query<ClaimedRow>(
      `UPDATE outbox o SET ${CLAIM}
         FROM (SELECT id, lease_until FROM outbox WHERE queue = $2 AND ${UNFINISHED} AND due_at <= $3 AND ${UNHELD}
                ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) c
        WHERE o.id = c.id
        RETURNING ${CLAIMED}`,
      [lease, queue, new Date(now), limit],
    );
  }

  /** Extends the leases of rows in hand. @returns the ids that are still ours. */
  async hold(rows: readonly { id: Id; fence: number }[], lease: Millis): Promise<Set<Id>> {
    const held = await this.#query<{ id: Id }>(
      `UPDATE outbox o SET lease_until = clock_timestamp() + $1 * interval '1 millisecond'
         FROM unnest($2::uuid[], $3::int[]) AS h(id, fence)
        WHERE o.id = h.id AND o.fence = h.fence AND ${UNFINISHED}
        RETURNING o.id`,
      [lease, rows.map((row) => row.id), rows.map((row) => row.fence)],
    );
    return new Set(held.map((row) => row.id));
  }

  /** @returns 'again' when the key was put anew while the handler ran: the row is due once more. */
  async finish(row: { id: Id; fence: number }, now: Millis): Promise<'done' | 'again' | 'lost'> {
    const [finished] = await this.#query<{ done: boolean }>(
      `UPDATE outbox SET done_at = CASE WHEN again_at IS NULL THEN $3::timestamptz END, due_at = coalesce(again_at, due_at), again_at = NULL,
              lease_until = NULL, relayed_at = NULL, attempts = 0, deaths = 0
        WHERE id = $1 AND fence = $2 AND ${UNFINISHED}
        RETURNING done_at IS NOT NULL AS done`,
      [row.id, row.fence, new Date(now)],
    );
    return !finished ? 'lost' : finished.done ? 'done' : 'again';
  }

  /** @param retryAt undefined gives the row up. @param error already without control characters */
  async fail(
    row: { id: Id; fence: number },
    error: string,
    now: Millis,
    retryAt: Millis | undefined,
  ): Promise<void> {
    await this.#query(
      `UPDATE outbox SET attempts = attempts + 1, last_error = $3, lease_until = NULL, relayed_at = NULL,
              failed_at = CASE WHEN $5::timestamptz IS NULL THEN $4::timestamptz END, due_at = coalesce($5::timestamptz, due_at)
        WHERE id = $1 AND fence = $2 AND ${UNFINISHED}`,
      [row.id, row.fence, error, new Date(now), retryAt === undefined ? null : new Date(retryAt)],
    );
  }

  /** Gives a row back unfinished, as if it had never been claimed: the process is stopping. */
  async release(row: { id: Id; fence: number }): Promise<void> {
    await this.#query(
      `UPDATE outbox SET lease_until = NULL, relayed_at = NULL WHERE id = $1 AND fence = $2 AND ${UNFINISHED}`,
      [row.id, row.fence],
    );
  }

  /** Rows that are due and not finished: nought when everything that could happen has happened. */
  async due(now: Millis): Promise<number> {
    const [row] = await this.#query<{ count: number }>(
      `SELECT count(*)::int AS count FROM outbox WHERE ${UNFINISHED} AND due_at <= $1`,
      [new Date(now)],
    );
    return row?.count ?? 0;
  }

  failed(limit: number): Promise<FailedRow[]> {
    return this.#query<FailedRow>(
      `SELECT id, job, attempts, failed_at AS "failedAt", last_error AS "lastError" FROM outbox WHERE failed_at IS NOT NULL ORDER BY failed_at LIMIT $1`,
      [limit],
    );
  }

  /** Makes given-up rows due again. A row whose key has a successor is done: the successor carries its work. */
  async retryFailed(now: Millis, id: Id | null): Promise<number> {
    const revived = await this.#query<{ id: Id }>(
      `UPDATE outbox o SET failed_at = NULL, attempts = 0, deaths = 0, due_at = $1, relayed_at = NULL
        WHERE o.failed_at IS NOT NULL AND ($2::uuid IS NULL OR o.id = $2)
          AND (o.key IS NULL OR (
            NOT EXISTS (SELECT FROM outbox s WHERE s.job = o.job AND s.key = o.key AND s.done_at IS NULL AND s.failed_at IS NULL)
            AND NOT EXISTS (SELECT FROM outbox s WHERE s.job = o.job AND s.key = o.key AND s.failed_at IS NOT NULL AND s.id > o.id)))
        RETURNING o.id`,
      [new Date(now), id],
    );
    return revived.length;
  }

  /** Removes rows that were done before an instant. */
  async prune(before: Millis): Promise<void> {
    await this.#query(
      `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at < $1 ORDER BY done_at LIMIT 10000)`,
      [new Date(before)],
    );
  }
}
