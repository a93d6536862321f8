import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Duties } from '../../platform/queue/duties.ts';
import { Kick } from '../../platform/queue/kick.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Actions, Selectors } from './catalogue.ts';
import { EngineParts } from './engine.assembly.ts';
import { Engine } from './engine.service.ts';
import { EngineSweep } from './engine.sweep.ts';
import { ENGINE, pumpJob, PumpJob } from './pump.job.ts';
import { Runbooks } from './runbooks.service.ts';
import { RunsService } from './runs.service.ts';
import { StepsService } from './steps.service.ts';

const from = <T>(provide: abstract new (...args: never[]) => T, pick: (parts: EngineParts) => T) => ({
  provide,
  inject: [EngineParts],
  useFactory: pick,
});

@Global()
@Module({
  providers: [
    {
      provide: EngineParts,
      inject: [Transactions, Clock, Log, Outbox, LedgerService, Actions, Selectors],
      useFactory: (
        transactions: Transactions,
        clock: Clock,
        log: Log,
        outbox: Outbox,
        ledger: LedgerService,
        actions: Actions,
        selectors: Selectors,
      ) => new EngineParts({ transactions, clock, log, outbox, ledger, actions, selectors }),
    },
    from(Engine, (parts) => parts.engine),
    from(Runbooks, (parts) => parts.runbooks),
    from(RunsService, (parts) => parts.runs),
    from(StepsService, (parts) => parts.steps),
    PumpJob,
    EngineSweep,
  ],
  exports: [Engine, Runbooks, RunsService, StepsService],
})
export class RunbooksModule implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly engine: Engine,
    private readonly runbooks: Runbooks,
    private readonly kick: Kick,
    private readonly duties: Duties,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Before any job is taken: one that waited may start a run. */
  onModuleInit(): Promise<void> {
    return this.runbooks.load();
  }

  onApplicationBootstrap(): void {
    if (!this.duties.works) return;
    // The commit that wrote the wake-up made a step ready; whoever is in this process need not wait for the row.
    for (const topic of [ENGINE, `outbox ${pumpJob.name}`]) this.kick.on(topic, () => this.engine.wake());
    this.engine.start(this.config.databaseUrl ?? '');
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.engine.stop();
  }
}
