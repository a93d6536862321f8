import type { Principal } from '../../kernel/principal.ts';
import { HOUR } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { OfferingProposals } from './offering-proposals.service.ts';
import { OfferingRetirement } from './offering-retirement.service.ts';
import { dueToChase } from './offerings.queries.ts';

const AT_ONCE = 500;

/** Reminds customers when it is their turn, and ends what a retired offering still has open. */
@Sweep({ name: 'responsibility.offerings', every: HOUR })
export class OfferingsSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly proposals: OfferingProposals,
    private readonly retirement: OfferingRetirement,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.retirement.withdrawRetired(by);
    const due = await this.transactions.run(by, (db) => dueToChase(db, this.clock.now(), AT_ONCE));
    for (const { offeringId, integrationIds } of due)
      await this.proposals.chase(offeringId, { integrationIds }, by);
  }
}
