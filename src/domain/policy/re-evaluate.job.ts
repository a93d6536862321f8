import { SECOND } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { JobHandler, Sweep, type JobCall, type Sweeper } from '../../platform/queue/handlers.ts';
import { GateService } from './gate.service.ts';
import { reEvaluate } from './re-evaluate.definition.ts';

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

  constructor(private readonly gate: GateService) {}

  async sweep(by: Principal): Promise<void> {
    if (!this.#asked) await this.gate.policiesChanged(by);
    this.#asked = true;
    // Until nothing is left, one transaction a batch.
    while ((await this.gate.round(by)) > 0);
  }
}
