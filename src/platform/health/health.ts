import { SECOND } from '../../kernel/time.ts';
import { system } from '../../kernel/principal.ts';
import type { Transactions } from '../database/transactions.ts';
import type { Relay } from '../queue/relay.ts';
import { within } from '../queue/runner.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { Lifecycle } from './lifecycle.ts';

export interface Readiness {
  ready: boolean;
  /** Each part in one word or sentence: `ok`, or what is wrong with it. */
  parts: Record<'process' | 'database' | 'migrations' | 'queue' | 'clock', string>;
}

/** The canary's age beyond which a queue that says it is up is not believed. */
const CANARY_OLD = 60 * SECOND;

/** Whether this process can do its work now: what a load balancer asks before it sends anybody here. */
export class Health {
  constructor(
    private readonly transactions: Transactions,
    private readonly relay: Relay,
    private readonly lifecycle: Lifecycle,
    private readonly clockWatch: ClockWatch,
    /** Names of the migrations that this release needs. */
    private readonly needed: readonly string[],
  ) {}

  async readiness(): Promise<Readiness> {
    const parts: Readiness['parts'] = {
      process: 'ok',
      database: 'ok',
      migrations: 'ok',
      queue: 'ok',
      clock: 'ok',
    };
    if (this.lifecycle.state !== 'up') parts.process = this.lifecycle.state;
    const looked = this.#look(parts).catch(() => {
      parts.database = 'does not answer';
    });
    if ((await within(looked, 3 * SECOND)) === 'late') parts.database = 'does not answer within 3 s';
    const { skew } = this.clockWatch;
    if (skew !== undefined && this.lifecycle.state === 'fenced')
      parts.clock = `${Math.round(skew / SECOND)} s off the database`;
    // A queue that is away is told, and no reason to take the process out: the reconciler carries the work.
    const ready = Object.entries(parts).every(([part, said]) => said === 'ok' || part === 'queue');
    return { ready, parts };
  }

  async #look(parts: Readiness['parts']): Promise<void> {
    const done = await this.transactions.run(system('health', 'health'), (db) =>
      db.query<{ name: string }[]>('SELECT name FROM typeorm_migrations'),
    );
    const missing = this.needed.find((name) => !done.some((row) => row.name === name));
    if (missing !== undefined) parts.migrations = `${missing} is missing: run countersign migrate`;
    const { travel, backend, refused } = this.relay.state;
    if (backend === 'off') parts.queue = 'off by COUNTERSIGN_QUEUE: the reconciler carries the work';
    else if (refused !== undefined) parts.queue = refused;
    else if (travel === 'carrying') parts.queue = 'away: the reconciler carries the work';
    else if ((await this.relay.canaryAge()) > CANARY_OLD) parts.queue = 'no canary came through for a minute';
  }
}
