import type { z } from 'zod';
import { SECOND } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { MassRevocationsService } from './mass-revocations.service.ts';
import { massRevocationApproved } from './mass-revocations.events.ts';

export const startMassRevocation = defineJob({
  name: 'incidents.start-mass-revocation',
  queue: 'intake',
  payload: massRevocationApproved.payload,
  retry: { attempts: 20, backoff: SECOND },
  on: [massRevocationApproved],
});

/** A race with a report of the same credential is lost by trying again. */
@JobHandler(startMassRevocation)
export class StartMassRevocationJob {
  constructor(private readonly mass: MassRevocationsService) {}

  handle(
    { massRevocationId }: z.output<typeof massRevocationApproved.payload>,
    call: JobCall,
  ): Promise<void> {
    return this.mass.start(massRevocationId, call.by, call.signal);
  }
}
