import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { exposuresReported } from '../exposures/exposures.events.ts';
import { HeldValues } from '../exposures/held-values.service.ts';
import { MatchingService } from '../exposures/matching.service.ts';
import { AcceptanceService } from './acceptance.service.ts';

export const acceptExposures = defineJob({
  name: 'incidents.accept-exposures',
  queue: 'intake',
  payload: z.strictObject({ batchId: z.uuid() }),
  retry: { attempts: 20, backoff: SECOND },
  on: [exposuresReported],
});

/** Two witnesses in one instant (unique violation), or two batches that lock across (deadlock): the second looks again. */
const LOST_RACE: ReadonlySet<string> = new Set(['23505', '40P01', '40001']);
const RACES = 5;

/**
 * Matches what was reported together and accepts what matches, in one transaction: after it each exposure is in an
 * incident, in triage or, where anything failed, still waiting.
 */
@JobHandler(acceptExposures)
export class AcceptExposuresJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly matching: MatchingService,
    private readonly acceptance: AcceptanceService,
    private readonly values: HeldValues,
    private readonly clock: Clock,
  ) {}

  async handle({ batchId }: { batchId: string }, call: JobCall): Promise<void> {
    for (let race = 1; ; race++) {
      try {
        await this.#accept(batchId, call.by);
        return;
      } catch (thrown) {
        if (race === RACES || !LOST_RACE.has((thrown as { code?: string }).code ?? '')) throw thrown;
      }
    }
  }

  #accept(batchId: Id, by: Principal): Promise<void> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const matched = await this.matching.match(db, batchId, by, now);
      await this.acceptance.accept(db, matched, by, now);
      await this.values.settle(db, batchId, matched, now);
    });
  }
}
