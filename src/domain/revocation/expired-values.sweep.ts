import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { Deaths } from './deaths.service.ts';

/** Destroys values whose hold has expired, though nobody came back to say that the incident was over. */
@Sweep({ name: 'revocation.expired-values', every: 5 * MINUTE })
export class ExpiredValuesSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly deaths: Deaths,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const rows = await this.transactions.run(by, (db) =>
      db.query<{ version_id: Id }[]>(
        `SELECT version_id FROM version_death WHERE value_ref IS NOT NULL AND value_until <= $1 ORDER BY value_until LIMIT 500`,
        [this.clock.date()],
      ),
    );
    for (const row of rows)
      await this.transactions.run(by, (db) => this.deaths.forgetValue(db, row.version_id, by));
  }
}
