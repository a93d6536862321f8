import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { ELAPSED_DAY, HOUR } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { Envelopes } from './envelopes.ts';
import { WaitingReports } from './waiting-reports.service.ts';

/** Destroys envelopes whose match never came to its end: a value is not kept because a job failed. */
@Sweep({ name: 'exposures.stale-envelopes', every: HOUR })
export class StaleEnvelopesSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly envelopes: Envelopes,
    private readonly waiting: WaitingReports,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const before = new Date(this.clock.now() - 7 * ELAPSED_DAY);
    const stale = await this.transactions.run(by, (db) =>
      rowsOf<{ id: Id }>(
        db,
        `SELECT id FROM exposure_batch WHERE values_ref IS NOT NULL AND created_at < $1 ORDER BY created_at LIMIT 200`,
        [before],
      ),
    );
    for (const { id } of stale) await this.transactions.run(by, (db) => this.envelopes.destroy(db, id));
    await this.transactions.run(by, async (db) => {
      for (const id of await this.waiting.destroyOlder(db, before)) {
        await this.alerts.raise(db, {
          kind: 'intake.reports-lost',
          severity: 'critical',
          subject: { kind: 'exposure_batch', id },
          message:
            'Reports of a large delivery could not be filed for a week and were destroyed: fetch them from the source.',
          dedupeKey: `intake.reports-lost:${id}`,
          at: this.clock.now(),
        });
      }
    });
  }
}
