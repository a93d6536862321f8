import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { SourcePolls } from './source-polls.service.ts';

/** Asks the sources that wait to be asked, each when its time has come. */
@Sweep({ name: 'exposures.poll-sources', every: 20 * SECOND })
export class PollSourcesSweep {
  constructor(private readonly polls: SourcePolls) {}

  sweep(by: Principal): Promise<void> {
    return this.polls.askDue(by);
  }
}
