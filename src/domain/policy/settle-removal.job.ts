import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { runFinished } from '../runbooks/runs.events.ts';
import { AccessRemovals } from './access-removals.service.ts';

export const settleRemoval = defineJob({
  name: 'policy.settle-removal',
  queue: 'housekeeping',
  payload: runFinished.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [runFinished],
});

/** The task of a removal ended: the access is gone, or it is said loudly that it is not. */
@JobHandler(settleRemoval)
export class SettleRemovalJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly removals: AccessRemovals,
  ) {}

  async handle(finished: z.infer<typeof runFinished.payload>, { by }: JobCall): Promise<void> {
    if (finished.subject.kind !== 'access_review_item') return;
    await this.transactions.run(by, async (db) => {
      // A run is done as well when its step was skipped: only what somebody did counts.
      const steps = await db.query<{ id: Id }[]>(
        `SELECT s.id FROM step s WHERE s.run_id = $1 AND s.state = 'done'`,
        [finished.runId],
      );
      await this.removals.settle(db, finished.subject.id, finished.state === 'done' && steps.length > 0, by);
    });
  }
}
