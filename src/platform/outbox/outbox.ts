import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import type { Millis } from '../../kernel/time.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Clock } from '../clock/clock.ts';
import type { Db } from '../database/transactions.ts';
import { correlationId } from '../log/log.ts';
import { jobsOf, type EventDefinition, type JobDefinition } from './definitions.ts';

export interface PutOptions {
  /** Not before this instant. Absent: at once. */
  dueAt?: Millis;
  /** At most one unfinished row of the job and this key: a second put moves it earlier, or repeats it if it is running. */
  key?: string;
  /** What it belongs to, where one transaction writes for several. Absent: the work in hand. */
  correlationId?: string;
}

/**
 * What must happen after a commit, written in the transaction that makes it necessary. A row stays until its handler has
 * finished; a queue carries only its id, as a wake-up.
 */
export class Outbox {
  #afterCommit: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    dataSource: DataSource,
  ) {
    dataSource.subscribers.push(new AfterCommit(() => this.#afterCommit()));
  }

  /** Calls `wake` after each commit that wrote rows, in this process: prompt, and not the record. */
  onCommit(wake: () => void): void {
    this.#afterCommit = wake;
  }

  /** Writes one row for a job, or one for each job that reacts to an event. */
  put<P>(
    db: Db,
    what: JobDefinition<P> | EventDefinition<P>,
    payload: P,
    options: PutOptions = {},
  ): Promise<void> {
    return this.putAll(db, what, [{ payload, ...options }]);
  }

  /** The same for many payloads, in one statement. @throws Error when a payload does not fit: our bug. */
  async putAll<P>(
    db: Db,
    what: JobDefinition<P> | EventDefinition<P>,
    entries: readonly ({ payload: P } & PutOptions)[],
  ): Promise<void> {
    const now = this.clock.now();
    const trail = correlationId();
    const rows = new Map<string, OutboxInput>();
    for (const job of jobsOf(what as JobDefinition<never> | EventDefinition<never>)) {
      for (const entry of entries) {
        const row = rowOf(job, entry, now, entry.correlationId ?? trail);
        if (job.only && !(await job.only(db, row.payload as never))) continue;
        const known = entry.key === undefined ? undefined : rows.get(`${job.name} ${entry.key}`);
        // One statement cannot meet the same key twice; the earlier of the two wins, as in the table.
        if (known) known.due_at = known.due_at < row.due_at ? known.due_at : row.due_at;
        else rows.set(entry.key === undefined ? row.id : `${job.name} ${entry.key}`, row);
      }
    }
    if (rows.size === 0) return;
    await db.query('SELECT cs_outbox_put($1::jsonb)', [JSON.stringify([...rows.values()])]);
    if (db.queryRunner) wrote.add(db.queryRunner);
  }
}

/** Column names, as the function `cs_outbox_put` reads them. */
interface OutboxInput {
  id: Id;
  job: string;
  queue: string;
  payload: unknown;
  correlation_id: string;
  key: string | null;
  created_at: string;
  due_at: string;
}

const MOST_BYTES = 10_000;

function rowOf<P>(
  job: JobDefinition<never>,
  entry: { payload: P } & PutOptions,
  now: Millis,
  trail: string,
): OutboxInput {
  const payload = job.payload.parse(entry.payload);
  if (JSON.stringify(payload).length > MOST_BYTES)
    throw new Error(`the payload of ${job.name} is larger than ${MOST_BYTES} bytes: put ids, not things`);
  return {
    id: newId(),
    job: job.name,
    queue: job.queue,
    payload,
    correlation_id: trail,
    key: entry.key ?? null,
    created_at: new Date(now).toISOString(),
    due_at: new Date(entry.dueAt ?? now).toISOString(),
  };
}

// Which open transactions wrote rows. Weak: a rolled-back one is forgotten with its runner, or found here by the next
// transaction on the same runner, which costs one needless look.
const wrote = new WeakSet<QueryRunner>();

class AfterCommit implements EntitySubscriberInterface {
  constructor(private readonly wake: () => void) {}

  afterTransactionCommit(event: { queryRunner: QueryRunner }): void {
    // A released savepoint announces itself in the same way; only the outermost commit makes rows visible.
    if (!event.queryRunner.isTransactionActive && wrote.delete(event.queryRunner)) this.wake();
  }
}
