import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Transactions } from '../database/transactions.ts';
import { Log } from '../log/log.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Duties } from '../queue/duties.ts';
import { Relay } from '../queue/relay.ts';
import { Sweeps } from '../queue/sweeps.ts';
import { ClockWatch } from './clock-watch.ts';
import { Health } from './health.ts';
import { Lifecycle } from './lifecycle.ts';

@Global()
@Module({
  providers: [
    Lifecycle,
    {
      provide: ClockWatch,
      inject: [Transactions, Lifecycle, Relay, Sweeps, Log, Metrics],
      useFactory: (
        transactions: Transactions,
        lifecycle: Lifecycle,
        relay: Relay,
        sweeps: Sweeps,
        log: Log,
        metrics: Metrics,
      ) => new ClockWatch(transactions, lifecycle, relay, sweeps, log, metrics),
    },
    {
      provide: Health,
      inject: [Transactions, Relay, Lifecycle, ClockWatch, DataSource],
      useFactory: (
        transactions: Transactions,
        relay: Relay,
        lifecycle: Lifecycle,
        watch: ClockWatch,
        dataSource: DataSource,
      ) =>
        new Health(
          transactions,
          relay,
          lifecycle,
          watch,
          dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name),
        ),
    },
  ],
  exports: [Lifecycle, Health, ClockWatch],
})
export class HealthModule implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    private readonly lifecycle: Lifecycle,
    @Inject(ClockWatch) private readonly watch: ClockWatch,
    private readonly duties: Duties,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.duties.serves && !this.duties.works) return;
    await this.watch.look();
    this.watch.start();
  }

  /** The first thing of a stop: new work is refused, event streams end. */
  onModuleDestroy(): void {
    this.lifecycle.stop();
  }

  beforeApplicationShutdown(): void {
    this.watch.stop();
  }
}
