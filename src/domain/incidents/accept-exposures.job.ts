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
import { WaitingReports, type Hand } from '../exposures/waiting-reports.service.ts';
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

/** Reports of a large delivery that one transaction takes: few at first, so that the first revocation leaves at once. */
const FIRST_PORTION = 25;
const LARGEST_PORTION = 1000;

/**
 * Matches what was reported together and accepts what matches, in one transaction: after it each exposure is in an
 * incident, in triage or, where anything failed, still waiting. A large delivery is filed, matched and accepted portion by
 * portion, and a try that follows a failed one goes on behind the last portion.
 */
@JobHandler(acceptExposures)
export class AcceptExposuresJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly matching: MatchingService,
    private readonly acceptance: AcceptanceService,
    private readonly values: HeldValues,
    private readonly waiting: WaitingReports,
    private readonly clock: Clock,
  ) {}

  async handle({ batchId }: { batchId: string }, call: JobCall): Promise<void> {
    const hand = await this.waiting.open(batchId, call.by);
    if (hand) {
      for (let size = FIRST_PORTION, left = 1; left > 0; size = Math.min(2 * size, LARGEST_PORTION)) {
        call.signal.throwIfAborted();
        left = await again(() => this.#portion(batchId, hand, size, call.by));
      }
      for (const { value } of hand.reports) value?.wipe();
    }
    await again(() => this.#accept(batchId, call.by));
  }

  #accept(batchId: Id, by: Principal): Promise<void> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const matched = await this.matching.match(db, batchId, by, now);
      await this.acceptance.accept(db, matched, by, now);
      await this.values.settle(db, batchId, matched, now);
    });
  }

  /** @returns how many reports still wait */
  #portion(batchId: Id, hand: Hand, size: number, by: Principal): Promise<number> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const { values, left } = await this.waiting.file(db, batchId, hand, size);
      const matched = await this.matching.match(db, batchId, by, now);
      await this.acceptance.accept(db, matched, by, now, {
        exposureBatchId: batchId,
        portion: hand.reports.length - left,
        last: left === 0,
      });
      await this.values.keep(db, values, matched, now);
      return left;
    });
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let race = 1; ; race++) {
    try {
      return await work();
    } catch (thrown) {
      if (race === RACES || !LOST_RACE.has((thrown as { code?: string }).code ?? '')) throw thrown;
    }
  }
}
