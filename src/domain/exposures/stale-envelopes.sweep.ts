import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { ELAPSED_DAY, HOUR } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { Envelopes } from './envelopes.ts';

/** Destroys envelopes whose match never came to its end: a value is not kept because a job failed. */
@Sweep({ name: 'exposures.stale-envelopes', every: HOUR })
export class StaleEnvelopesSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly envelopes: Envelopes,
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
  }
}
