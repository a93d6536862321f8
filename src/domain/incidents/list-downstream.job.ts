import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob, type EventDefinition } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { DownstreamService } from './downstream.service.ts';
import { exposureJoined, incidentConfirmed, incidentOpened } from './incidents.events.ts';

/** Whatever may have confirmed an exposure; only the incident matters here. */
const confirmed = z.object({ incidentId: z.uuid() });
type Confirmed = z.output<typeof confirmed>;

export const listDownstream = defineJob<Confirmed>({
  name: 'incidents.list-downstream',
  queue: 'housekeeping',
  payload: confirmed,
  retry: { attempts: 10, backoff: MINUTE },
  on: [incidentOpened, exposureJoined, incidentConfirmed] as unknown as EventDefinition<Confirmed>[],
});

/** An exposure is certain: what it reached becomes work, listed from what is known of its reach. */
@JobHandler(listDownstream)
export class ListDownstreamJob {
  constructor(private readonly downstream: DownstreamService) {}

  async handle({ incidentId }: Confirmed, call: JobCall): Promise<void> {
    await this.downstream.list(incidentId, call.by);
  }
}
