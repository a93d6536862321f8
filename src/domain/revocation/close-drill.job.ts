import type { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { runFinished } from '../runbooks/runs.events.ts';
import { DrillRecords } from './drill-records.service.ts';

export const closeDrill = defineJob({
  name: 'revocation.close-drill',
  queue: 'engine',
  payload: runFinished.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [runFinished],
});

/** A drill whose run was ended by somebody is no drill any more: its canary is given back or given up. */
@JobHandler(closeDrill)
export class CloseDrillJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillRecords,
  ) {}

  async handle(ended: z.infer<typeof runFinished.payload>, call: JobCall): Promise<void> {
    if (ended.runbook !== 'drill' && ended.runbook !== 'rotation-drill') return;
    const [open] = await this.transactions.run(call.by, (db) =>
      db.query<{ id: string }[]>(`SELECT id FROM drill WHERE run_id = $1 AND ended_at IS NULL`, [
        ended.runId,
      ]),
    );
    if (open) await this.drills.conclude(open.id, call.by, { cancelled: true });
  }
}
