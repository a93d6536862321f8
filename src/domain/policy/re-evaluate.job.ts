import { SECOND } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { JobHandler, Sweep, type JobCall, type Sweeper } from '../../platform/queue/handlers.ts';
import { GateService } from './gate.service.ts';
import { reEvaluate } from './re-evaluate.definition.ts';
import { reEvaluationOf } from './re-evaluation.service.ts';

const SAY_EVERY = 5 * SECOND;

@JobHandler(reEvaluate)
export class ReEvaluateJob {
  constructor(
    private readonly gate: GateService,
    private readonly transactions: Transactions,
  ) {}

  async handle({ integrationId }: { integrationId: string }, { by }: JobCall): Promise<void> {
    await this.transactions.run(by, (db) => this.gate.reEvaluate(db, [integrationId], by));
  }
}

/**
 * Looks again at what changed, what aged and what ran out of grace. What changed is noted by the database itself, in the
 * transaction that changed it, whoever did.
 */
@Sweep({ name: 'policy.re-evaluation', every: 10 * SECOND })
export class ReEvaluationSweep implements Sweeper {
  #asked = false;

  constructor(
    private readonly gate: GateService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async sweep(by: Principal): Promise<void> {
    if (!this.#asked) await this.gate.policiesChanged(by);
    this.#asked = true;
    // Until nothing is left, one transaction a batch. A long one says how far it is.
    const began = performance.now();
    let [looked, saidAt] = [0, began];
    for (;;) {
      const count = await this.gate.round(by);
      if (count === 0) break;
      looked += count;
      if (performance.now() - saidAt < SAY_EVERY) continue;
      saidAt = performance.now();
      const { waiting, total } = await this.transactions.run(by, (db) =>
        reEvaluationOf(db, this.clock.now()),
      );
      this.log.info({ looked, waiting, total }, 'the gate looks again');
    }
    if (saidAt > began)
      this.log.info(
        { looked, seconds: Math.round((performance.now() - began) / SECOND) },
        'the gate has looked at all',
      );
  }
}
