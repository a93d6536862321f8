import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { refusalsOf } from './attestations.service.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import type { RetireOffering } from './offering.schema.ts';
import { lockOffering } from './offerings.service.ts';
import { proposedUnderRetired } from './offerings.queries.ts';

const AT_ONCE = 200;

/** The end of an offering. */
@Injectable()
export class OfferingRetirement {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly proposals: MatrixProposalsService,
  ) {}

  /**
   * Offers it to nobody any more: nobody is reminded, and what not every side has signed is withdrawn, with the links to it.
   * What is signed stays in force.
   */
  async retire(
    offeringId: Id,
    { reason }: RetireOffering,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<{ rowVersion: number }, Refusal>> {
    const retired = await refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        const stored = await lockOffering(db, offeringId);
        if (stored.rowVersion !== rowVersion)
          throw new Refused(
            refusal(
              'precondition',
              'stale-version',
              'The offering was changed since you read it. Read it again and decide anew.',
            ),
          );
        const at = this.clock.now();
        await db.query(
          `UPDATE offering SET retired_at = $2, retired_by = $3, retired_because = $4, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
          [offeringId, iso(at), by.id, reason],
        );
        await this.ledger.append(db, {
          kind: 'offering.retired',
          subject: { kind: 'offering', id: offeringId },
          by,
          at,
          facts: { rowVersion: rowVersion + 1 },
          committed: { reason },
        });
        return { rowVersion: rowVersion + 1 };
      }),
    );
    if (retired.ok) await this.withdrawRetired(by, offeringId);
    return retired;
  }

  /** Withdraws what is still proposed under retired offerings, each on its own; run again, it goes on where it ended. */
  async withdrawRetired(by: Principal, offeringId: Id | null = null): Promise<void> {
    for (;;) {
      const found = await this.transactions.run(by, (db) => proposedUnderRetired(db, AT_ONCE, offeringId));
      let gone = 0;
      for (const { versionId, reason } of found)
        if ((await this.proposals.withdraw(versionId, reason, by)).ok) gone += 1;
      // Signed by the last side just now, it stays: nothing moves any more.
      if (found.length < AT_ONCE || gone === 0) return;
    }
  }
}
