import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

/** How often those who were told of an incident hear again. */
@Injectable()
export class UpdateCadence {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** @param everyHours null: as the severity says */
  set(incidentId: Id, everyHours: number | null, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const changed = await rowsOf(
        db,
        `UPDATE incident SET update_every_hours = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1 RETURNING id`,
        [incidentId, everyHours, iso(now)],
      );
      if (changed.length === 0)
        return err(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
      await this.ledger.append(db, {
        kind: 'incident.update-cadence-set',
        subject: { kind: 'incident', id: incidentId },
        by,
        at: now,
        facts: { everyHours },
      });
      return ok(undefined);
    });
  }
}
