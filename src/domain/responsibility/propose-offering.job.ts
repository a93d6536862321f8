import { JobHandler, type Handler } from '../../platform/queue/handlers.ts';
import { OfferingProposals } from './offering-proposals.service.ts';
import { proposeOffering } from './propose-offering.definition.ts';

@JobHandler(proposeOffering)
export class ProposeOfferingJob implements Handler<{ targetId: string }> {
  constructor(private readonly proposals: OfferingProposals) {}

  handle({ targetId }: { targetId: string }): Promise<void> {
    return this.proposals.lay(targetId);
  }
}
