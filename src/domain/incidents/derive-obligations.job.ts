import { z } from 'zod';
import { MINUTE } from '../../kernel/time.ts';
import { defineJob, type EventDefinition } from '../../platform/outbox/definitions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { ObligationsService } from '../obligations/obligations.service.ts';
import { exposureJoined, incidentConfirmed, incidentOpened } from './incidents.events.ts';

/** Whatever may have opened or confirmed cases; only the incident matters here. */
const happened = z.object({ incidentId: z.uuid() });
type Happened = z.output<typeof happened>;

export const deriveObligations = defineJob<Happened>({
  name: 'incidents.derive-obligations',
  queue: 'notices',
  payload: happened,
  retry: { attempts: 10, backoff: MINUTE },
  on: [incidentOpened, exposureJoined, incidentConfirmed] as unknown as EventDefinition<Happened>[],
});

/** Cases were opened or confirmed: what laws and industries ask of us from then on is written down. */
@JobHandler(deriveObligations)
export class DeriveObligationsJob {
  constructor(private readonly obligations: ObligationsService) {}

  handle({ incidentId }: Happened, call: JobCall): Promise<void> {
    return this.obligations.reckonAll(incidentId, call.by);
  }
}
