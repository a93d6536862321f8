import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import type { DataSource } from 'typeorm';
import { expectOk } from '../src/kernel/result.ts';
import { SystemClock } from '../src/platform/clock/clock.ts';
import { parseConfig } from '../src/platform/config/config.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { createLog } from '../src/platform/log/log.ts';
import { Metrics } from '../src/platform/metrics/metrics.ts';
import type { JobDefinition } from '../src/platform/outbox/definitions.ts';
import { Outbox } from '../src/platform/outbox/outbox.ts';
import { OutboxRows } from '../src/platform/outbox/rows.ts';
import type { Handler } from '../src/platform/queue/handlers.ts';
import { Relay } from '../src/platform/queue/relay.ts';
import { Runner } from '../src/platform/queue/runner.ts';
import type { BenchPlace } from './place.ts';

export const QUEUE_BACKENDS = ['Postgres', 'Redis', 'off'] as const;
export type QueueBackend = (typeof QUEUE_BACKENDS)[number];

/** The outbox with its relay and one backend, as the application puts them together. */
export class QueueParts {
  readonly outbox: Outbox;
  readonly #relay: Relay;

  constructor(
    place: BenchPlace,
    backend: QueueBackend,
    dataSource: DataSource,
    handlers: readonly { definition: JobDefinition<never>; handler: Handler<never> }[],
  ) {
    const config = expectOk(
      parseConfig({
        COUNTERSIGN_DATA: tmpdir(),
        DATABASE_URL: place.appUrl,
        ...(backend === 'off' ? { COUNTERSIGN_QUEUE: 'off' } : {}),
        ...(backend === 'Redis' ? { REDIS_URL: place.redisUrl ?? '' } : {}),
      }),
    );
    const clock = new SystemClock();
    const transactions = new Transactions(dataSource);
    const log = createLog({ logLevel: 'error' }, new PassThrough().resume());
    const metrics = new Metrics();
    const rows = new OutboxRows(transactions);
    const runner = new Runner(rows, clock, log, metrics, () => this.#relay.pass());
    runner.use(new Map(handlers.map((one) => [one.definition.name, one])));
    this.#relay = new Relay(config, rows, runner, transactions, clock, log, metrics);
    this.outbox = new Outbox(clock, dataSource);
    this.outbox.onCommit(() => this.#relay.pass());
  }

  start(): Promise<void> {
    return this.#relay.start(true);
  }

  async stop(): Promise<void> {
    await this.#relay.stopWorking(2000);
    await this.#relay.stop();
  }
}
