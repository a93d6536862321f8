import type { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { AGAIN_AFTER, reprobeVersion } from './reprobe-version.job.ts';
import { versionProvenDead } from './revocation.events.ts';

export const scheduleReprobe = defineJob({
  name: 'revocation.schedule-reprobe',
  queue: 'housekeeping',
  payload: versionProvenDead.payload,
  retry: { attempts: 10, backoff: MINUTE },
  on: [versionProvenDead],
});

/** A death was proven: the first look again is put on the clock. */
@JobHandler(scheduleReprobe)
export class ScheduleReprobeJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async handle({ versionId }: z.infer<typeof versionProvenDead.payload>, call: JobCall): Promise<void> {
    const dueAt = this.clock.now() + AGAIN_AFTER[0];
    await this.transactions.run(call.by, (db) =>
      this.outbox.put(db, reprobeVersion, { versionId, round: 0 }, { dueAt, key: versionId }),
    );
  }
}
