import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { versionAdded } from '../credentials/credentials.events.ts';
import { MatchingService } from './matching.service.ts';

export const matchAgain = defineJob({
  name: 'exposures.match-again',
  queue: 'intake',
  payload: z.strictObject({ versionIds: z.array(z.uuid()) }),
  retry: { attempts: 10, backoff: SECOND },
  on: [versionAdded],
});

/** A version that became known later may be what an exposure in triage is about. */
@JobHandler(matchAgain)
export class MatchAgainJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly matching: MatchingService,
    private readonly clock: Clock,
  ) {}

  async handle(payload: { versionIds: string[] }, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, (db) =>
      this.matching.matchAgain(db, payload.versionIds, call.by, this.clock.now()),
    );
  }
}
