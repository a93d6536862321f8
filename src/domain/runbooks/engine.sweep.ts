import { SECOND } from '../../kernel/time.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { Engine } from './engine.service.ts';

/** The full round: everything due is found from the tables alone, so that the product runs with the queue switched off. */
@Sweep({ name: 'runbooks.engine', every: 15 * SECOND })
export class EngineSweep implements Sweeper {
  constructor(private readonly engine: Engine) {}

  async sweep(): Promise<void> {
    await this.engine.settle(5 * SECOND);
    await this.engine.flagStalled();
  }
}
