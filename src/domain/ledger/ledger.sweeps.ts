import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { SECOND } from '../../kernel/time.ts';
import { Log } from '../../platform/log/log.ts';
import { Duties } from '../../platform/queue/duties.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { Checkpointer } from './checkpointer.ts';
import { Sequencer } from './sequencer.ts';

/** Puts what was committed into the tree. */
@Injectable()
@Sweep({ name: 'ledger.sequence', every: SECOND })
export class SequenceSweep implements Sweeper {
  constructor(@Inject(Sequencer) private readonly sequencer: Sequencer) {}

  async sweep(): Promise<void> {
    await this.sequencer.sequence();
  }
}

/** Signs what was put into the tree; once more when the process stops, so that nothing it did stays unvouched for. */
@Injectable()
@Sweep({ name: 'ledger.checkpoint', every: 10 * SECOND })
export class CheckpointSweep implements Sweeper, BeforeApplicationShutdown {
  constructor(
    @Inject(Sequencer) private readonly sequencer: Sequencer,
    @Inject(Checkpointer) private readonly checkpointer: Checkpointer,
    @Inject(Duties) private readonly duties: Duties,
    @Inject(Log) private readonly log: Log,
  ) {}

  async sweep(): Promise<void> {
    await this.checkpointer.checkpoint();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (!this.duties.works) return;
    try {
      await this.sequencer.sequence();
      await this.checkpointer.checkpoint();
    } catch (thrown) {
      // The next start goes on from here; a stop is not held up.
      this.log.error({ err: thrown }, 'the ledger was not signed at the stop');
    }
  }
}
