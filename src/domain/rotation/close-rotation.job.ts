import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { runFinished } from '../runbooks/runs.events.ts';
import { RotationRecords } from './rotation-records.service.ts';
import { CLOSED } from './rotation.rules.ts';

export const closeRotation = defineJob({
  name: 'rotation.close-rotation',
  queue: 'engine',
  payload: runFinished.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [runFinished],
});

/** A rotation whose run was ended before it was through is no longer under way, and says what it left behind. */
@JobHandler(closeRotation)
export class CloseRotationJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
  ) {}

  async handle(ended: z.infer<typeof runFinished.payload>, call: JobCall): Promise<void> {
    if (ended.subject.kind !== 'rotation') return;
    await this.transactions.run(call.by, async (db) => {
      const row = await this.records.hold(db, ended.subject.id as Id);
      if (!row || CLOSED.has(row.state)) return;
      // The run that made way for the roll-back says nothing of the rotation any more.
      const own = row.state === 'rolling_back' ? row.rollBackRunId : row.runId;
      if (own !== ended.runId) return;
      await this.records.move(db, row, ended.state === 'cancelled' ? 'stop' : 'fail', call.by, {
        why: `its run was ${ended.state}`,
      });
    });
  }
}
