import type { z } from 'zod';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { AGAIN_AFTER, reprobeVersion } from './reprobe-version.definition.ts';
import { RevocationService } from './revocation.service.ts';

/** Looks again at what was proven dead. A life is told by the look itself. */
@JobHandler(reprobeVersion)
export class ReprobeVersionJob {
  constructor(
    private readonly revocation: RevocationService,
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async handle({ versionId, round }: z.infer<typeof reprobeVersion.payload>, call: JobCall): Promise<void> {
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
