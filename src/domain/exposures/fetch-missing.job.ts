import { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { MissingValues } from './missing-values.service.ts';

/** How often a source that is busy or away is asked before a person has to look. */
export const FETCH_ATTEMPTS = 8;

export const fetchMissing = defineJob({
  name: 'exposures.fetch-missing',
  queue: 'intake',
  payload: z.strictObject({ exposureId: z.uuid() }),
  retry: { attempts: FETCH_ATTEMPTS + 2, backoff: 5 * SECOND },
});

/** Asks a source for the value that its delivery left out. */
@JobHandler(fetchMissing)
export class FetchMissingJob {
  constructor(private readonly missing: MissingValues) {}

  async handle(payload: { exposureId: string }, call: JobCall): Promise<void> {
    const answer = await this.missing.fetch(
      payload.exposureId,
      call.by,
      call.signal,
      call.attempt >= FETCH_ATTEMPTS,
    );
    if (answer.again !== undefined) throw new Error(answer.again);
  }
}
