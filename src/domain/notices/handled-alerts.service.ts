import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

export interface AlertView {
  id: Id;
  kind: string;
  severity: 'info' | 'warning' | 'critical';
  subjectKind: string | null;
  subjectId: Id | null;
  message: string;
  occurrences: number;
  firstAt: Millis;
  lastAt: Millis;
  handledBy: string | null;
  handledAt: Millis | null;
}

/** What becomes of alerts once somebody looks at them. The same thing happening again raises a new one. */
@Injectable()
export class HandledAlerts {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** Says that somebody took care of it; saying so twice changes nothing. */
  async handle(id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const rows = await rowsOf<{ kind: string }>(
        db,
        `UPDATE alert SET handled_by = $2, handled_at = $3 WHERE id = $1 AND handled_at IS NULL RETURNING kind`,
        [id, by.personId ?? by.id, iso(now)],
      );
      const [handled] = rows;
      if (!handled) {
        const known = await rowsOf<unknown>(db, 'SELECT 1 FROM alert WHERE id = $1', [id]);
        return known.length > 0
          ? ok(undefined)
          : err(refusal('not_found', 'no-such-alert', 'There is no such alert.'));
      }
      await this.ledger.append(db, {
        kind: 'alert.handled',
        subject: { kind: 'alert', id },
        by,
        at: now,
        facts: { alert: handled.kind },
      });
      return ok(undefined);
    });
  }
}
