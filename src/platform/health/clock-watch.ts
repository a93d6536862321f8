import { system } from '../../kernel/principal.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Transactions } from '../database/transactions.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Relay } from '../queue/relay.ts';
import type { Sweeps } from '../queue/sweeps.ts';
import type { Lifecycle } from './lifecycle.ts';

const EVERY: Millis = 30 * SECOND;
/** How far a node's clock may be from the database's: beyond, it would judge deadlines and leases wrongly. */
const MOST_SKEW: Millis = 5 * SECOND;

/** Compares this machine's clock with the database's, and takes the process out of work while they disagree. */
export class ClockWatch {
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds by which this machine is ahead, at the last look. */
  skew: Millis | undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly lifecycle: Lifecycle,
    private readonly relay: Relay,
    private readonly sweeps: Sweeps,
    private readonly log: Log,
    private readonly metrics: Metrics,
    private readonly machine: () => Millis = Date.now,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.look(), EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    try {
      const by = system('clock', 'clock');
      // Both ends of the question are taken, so that a slow answer does not look like a wrong clock.
      const { before, theirs, after } = await this.transactions.run(by, async (db) => {
        const before = this.machine();
        const [row] = await db.query<{ at: number }[]>(
          'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS at',
        );
        return { before, theirs: row?.at ?? Number.NaN, after: this.machine() };
      });
      this.skew = theirs < before ? before - theirs : theirs > after ? after - theirs : 0;
    } catch (thrown) {
      this.log.warn({ err: thrown }, 'the clocks could not be compared');
      return;
    }
    this.metrics
      .gauge('countersign_clock_skew_seconds', 'This machine ahead of the database')
      .set(this.skew / SECOND);
    const off = Math.abs(this.skew) > MOST_SKEW;
    if (off === (this.lifecycle.state === 'fenced')) return;
    this.lifecycle.fence(off);
    this.relay.pause(off);
    this.sweeps.pause(off);
    if (off)
      this.log.error(
        { skew: this.skew, alert: 'clock-skew' },
        'this clock is more than 5 s off the database: the process stops working until it is right',
      );
    else this.log.warn({ skew: this.skew }, 'the clock is right again: the process works again');
  }
}
