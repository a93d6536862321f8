import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { DeliveryService } from './delivery.service.ts';

/** Notices on their way at once. */
const AT_ONCE = 32;
/** Ids looked up at once: of however many are due, so many are in memory. */
const BATCH = 200;
/** Milliseconds after which a round takes nothing new: its wake-up is one job, and a job ends. */
const ROUND: Millis = 4 * MINUTE;
/** Milliseconds for one attempt, whatever becomes of its round. */
const ATTEMPT: Millis = 15 * SECOND;

/**
 * Carries what is due, a few dozen at once: the notices that come together share their transactions and the connections
 * to the mail server. One round at a time in a process; in others it may run at the same moment: what one is telling is
 * held there, by the database's clock, and the others pass it by.
 */
@Injectable()
export class NoticePump {
  #round: Promise<void> | undefined;
  #again = false;
  #stopping = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly delivery: DeliveryService,
    private readonly log: Log,
  ) {}

  /** What is on its way comes to its end; nothing new is taken. */
  onModuleDestroy(): void {
    this.#stopping = true;
    this.#wake();
  }

  /** Tells a running round that something is new. @returns whether there is one */
  look(): boolean {
    this.#again = true;
    this.#wake();
    return this.#round !== undefined;
  }

  /** Carries until nothing is due that was not tried. */
  async send(by: Principal, signal?: AbortSignal): Promise<void> {
    if (this.look()) return this.#round;
    this.#round = this.#send(by, signal).finally(() => (this.#round = undefined));
    return this.#round;
  }

  async #send(by: Principal, signal: AbortSignal | undefined): Promise<void> {
    // Every notice on its way listens to it.
    if (signal) setMaxListeners(0, signal);
    const end = performance.now() + ROUND;
    const onTheWay = new Set<Id>();
    // Whatever kept one from being tried (ours, not the peer's) would keep it from it again at once.
    const failed = new Set<Id>();
    let waiting: Id[] = [];
    for (;;) {
      const takes = !this.#stopping && signal?.aborted !== true && performance.now() < end;
      if (takes && waiting.length === 0 && (this.#again || onTheWay.size <= AT_ONCE / 2)) {
        this.#again = false;
        waiting = await this.#due(by, [...onTheWay, ...failed]);
      }
      if (!takes) waiting = [];
      while (waiting.length > 0 && onTheWay.size < AT_ONCE) {
        const id = waiting.shift()!;
        if (onTheWay.has(id)) continue;
        onTheWay.add(id);
        void this.#deliver(id, by, signal, failed).finally(() => {
          onTheWay.delete(id);
          this.#wake();
        });
      }
      const looks = takes && this.#again && waiting.length === 0 && onTheWay.size < AT_ONCE;
      if (onTheWay.size > 0 && !looks) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (!looks) return;
    }
  }

  async #deliver(id: Id, by: Principal, signal: AbortSignal | undefined, failed: Set<Id>): Promise<void> {
    const limit = AbortSignal.timeout(ATTEMPT);
    try {
      await this.delivery.deliver(id, by, signal ? AbortSignal.any([signal, limit]) : limit);
    } catch (thrown) {
      failed.add(id);
      this.log.warn({ err: thrown, notice: id }, 'a notice could not be tried, and will be again');
    }
  }

  async #due(by: Principal, but: readonly Id[]): Promise<Id[]> {
    const rows: { id: Id }[] = await this.transactions.run(by, (db) =>
      db.query(
        `SELECT id FROM notice
          WHERE dispatch IN ('owed', 'attempting') AND obligation = 'required' AND next_attempt_at <= $1
            AND (held_until IS NULL OR held_until <= clock_timestamp()) AND id <> ALL ($2::uuid[])
          ORDER BY next_attempt_at LIMIT $3`,
        [iso(this.clock.now()), but, BATCH],
      ),
    );
    return rows.map(({ id }) => id);
  }
}
