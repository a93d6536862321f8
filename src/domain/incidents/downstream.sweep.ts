import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';

/** What an exposed credential reached was not looked at in time: somebody of the operator is told, once for an incident. */
@Sweep({ name: 'incidents.overdue-downstream', every: MINUTE })
export class DownstreamSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const at = this.clock.now();
    await this.transactions.run(by, async (db) => {
      const late = await rowsOf<{ id: Id; reference: string; items: number }>(
        db,
        `SELECT i.id, i.reference, count(*)::int AS items FROM downstream_item d JOIN incident i ON i.id = d.incident_id
          WHERE d.state = 'open' AND d.due_at < $1
            AND NOT EXISTS (SELECT FROM alert a WHERE a.dedupe_key = 'incident.downstream-overdue:' || i.id AND a.handled_at IS NULL)
          GROUP BY i.id ORDER BY i.id LIMIT 100`,
        [new Date(at)],
      );
      for (const { id, reference, items } of late) {
        await this.alerts.raise(db, {
          kind: 'incident.downstream-overdue',
          severity: 'warning',
          subject: { kind: 'incident', id },
          message: `${reference}: ${items} of what the exposed credentials reached should have been looked at by now.`,
          dedupeKey: `incident.downstream-overdue:${id}`,
          at,
        });
      }
    });
  }
}
