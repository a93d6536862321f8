import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { ContainmentRollUp } from './containment-roll-up.ts';

/** Looks at every open incident: sessions end by the clock, and no event tells of that. */
@Sweep({ name: 'incidents.containment', every: 30 * SECOND })
export class ContainmentSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly rollUp: ContainmentRollUp,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const open = await this.transactions.run(by, (db) =>
      rowsOf<{ id: Id }>(
        db,
        `SELECT i.id FROM incident i WHERE i.state IN ('reported', 'triage', 'containing', 'contained', 'recovering')
          UNION
         SELECT x.incident_id FROM version_death d JOIN incident_credential x ON x.version_id = d.version_id
          WHERE d.liveness = 'live' AND d.last_live_at > (SELECT i.closed_at FROM incident i WHERE i.id = x.incident_id AND i.state = 'closed')`,
      ),
    );
    for (const { id } of open) {
      await this.transactions.run(by, (db) => this.rollUp.rollUp(db, id, by, this.clock.now()));
    }
  }
}
