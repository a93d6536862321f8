import type { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { facetChanged } from '../revocation/revocation.events.ts';
import { UnsoundCheckouts } from './unsound-checkouts.service.ts';

export const endUnsound = defineJob({
  name: 'releases.end-unsound',
  queue: 'engine',
  payload: facetChanged.payload,
  retry: { attempts: 10, backoff: SECOND },
  on: [facetChanged],
});

/** A version is being revoked, or was shown dead: no lease of it goes on. The sweep sees to what nobody announced. */
@JobHandler(endUnsound)
export class EndUnsoundJob implements Handler<z.infer<typeof facetChanged.payload>> {
  constructor(private readonly checkouts: UnsoundCheckouts) {}

  async handle(changed: z.infer<typeof facetChanged.payload>, call: JobCall): Promise<void> {
    if (changed.facet === 'revocation' || changed.facet === 'liveness') await this.checkouts.end(call.by);
  }
}
