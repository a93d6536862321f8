import type { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { copyShown } from './revocation.events.ts';
import { parkedSteps } from './settle-stated-steps.job.ts';

export const settleShownCopies = defineJob({
  name: 'revocation.settle-shown-copies',
  queue: 'engine',
  payload: copyShown.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [copyShown],
});

/** A copy was shown to be gone: the step that asks its owner looks again, and sees it. */
@JobHandler(settleShownCopies)
export class SettleShownCopiesJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
  ) {}

  async handle(shown: z.infer<typeof copyShown.payload>, call: JobCall): Promise<void> {
    if (shown.verdict !== 'gone') return;
    const parked = await this.transactions.run(call.by, (db) => parkedSteps(db, shown.subjectId));
    for (const step of parked) {
      if (step.uses !== 'check-location') continue;
      // A refusal here means that somebody else has moved the step meanwhile.
      await this.transactions.run(
        call.by,
        async (db) =>
          void (await this.runs.retryStep(db, step.id, {
            reason: 'a look showed that the copy is gone',
            by: call.by,
          })),
      );
    }
  }
}
