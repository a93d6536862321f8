import { setInterval, clearInterval } from 'node:timers';
import { errorText } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { HOUR, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import type { Clock } from '../clock/clock.ts';
import { withCorrelation, type Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { JobDefinition, QueueName, Retry } from '../outbox/definitions.ts';
import type { ClaimedRow, OutboxRows } from '../outbox/rows.ts';
import type { Handler } from './handlers.ts';

const LEASE: Millis = 10 * SECOND;
const HEARTBEAT: Millis = 2.5 * SECOND;
const TIME_LIMIT: Millis = 5 * MINUTE;
/** After so many deaths of its holders a job is set aside: it may be what kills them. */
export const MOST_DEATHS = 5;

/** How many rows of one queue a process works on at once. */
export const CONCURRENCY: Readonly<Record<QueueName, number>> = {
  engine: 8,
  notices: 8,
  intake: 8,
  housekeeping: 2,
};

/** Milliseconds until the next try: doubles with each failure up to an hour, spread over ±20 % so that a crowd disperses. */
export function backoff(retry: Retry, failures: number, random: number): Millis {
  return Math.round(Math.min(HOUR, retry.backoff * 2 ** (failures - 1)) * (0.8 + 0.4 * random));
}

/** Runs single outbox rows: claim, handler outside any transaction, result. The same for every way a row gets here. */
export class Runner {
  readonly #inHand = new Map<Id, { fence: number; lost: AbortController }>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #paused = false;
  #heart: NodeJS.Timeout | undefined;
  #handlers = new Map<string, { definition: JobDefinition<never>; handler: Handler<never> }>();

  constructor(
    private readonly rows: OutboxRows,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly metrics: Metrics,
    private readonly wake: () => void,
  ) {}

  /** A wake-up that comes while paused is dropped; its row is found again. */
  pause(paused: boolean): void {
    this.#paused = paused;
  }

  use(handlers: Map<string, { definition: JobDefinition<never>; handler: Handler<never> }>): void {
    this.#handlers = handlers;
  }

  /** Runs a row that a wake-up named, unless somebody else has it or had it. */
  async byId(id: Id): Promise<void> {
    if (this.#stopping.signal.aborted || this.#paused) return;
    await this.#track(
      (async () => {
        const row = await this.rows.claim(id, this.clock.now(), LEASE);
        if (row) await this.#run(row);
      })(),
    );
  }

  /** Takes up to `limit` due rows of a queue; each answer runs one of them. */
  async takeDue(queue: QueueName, limit: number): Promise<(() => Promise<void>)[]> {
    if (this.#stopping.signal.aborted || this.#paused) return [];
    const claimed = await this.rows.claimDue(queue, this.clock.now(), LEASE, limit);
    return claimed.map((row) => () => this.#track(this.#run(row)));
  }

  /** Waits for running handlers; after `limit` they are told to stop, and what has not then ended is left to its lease. */
  async drain(limit: Millis): Promise<void> {
    const ended = Promise.allSettled(this.#running);
    await within(ended, limit);
    this.#stopping.abort(new Error('the process is stopping'));
    await within(Promise.allSettled(this.#running), 2 * SECOND);
    clearInterval(this.#heart);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  async #run(row: ClaimedRow): Promise<void> {
    const known = this.#handlers.get(row.job);
    const lost = new AbortController();
    this.#inHand.set(row.id, { fence: row.fence, lost });
    this.#heart ??= setInterval(() => void this.#beat(), HEARTBEAT).unref();
    const started = performance.now();
    let outcome = 'done';
    await withCorrelation(row.correlationId, async () => {
      try {
        if (row.orphaned && row.deaths >= 2) throw new HolderDied(row.deaths);
        if (!known) throw new Error(`this version knows no job ${row.job}`);
        const signal = AbortSignal.any([lost.signal, this.#stopping.signal, AbortSignal.timeout(TIME_LIMIT)]);
        const by = system(row.job, row.correlationId);
        await known.handler.handle(known.definition.payload.parse(row.payload), {
          by,
          attempt: row.attempts + 1,
          signal,
        });
        const finished = await this.rows.finish(row, this.clock.now());
        if (finished === 'again') this.wake();
        if (finished === 'lost') outcome = 'lost';
      } catch (thrown) {
        outcome = await this.#failed(row, known?.definition.retry, thrown);
      }
    });
    this.#inHand.delete(row.id);
    this.metrics
      .histogram('countersign_job_seconds', 'How long queue jobs ran', ['job', 'outcome'])
      .observe({ job: row.job, outcome }, (performance.now() - started) / 1000);
  }

  async #failed(row: ClaimedRow, retry: Retry | undefined, thrown: unknown): Promise<string> {
    try {
      if (this.#stopping.signal.aborted) {
        await this.rows.release(row);
        return 'released';
      }
      const failures = row.attempts + 1;
      const now = this.clock.now();
      // A job of another version is kept for the process that knows it.
      const died = thrown instanceof HolderDied;
      const again = died ? row.deaths < MOST_DEATHS : retry ? failures < retry.attempts : true;
      // What ran beside the one that kills comes back at another time than it.
      const pace = died || !retry ? { attempts: 0, backoff: died ? SECOND : 30 * SECOND } : retry;
      const retryAt = again ? now + backoff(pace, died ? row.deaths : failures, Math.random()) : undefined;
      await this.rows.fail(row, errorText(thrown), now, retryAt);
      const facts = { job: row.job, row: row.id, failures, err: thrown };
      if (again) this.log.warn(facts, 'a job failed and will be tried again');
      else
        this.log.error(
          { ...facts, alert: 'job-given-up' },
          'a job was given up: mend the cause, then `countersign outbox retry`',
        );
      return again ? 'failed' : 'given-up';
    } catch (unwritable) {
      // The lease runs out and a sweep finds the row.
      this.log.error(
        { job: row.job, row: row.id, err: unwritable },
        'the failure of a job could not be written',
      );
      return 'failed';
    }
  }

  async #beat(): Promise<void> {
    const held = [...this.#inHand].map(([id, { fence }]) => ({ id, fence }));
    if (held.length === 0) return;
    try {
      const ours = await this.rows.hold(held, LEASE);
      for (const { id, fence } of held) {
        const here = this.#inHand.get(id);
        if (here && here.fence === fence && !ours.has(id)) here.lost.abort(new Error('the lease was lost'));
      }
    } catch (thrown) {
      this.log.warn({ err: thrown }, 'leases could not be extended');
    }
  }
}

class HolderDied extends Error {
  constructor(deaths: number) {
    super(`the process that ran this job died or hung, ${deaths} times so far`);
  }
}

/** Waits for work, but not for ever. */
export async function within(work: Promise<unknown>, limit: Millis): Promise<'settled' | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limit);
  });
  try {
    return await Promise.race([work.then(() => 'settled' as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
