import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import {
  JobHandler,
  Sweep,
  type Handler,
  type JobCall,
  type Sweeper,
} from '../../platform/queue/handlers.ts';
import { deliverSignals } from './deliver-signals.definition.ts';
import { pause, SignalSender } from './sender.ts';
import { wakeSender } from './wake-sender.ts';

const LINGER: Millis = 250;

@JobHandler(deliverSignals)
export class DeliverSignalsJob implements Handler<Record<string, never>> {
  /** One round at a time in a process: a further one would hold a place of those who send notices, for nothing. */
  #running = false;

  constructor(private readonly sender: SignalSender) {}

  async handle(_payload: Record<string, never>, call: JobCall): Promise<void> {
    if (this.#running) return this.sender.look();
    this.#running = true;
    try {
      await this.sender.send(call.by, call.signal);
      // Whoever saw this wake-up still waiting left none of his own, and may have committed a moment after it was taken.
      await pause(LINGER);
      await this.sender.send(call.by, call.signal);
    } finally {
      this.#running = false;
    }
  }
}

/** Finds what is due again, and what no wake-up told of. */
@Sweep({ name: 'signals.due', every: 5 * SECOND })
export class SignalsSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
    private readonly sender: SignalSender,
  ) {}

  async sweep(by: Principal): Promise<void> {
    if (await this.sender.isDue(by)) await this.transactions.run(by, (db) => wakeSender(db, this.outbox));
  }
}
