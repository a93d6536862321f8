import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { UnsoundCheckouts } from './unsound-checkouts.service.ts';

/** Ends leases of what must not be used any more, writes down which leases have lapsed and which consents never came, and forgets assertions that have expired. */
@Sweep({ name: 'releases.lapsed', every: 15 * SECOND })
export class LapsedCheckoutsSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly unsound: UnsoundCheckouts,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.unsound.end(by);
    await this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const lapsed = await rowsOf<{ id: Id }>(
        db,
        `UPDATE checkout SET state = 'expired', ended_by = 'clock', ended_at = $1
          WHERE id IN (SELECT id FROM checkout WHERE state IN ('open', 'waiting', 'consented')
                          AND CASE state WHEN 'open' THEN expires_at ELSE answer_until END <= $1 ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
         RETURNING id`,
        [iso(now)],
      );
      if (lapsed.length > 0)
        await this.ledger.append(
          db,
          lapsed.map(({ id }) => ({
            kind: 'checkout.expired',
            subject: { kind: 'checkout', id },
            by,
            at: now,
          })),
        );
      await db.query(`DELETE FROM used_assertion WHERE expires_at <= $1`, [iso(now)]);
    });
  }
}
