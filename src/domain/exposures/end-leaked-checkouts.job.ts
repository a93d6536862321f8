import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { UnsoundCheckouts } from '../releases/unsound-checkouts.service.ts';
import { exposuresReported } from './exposures.events.ts';

export const endLeakedCheckouts = defineJob({
  name: 'exposures.end-leaked-checkouts',
  queue: 'engine',
  payload: exposuresReported.payload,
  retry: { attempts: 10, backoff: SECOND },
  on: [exposuresReported],
});

/** What was reported as leaked is given to no machine any more, and whoever holds it on lease holds it no longer. */
@JobHandler(endLeakedCheckouts)
export class EndLeakedCheckoutsJob {
  constructor(private readonly checkouts: UnsoundCheckouts) {}

  async handle(_reported: { batchId: string }, call: JobCall): Promise<void> {
    await this.checkouts.end(call.by);
  }
}
