import { errorText } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { ELAPSED_DAY, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import type { Transactions } from '../database/transactions.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { QUEUES, type QueueName } from '../outbox/definitions.ts';
import type { OutboxRows } from '../outbox/rows.ts';
import { ForgetfulRedis, openBackend, type Backend } from './backend.ts';
import { CONCURRENCY, type Runner } from './runner.ts';

/** How often the table itself is asked for rows that no wake-up brought: due deadlines, lapsed leases, lost commits. */
const LOOK: Millis = 0.5 * SECOND;
const CANARY_EVERY: Millis = 10 * SECOND;
const CANARY_LOST: Millis = MINUTE;
const BATCH = 500;

/**
 * How work travels just now. `queue`: rows go to BullMQ as wake-ups. `carrying`: no queue is there (or wanted), and this
 * process takes due rows from the table itself.
 */
export type Travel = 'queue' | 'carrying';

/**
 * Brings outbox rows to their handlers. The table is the record; BullMQ spreads wake-ups over processes; what BullMQ
 * loses, refuses or forgets is found again in the table, so that an emptied store costs seconds and no work.
 */
export class Relay {
  #backend: Backend | undefined;
  #travel: Travel = 'carrying';
  #refusedForGood: string | undefined;
  #openedAt = 0;
  #retryAt = 0;
  #retryWait = SECOND;
  #opening: Promise<void> | undefined;
  #passing: Promise<void> | undefined;
  #again = false;
  #timers: NodeJS.Timeout[] = [];
  #stopped = true;
  #paused = false;
  #works = false;
  readonly #room: Record<QueueName, number> = { ...CONCURRENCY };
  readonly #carried = new Set<Promise<unknown>>();
  readonly #by = system('queue', 'queue');

  constructor(
    private readonly config: Config,
    private readonly rows: OutboxRows,
    private readonly runner: Runner,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** For the readiness probe. */
  get state(): { travel: Travel; backend: 'redis' | 'postgres' | 'off' | 'away'; refused?: string } {
    const backend = this.config.queue === 'off' ? 'off' : (this.#backend?.kind ?? 'away');
    return {
      travel: this.#travel,
      backend,
      ...(this.#refusedForGood ? { refused: this.#refusedForGood } : {}),
    };
  }

  /**
   * @param works whether this process runs handlers, or only hands rows over
   * @throws Error when BullMQ's Postgres cannot be used, or Redis would lose work. A Redis that is away is waited for.
   */
  async start(works: boolean): Promise<void> {
    this.#stopped = false;
    this.#works = works;
    if (this.config.queue === 'on') {
      try {
        await this.#open();
      } catch (thrown) {
        if (!this.config.redisUrl || thrown instanceof ForgetfulRedis) throw thrown;
        this.log.error(
          { err: thrown, alert: 'queue-away' },
          'Redis is not there: the reconciler starts the work, and the connection is retried',
        );
      }
    }
    if (works) {
      this.#timers.push(
        setInterval(() => this.pass(), LOOK),
        setInterval(() => void this.#prune(), 10 * MINUTE),
      );
      if (this.config.queue === 'on') this.#timers.push(setInterval(() => void this.#canary(), CANARY_EVERY));
    } else if (this.config.queue === 'on') {
      this.#timers.push(setInterval(() => void this.#reopen(), SECOND));
    }
    for (const timer of this.#timers) timer.unref();
    if (this.#backend) await this.#canary();
    this.pass();
  }

  /** Takes nothing up while paused; what runs goes on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.runner.pause(paused);
    if (!paused) this.pass();
  }

  /** Wakes the relay. Returns at once; wakes during a pass cause one more pass after it. */
  pass(): void {
    if (this.#stopped || this.#paused) return;
    if (this.#passing) {
      this.#again = true;
      return;
    }
    this.#passing = this.#pass()
      .catch((thrown: unknown) => this.log.error({ err: thrown }, 'the outbox could not be read'))
      .finally(() => {
        this.#passing = undefined;
        if (this.#again) {
          this.#again = false;
          this.pass();
        }
      });
  }

  /** Resolves when no pass is running and nothing that this process carries is unfinished. */
  async idle(): Promise<void> {
    while (this.#passing || this.#carried.size > 0)
      await Promise.allSettled([this.#passing, ...this.#carried]);
  }

  async #pass(): Promise<void> {
    await this.#reopen();
    if (this.#travel === 'queue' && this.#backend) {
      for (;;) {
        const due = await this.rows.relay(this.clock.now(), BATCH);
        if (due.length === 0) return;
        if (!(await this.#hand(this.#backend, due))) break;
        if (due.length < BATCH) return;
      }
    }
    if (this.#works) await this.#carry();
  }

  async #hand(backend: Backend, due: { id: string; queue: QueueName; relays: number }[]): Promise<boolean> {
    try {
      for (const queue of QUEUES) {
        const jobs = due.filter((row) => row.queue === queue);
        if (jobs.length === 0) continue;
        await backend.add(
          queue,
          jobs.map((row) => ({ name: 'row', data: { id: row.id }, id: `out-${row.id}-${row.relays}` })),
        );
      }
      return true;
    } catch (thrown) {
      this.#fellBack(thrown);
      await this.rows.unrelay(due.map((row) => row.id));
      return false;
    }
  }

  /** Starts due rows, as many as there is room for; each end makes another pass. */
  async #carry(): Promise<void> {
    for (const queue of QUEUES) {
      const room = this.#room[queue];
      if (room === 0) continue;
      const claimed = await this.runner.takeDue(queue, room);
      for (const run of claimed) {
        this.#room[queue] -= 1;
        const done = run().finally(() => {
          this.#room[queue] += 1;
          this.#carried.delete(done);
          this.pass();
        });
        this.#carried.add(done);
      }
    }
  }

  async #open(): Promise<void> {
    const onError = (thrown: unknown) => this.#complain(thrown);
    const onJob = async (queue: QueueName, name: string, data: { id: string }) => {
      if (name === 'canary') await this.#canarySeen(queue);
      else await this.runner.byId(data.id);
    };
    this.#backend = await openBackend(this.config, { onError, ...(this.#works ? { onJob } : {}) });
    this.#openedAt = this.clock.now();
    this.#travel = 'queue';
    this.#retryWait = SECOND;
  }

  /** Tries again, at growing intervals, to get a queue that is wanted and away. */
  async #reopen(): Promise<void> {
    if (
      this.config.queue === 'off' ||
      this.#stopped ||
      this.#refusedForGood ||
      performance.now() < this.#retryAt
    )
      return;
    if (this.#travel === 'queue') return;
    this.#opening ??= (async () => {
      this.#retryAt = performance.now() + this.#retryWait;
      this.#retryWait = Math.min(this.#retryWait * 2, 15 * SECOND);
      try {
        if (this.#backend) {
          // The store is what failed, not the objects: once ready they heal. One add shows it.
          await this.#addCanaries(this.#backend);
          this.#travel = 'queue';
          this.#retryWait = SECOND;
        } else {
          await this.#open();
        }
        this.log.warn({}, 'the queue is back');
      } catch (thrown) {
        if (thrown instanceof ForgetfulRedis) this.#refusedForGood = thrown.message;
        this.#complain(thrown);
      }
    })().finally(() => (this.#opening = undefined));
    // Work does not wait for a connection attempt.
    if (!this.#works) await this.#opening;
  }

  #fellBack(thrown: unknown): void {
    if (this.#travel === 'carrying') return;
    this.#travel = 'carrying';
    this.#retryAt = performance.now() + this.#retryWait;
    this.log.error(
      { err: thrown, alert: 'queue-away' },
      'the queue does not take work: the reconciler carries it until it does',
    );
  }

  async #addCanaries(backend: Backend): Promise<void> {
    for (const queue of QUEUES)
      await backend.add(queue, [{ name: 'canary', data: { id: queue }, id: `canary-${newId()}` }]);
  }

  /** Sends a harmless job through each queue; one that stays away for a minute shows a queue that is silently dead. */
  async #canary(): Promise<void> {
    const backend = this.#backend;
    if (!backend || this.#stopped) return;
    try {
      await this.#addCanaries(backend);
      const silent = await this.canaryAge();
      if (this.#works && silent > CANARY_LOST && this.clock.now() - this.#openedAt > CANARY_LOST) {
        this.#fellBack(new Error(`no canary came through for ${Math.round(silent / SECOND)} s`));
        this.#backend = undefined;
        await backend.close();
      }
    } catch (thrown) {
      this.#fellBack(thrown);
    }
  }

  /** Milliseconds since the canary of the slowest queue was seen, by whichever process. */
  async canaryAge(): Promise<Millis> {
    const [row] = await this.transactions.run(this.#by, (db) =>
      db.query<{ age: number | null }[]>(
        `SELECT CASE WHEN count(*) = $1 THEN extract(epoch FROM clock_timestamp() - min(seen_at))::float8 * 1000 END AS age FROM queue_canary`,
        [QUEUES.length],
      ),
    );
    return row?.age ?? Number.POSITIVE_INFINITY;
  }

  async #canarySeen(queue: QueueName): Promise<void> {
    await this.transactions.run(this.#by, (db) =>
      db.query(
        `INSERT INTO queue_canary (queue, seen_at) VALUES ($1, clock_timestamp())
         ON CONFLICT (queue) DO UPDATE SET seen_at = clock_timestamp()`,
        [queue],
      ),
    );
  }

  async #prune(): Promise<void> {
    try {
      await this.rows.prune(this.clock.now() - ELAPSED_DAY);
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  #lastComplaint = '';
  #complainedAt = 0;

  /** A store that is down complains hundreds of times a second; one line in ten seconds says the same. */
  #complain(thrown: unknown): void {
    this.metrics.counter('countersign_queue_errors_total', 'Errors of the queue store').inc();
    const text = errorText(thrown);
    if (text === this.#lastComplaint && performance.now() - this.#complainedAt < 10 * SECOND) return;
    this.#lastComplaint = text;
    this.#complainedAt = performance.now();
    this.log.warn({ err: thrown }, 'the queue complains');
  }

  /** First half of the stop: nothing new is taken, what runs is waited for, so that it can still query and enqueue. */
  async stopWorking(limit: Millis): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#works = false;
    await Promise.all([
      this.#backend?.closeWorkers().catch((thrown: unknown) => this.#complain(thrown)),
      this.runner.drain(limit),
    ]);
  }

  /** Second half: what the last handlers wrote goes out to other processes; then the store is let go. */
  async stop(): Promise<void> {
    await this.#passing;
    if (this.#travel === 'queue' && !this.#stopped)
      await this.#pass().catch((thrown: unknown) => this.#complain(thrown));
    this.#stopped = true;
    await this.#opening;
    await this.#backend?.close();
    this.#backend = undefined;
  }
}
