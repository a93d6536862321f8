import { z } from 'zod';
import { ELAPSED_DAY, HOUR, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { RevocationService } from './revocation.service.ts';

/** When a proven death is looked at again: suppliers restore, caches answer late, keys are enabled again. */
export const AGAIN_AFTER = [10 * MINUTE, HOUR, ELAPSED_DAY, 7 * ELAPSED_DAY] as const;

const payload = z.object({
  versionId: z.uuid(),
  round: z
    .int()
    .min(0)
    .max(AGAIN_AFTER.length - 1),
});

export const reprobeVersion = defineJob({
  name: 'revocation.reprobe-version',
  queue: 'housekeeping',
  payload,
  retry: { attempts: 5, backoff: MINUTE },
});

/** Looks again at what was proven dead. A life is told by the look itself. */
@JobHandler(reprobeVersion)
export class ReprobeVersionJob {
  constructor(
    private readonly revocation: RevocationService,
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async handle({ versionId, round }: z.infer<typeof payload>, call: JobCall): Promise<void> {
    const looked = await this.revocation.verifyDead(versionId, {
      by: call.by,
      stepId: null,
      idempotencyKey: `reprobe:${versionId}:${round}`,
      attempt: call.attempt,
      takenOver: false,
      signal: call.signal,
    });
    // The value was destroyed, or the connection retired: nobody can look any more, and the proof stands as it is.
    if (looked.outcome === 'not_found' || looked.outcome === 'unprovable') return;
    if (looked.outcome === 'live') return;
    const next = AGAIN_AFTER[round + 1];
    if (next === undefined) return;
    await this.transactions.run(call.by, (db) =>
      this.outbox.put(
        db,
        reprobeVersion,
        { versionId, round: round + 1 },
        { dueAt: this.clock.now() + next, key: versionId },
      ),
    );
  }
}
