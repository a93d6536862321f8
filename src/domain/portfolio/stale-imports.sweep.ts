import type { Principal } from '../../kernel/principal.ts';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { ImportsService } from './imports.service.ts';

/** After this long without a beat the process that ran an import is dead. */
const DEAD = 2 * MINUTE;

/**
 * Ends imports whose process died. One that came over the API is taken up by another worker; one from a command line has
 * nobody else, and says so. Rows and files that nobody needs any more are cleared away.
 */
@Sweep({ name: 'portfolio.stale-imports', every: 30_000 })
export class StaleImportsSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly imports: ImportsService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      await db.query(
        `UPDATE import_job SET state = 'failed', failure = 'the process that ran the import ended before it was done', mend = 'Nothing of the file was stored. Import it again.',
                ended_at = $1 WHERE ended_at IS NULL AND spool IS NULL AND beat_at < $2`,
        [new Date(now), new Date(now - DEAD)],
      );
      for (const table of ['staging_row', 'staging_key', 'staging_change', 'staging_problem']) {
        await db.query(
          `DELETE FROM ${table} t WHERE NOT EXISTS (SELECT FROM import_job j WHERE j.run_id = t.run_id AND j.ended_at IS NULL)`,
        );
      }
    });
    const left = await this.imports.spool.olderThan(Date.now() - HOUR);
    if (left.length === 0) return;
    const waiting = await this.transactions.run(by, (db) =>
      db.query<{ spool: string }[]>(
        'SELECT spool FROM import_job WHERE ended_at IS NULL AND spool = ANY($1)',
        [left.map(({ name }) => name)],
      ),
    );
    for (const { name } of left)
      if (!waiting.some(({ spool }) => spool === name)) await this.imports.spool.remove(name);
  }
}
