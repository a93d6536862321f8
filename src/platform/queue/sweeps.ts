import pg from 'pg';
import { newId } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Config } from '../config/config.ts';
import { withCorrelation, type Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Sweeper, SweepSettings } from './handlers.ts';
import { within } from './runner.ts';

/** First key of the advisory locks; the second is the hash of the sweep's name. */
const LOCKS = 4_100_015;

/**
 * Runs every `@Sweep`, each by one process at a time: an advisory lock on a connection kept for nothing else, so that a
 * killed process lets go at once and no pool is starved.
 */
export class Sweeps {
  #sweeps: readonly { settings: SweepSettings; sweeper: Sweeper }[] = [];
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #session: Promise<pg.Client> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #paused = false;

  constructor(
    private readonly config: Config,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  use(sweeps: readonly { settings: SweepSettings; sweeper: Sweeper }[]): void {
    this.#sweeps = sweeps;
  }

  /** Starts the clockwork. The first round of each sweep comes at once: it finds what a dead process left. */
  start(): void {
    for (const { settings } of this.#sweeps) this.#plan(settings, 0);
  }

  #plan(settings: SweepSettings, wait: Millis): void {
    if (this.#stopped) return;
    const timer = setTimeout(
      () => void this.run(settings.name).finally(() => this.#plan(settings, settings.every)),
      wait,
    );
    this.#timers.set(settings.name, timer.unref());
  }

  pause(paused: boolean): void {
    this.#paused = paused;
  }

  /** One round of every sweep, in order: what tests call after moving their clock. */
  async runAll(): Promise<void> {
    for (const { settings } of this.#sweeps) await this.run(settings.name);
  }

  /** One round, or the end of the one that is running here. Never throws: the next round comes anyway. */
  async run(name: string): Promise<void> {
    const found = this.#sweeps.find(({ settings }) => settings.name === name);
    if (!found) throw new Error(`no sweep ${name}`);
    const running = this.#running.get(name);
    if (running) return running;
    const round = this.#round(name, found.sweeper).finally(() => this.#running.delete(name));
    this.#running.set(name, round);
    return round;
  }

  async #round(name: string, sweeper: Sweeper): Promise<void> {
    if (this.#stopped || this.#paused) return;
    const correlationId = newId();
    await withCorrelation(correlationId, async () => {
      try {
        const [row] = await this.#ask<{ mine: boolean }>(
          'SELECT pg_try_advisory_lock($1, hashtext($2)) AS mine',
          name,
        );
        if (!row?.mine) return;
        try {
          await sweeper.sweep(system(name, correlationId));
        } finally {
          await this.#ask('SELECT pg_advisory_unlock($1, hashtext($2))', name);
        }
      } catch (thrown) {
        this.metrics
          .counter('countersign_sweep_failures_total', 'Sweeps that failed', ['sweep'])
          .inc({ sweep: name });
        this.log.error({ err: thrown, sweep: name }, 'a sweep failed and will run again');
      }
    });
  }

  /** One question at a time: the session is shared by all sweeps. */
  #ask<T extends object>(sql: string, name: string): Promise<T[]> {
    const answer = this.#turn.then(async () => {
      const session = await this.#open();
      return (await session.query<T>(sql, [LOCKS, name])).rows;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  #open(): Promise<pg.Client> {
    this.#session ??= (async () => {
      const client = new pg.Client({
        connectionString: this.config.databaseUrl,
        application_name: 'countersign-sweeps',
        keepAlive: true,
        connectionTimeoutMillis: 5 * SECOND,
      });
      const forget = () => (this.#session = undefined);
      client.on('error', forget);
      client.on('end', forget);
      await client.connect();
      return client;
    })();
    this.#session.catch(() => (this.#session = undefined));
    return this.#session;
  }

  async stop(limit: Millis): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await within(Promise.allSettled(this.#running.values()), limit);
    const session = await this.#session?.catch(() => undefined);
    await session?.end().catch(() => undefined);
  }
}
