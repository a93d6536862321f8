import type { z } from 'zod';
import { iso, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { runFinished } from '../runbooks/runs.events.ts';

export const endWay = defineJob({
  name: 'policy.end-way',
  queue: 'engine',
  payload: runFinished.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [runFinished],
});

/** An onboarding or offboarding ends with its run. */
@JobHandler(endWay)
export class EndWayJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async handle(ended: z.infer<typeof runFinished.payload>, { by }: JobCall): Promise<void> {
    const table = ended.runbook.startsWith('onboarding')
      ? 'onboarding'
      : ended.runbook === 'offboarding'
        ? 'offboarding'
        : null;
    if (table === null) return;
    await this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [open] = await db.query<{ id: string; integrationId: string }[]>(
        `SELECT id, integration_id AS "integrationId" FROM ${table} WHERE run_id = $1 AND state = 'open' FOR UPDATE`,
        [ended.runId],
      );
      if (!open) return;
      await db.query(`UPDATE ${table} SET state = $2, ended_at = $3 WHERE id = $1`, [
        open.id,
        ended.state,
        iso(now),
      ]);
      await this.ledger.append(db, {
        kind: `${table}.${ended.state}`,
        subject: { kind: 'integration', id: open.integrationId },
        by,
        at: now,
        facts: { [table]: open.id, run: ended.runId },
      });
    });
  }
}
