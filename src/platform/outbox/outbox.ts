import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import type { Millis } from '../../kernel/time.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Clock } from '../clock/clock.ts';
import { inOne } from '../database/together.ts';
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
  #afterCommit: (jobs: ReadonlySet<string>) => void = () => {};

  constructor(
    private readonly clock: Clock,
    dataSource: DataSource,
  ) {
    dataSource.subscribers.push(new AfterCommit((jobs) => this.#afterCommit(jobs)));
  }

  /** Calls `wake` after each commit that wrote rows that are due, in this process: prompt, and not the record. */
  onCommit(wake: (jobs: ReadonlySet<string>) => void): void {
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
    const rows: OutboxInput[] = [];
    for (const job of jobsOf(what as JobDefinition<never> | EventDefinition<never>)) {
      for (const entry of entries) {
        const payload = job.payload.parse(entry.payload) as never;
        if (!job.only || (await job.only(db, payload)))
          rows.push(rowOf(job, payload, entry, now, entry.correlationId ?? trail));
      }
    }
    if (rows.length > 0) await putRows(db, rows);
  }
}

/** Rows of one transaction, whoever writes them. */
const putRows = inOne(async (db: Db, all: readonly (readonly OutboxInput[])[]): Promise<void[]> => {
  const rows = new Map<string, OutboxInput>();
  for (const row of all.flat()) {
    const at = row.key === null ? row.id : `${row.job} ${row.key}`;
    const known = rows.get(at);
    // One statement cannot meet the same key twice; the earlier of the two wins, as in the table.
    if (known) known.due_at = known.due_at < row.due_at ? known.due_at : row.due_at;
    else rows.set(at, row);
  }
  await db.query('SELECT cs_outbox_put($1::jsonb)', [JSON.stringify([...rows.values()])]);
  const due = [...rows.values()].filter((row) => row.due_at <= row.created_at);
  if (db.queryRunner && due.length > 0) {
    const jobs = wrote.get(db.queryRunner) ?? new Set();
    for (const { job } of due) jobs.add(job);
    wrote.set(db.queryRunner, jobs);
  }
  return all.map(() => undefined);
});

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

function rowOf(
  job: JobDefinition<never>,
  payload: never,
  entry: PutOptions,
  now: Millis,
  trail: string,
): OutboxInput {
  if (JSON.stringify(payload).length > MOST_BYTES)
    throw new Error(`the payload of ${job.name} is larger than ${MOST_BYTES} bytes: put ids, not things`);
  return {
    id: newId(),
    job: job.name,
    queue: job.queue,
    payload,
    correlation_id: trail,
    key: entry.key ?? job.key?.(payload) ?? null,
    created_at: new Date(now).toISOString(),
    due_at: new Date(entry.dueAt ?? now).toISOString(),
  };
}

// Which open transactions wrote rows that are due, and of which jobs. Weak: a rolled-back one is forgotten with its runner, or found here by the next
// transaction on the same runner, which costs one needless look.
const wrote = new WeakMap<QueryRunner, Set<string>>();

class AfterCommit implements EntitySubscriberInterface {
  constructor(private readonly wake: (jobs: ReadonlySet<string>) => void) {}

  afterTransactionCommit(event: { queryRunner: QueryRunner }): void {
    // A released savepoint announces itself in the same way; only the outermost commit makes rows visible.
    const jobs = wrote.get(event.queryRunner);
    if (!jobs || event.queryRunner.isTransactionActive) return;
    wrote.delete(event.queryRunner);
    this.wake(jobs);
  }
}
