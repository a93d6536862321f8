import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { ELAPSED_DAY, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { correlationId } from '../../platform/log/log.ts';
import { Samples, WHYS, turned, type Knock, type Why } from './refused-delivery.rules.ts';

/** How long what is only counted waits to be written down: a flood costs one statement in that time, not one each. */
const GATHERED: Millis = SECOND;
/** How long a single one is kept, and how many of a source are at most. */
const KEPT: Millis = 30 * ELAPSED_DAY;
const MOST_KEPT = 1000;

export const refusedCountSchema = z
  .object({
    why: z.enum(WHYS),
    total: z.int(),
    lastWeek: z.int().describe('Today and the six days before it, in UTC'),
    lastAt: z.iso.datetime(),
  })
  .meta({ id: 'RefusedDeliveryCount' });
export type RefusedCount = z.output<typeof refusedCountSchema>;

/** Where it knocked. */
export interface Door {
  /** Null: there is no source there. */
  sourceId: Id | null;
  /** The key in the address. */
  askedFor: string;
  via: 'push' | 'poll';
}

interface Counted {
  sourceId: Id | null;
  why: Why;
  day: string;
  count: number;
  at: Millis;
}

/**
 * What was turned away at the door: each counted, the first few of an hour kept one by one, none with its body. A count
 * that was not yet written when a process is killed is lost, at most that of a second; when it is stopped, none is.
 */
@Injectable()
export class RefusedDeliveries implements BeforeApplicationShutdown {
  readonly #samples = new Samples();
  #gathered = new Map<string, Counted>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  async note(door: Door, why: Why, refused: Refusal, knock: Knock): Promise<void> {
    const now = this.clock.now();
    const kind = `${door.sourceId ?? ''}:${why}`;
    const counted = { sourceId: door.sourceId, why, day: new Date(now).toISOString().slice(0, 10), at: now };
    if (!this.#samples.takes(kind, now)) {
      this.#gather(kind, counted);
      return;
    }
    const kept = turned(why, refused, knock);
    await this.transactions.run(system('intake', correlationId()), async (db) => {
      await db.query(
        `INSERT INTO refused_delivery (id, source_id, asked_for, via, why, said, size, body_sha256, headers, correlation_id, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          newId(),
          door.sourceId,
          door.askedFor,
          door.via,
          why,
          kept.said,
          kept.size,
          kept.sha256,
          JSON.stringify(kept.headers),
          correlationId(),
          new Date(now),
        ],
      );
      await count(db, [{ ...counted, count: 1 }]);
    });
  }

  #gather(kind: string, one: Omit<Counted, 'count'>): void {
    const key = `${kind}:${one.day}`;
    const known = this.#gathered.get(key);
    if (known) {
      known.count += 1;
      known.at = one.at;
    } else this.#gathered.set(key, { ...one, count: 1 });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What could not be written now waits for the next one.
      this.flush().catch(() => undefined);
    }, GATHERED).unref();
  }

  /** Writes down what was only counted. */
  async flush(): Promise<void> {
    const gathered = this.#gathered;
    if (gathered.size === 0) return;
    this.#gathered = new Map();
    try {
      await this.transactions.run(system('intake', correlationId()), (db) =>
        count(db, [...gathered.values()]),
      );
    } catch (thrown) {
      for (const [key, one] of gathered) {
        const since = this.#gathered.get(key);
        this.#gathered.set(key, since ? { ...since, count: since.count + one.count } : one);
      }
      throw thrown;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.#timer);
    // Without a database there is nowhere to write it; the stop goes on.
    await this.flush().catch(() => undefined);
  }

  /** How many, by reason, the most recent first. @param sourceId null: of those to an address without a source */
  async counts(db: Db, sourceId: Id | null): Promise<RefusedCount[]> {
    const rows = await rowsOf<{ why: Why; total: number; lastWeek: number; lastAt: Date }>(
      db,
      `SELECT why, sum(count)::float8 AS total, coalesce(sum(count) FILTER (WHERE day > $1::date - 7), 0)::float8 AS "lastWeek", max(last_at) AS "lastAt"
         FROM refused_delivery_count WHERE ${sourceId === null ? 'source_id IS NULL AND $2::uuid IS NULL' : 'source_id = $2'}
        GROUP BY why ORDER BY max(last_at) DESC, why`,
      [new Date(this.clock.now()).toISOString().slice(0, 10), sourceId],
    );
    return rows.map((row) => ({ ...row, lastAt: row.lastAt.toISOString() }));
  }

  /** Clears away what is old, and what is beyond the number that is kept of a source; the counts stay. */
  async prune(db: Db): Promise<void> {
    await db.query(
      `DELETE FROM refused_delivery r USING (
         SELECT id, received_at, row_number() OVER (PARTITION BY source_id ORDER BY received_at DESC, id DESC) AS nth FROM refused_delivery) n
        WHERE n.id = r.id AND (n.received_at < $1 OR n.nth > $2)`,
      [new Date(this.clock.now() - KEPT), MOST_KEPT],
    );
  }
}

/** In one order, so that two processes that count the same wait for each other and never crosswise. */
async function count(db: Db, all: readonly Counted[]): Promise<void> {
  await db.query(
    `INSERT INTO refused_delivery_count AS c (id, source_id, why, day, count, last_at)
     SELECT id, source_id, why, day, count, at
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::bigint[], $6::timestamptz[]) AS r(id, source_id, why, day, count, at)
      ORDER BY source_id, why, day
     ON CONFLICT ON CONSTRAINT refused_delivery_count_once
     DO UPDATE SET count = c.count + excluded.count, last_at = greatest(c.last_at, excluded.last_at)`,
    [
      all.map(() => newId()),
      all.map(({ sourceId }) => sourceId),
      all.map(({ why }) => why),
      all.map(({ day }) => day),
      all.map((one) => one.count),
      all.map(({ at }) => new Date(at)),
    ],
  );
}
