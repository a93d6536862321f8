import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { CONFIG } from '../config/token.ts';
import { Transactions } from '../database/transactions.ts';
import { Log } from '../log/log.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Outbox } from '../outbox/outbox.ts';
import { OutboxRows } from '../outbox/rows.ts';
import { QUEUE_POOL } from './backend.ts';
import { Duties } from './duties.ts';
import { handlersOf, sweepsOf } from './handlers.ts';
import { Kick } from './kick.ts';
import { Relay } from './relay.ts';
import { Runner } from './runner.ts';
import { Sweeps } from './sweeps.ts';

const MOST_CONNECTIONS = 16;
/** Milliseconds that running jobs get when the process stops. */
const DRAIN = 25 * SECOND;

@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    Kick,
    {
      provide: Outbox,
      inject: [Clock, DataSource],
      useFactory: (clock: Clock, dataSource: DataSource) => new Outbox(clock, dataSource),
    },
    {
      provide: OutboxRows,
      inject: [Transactions],
      useFactory: (transactions: Transactions) => new OutboxRows(transactions),
    },
    {
      provide: Runner,
      inject: [OutboxRows, Clock, Log, Metrics, Kick],
      useFactory: (rows: OutboxRows, clock: Clock, log: Log, metrics: Metrics, kick: Kick) =>
        new Runner(rows, clock, log, metrics, () => kick.now('outbox')),
    },
    {
      provide: Relay,
      inject: [CONFIG, OutboxRows, Runner, Transactions, Clock, Log, Metrics],
      useFactory: (...needs: ConstructorParameters<typeof Relay>) => new Relay(...needs),
    },
    {
      provide: Sweeps,
      inject: [CONFIG, Log, Metrics],
      useFactory: (...needs: ConstructorParameters<typeof Sweeps>) => new Sweeps(...needs),
    },
  ],
  exports: [Kick, Outbox, OutboxRows, Relay, Sweeps],
})
export class QueueModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly outbox: Outbox,
    private readonly runner: Runner,
    private readonly relay: Relay,
    private readonly sweeps: Sweeps,
    private readonly kick: Kick,
    private readonly duties: Duties,
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.runner.use(handlersOf(this.discovery));
    this.sweeps.use(sweepsOf(this.discovery));
    if (!this.duties.serves && !this.duties.works) return;
    refuseTooManyConnections(this.dataSource, this.config);
    this.outbox.onCommit((jobs) => {
      this.kick.now('outbox');
      for (const job of jobs) this.kick.now(`outbox ${job}`);
    });
    this.kick.on('outbox', () => this.relay.pass());
    await this.relay.start(this.duties.works);
    if (this.duties.works) this.sweeps.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.relay.stopWorking(DRAIN), this.sweeps.stop(DRAIN)]);
  }

  /** Called once HTTP is closed, before the database goes. */
  async release(): Promise<void> {
    await this.relay.stop();
  }
}

/** A process that takes more than its share starves the others at the worst moment, so it does not start. */
function refuseTooManyConnections(dataSource: DataSource, config: Config): void {
  const own = (dataSource.options as { extra?: { max?: number } }).extra?.max ?? 10;
  const queue = config.queue === 'on' && !config.redisUrl ? QUEUE_POOL : 0;
  const sum = own + queue + 2; // one for the sweeps' locks, one for the engine's heartbeat
  if (sum > MOST_CONNECTIONS)
    throw new Error(
      `a process may hold ${MOST_CONNECTIONS} database connections, and this one would hold ${sum}`,
    );
}
