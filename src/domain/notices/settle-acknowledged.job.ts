import { SECOND } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { StepsService } from '../runbooks/steps.service.ts';
import { noticeAcknowledged } from './notices.events.ts';

/** Lets the runbook step go on that waits for an acknowledgement. */
export const settleAcknowledged = defineJob({
  name: 'notices.settle-acknowledged',
  queue: 'notices',
  payload: noticeAcknowledged.payload,
  // The step may be on its way to waiting at this very moment: asked again shortly, it is there.
  retry: { attempts: 8, backoff: SECOND },
  on: [noticeAcknowledged],
});

@JobHandler(settleAcknowledged)
export class SettleAcknowledgedJob implements Handler<{ noticeId: string }> {
  constructor(
    private readonly transactions: Transactions,
    private readonly steps: StepsService,
  ) {}

  async handle({ noticeId }: { noticeId: string }, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, async (db) => {
      const [notice] = await db.query<{ step_id: string | null }[]>(
        `SELECT step_id FROM notice WHERE id = $1`,
        [noticeId],
      );
      if (!notice?.step_id) return;
      const heard = await this.steps.settle(
        db,
        notice.step_id,
        { answer: 'done', output: { acknowledged: true }, note: 'acknowledged by its recipient' },
        call.by,
      );
      if (!heard.ok && heard.error.code === 'step-not-waiting') throw new Error('the step does not wait yet');
    });
  }
}
