import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { dataSourceOptions } from '../src/data-source.ts';
import { newId } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { SECOND } from '../src/kernel/time.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import type { JobDefinition } from '../src/platform/outbox/definitions.ts';
import type { Handler } from '../src/platform/queue/handlers.ts';
import type { BenchPlace } from './place.ts';
import { QUEUE_BACKENDS, QueueParts } from './queue-parts.ts';
import { percentile } from './statistics.ts';

/** Of the bench alone: the application must not be asked for its handler. */
const kicked: JobDefinition<{ n: number }> = {
  type: 'job',
  name: 'bench.kicked',
  queue: 'engine',
  payload: z.object({ n: z.number() }),
  retry: { attempts: 1, backoff: SECOND },
  on: [],
};

/** From the commit that makes work necessary to the start of its handler, one at a time. */
export async function kickBench(place: BenchPlace): Promise<void> {
  const by = system('bench', newId());
  const count = place.quick ? 150 : 500;
  for (const backend of QUEUE_BACKENDS) {
    if (backend === 'Redis' && !place.redisUrl) {
      process.stdout.write('kick: Redis: not run (neither REDIS_URL nor COUNTERSIGN_TEST_REDIS is set)\n');
      continue;
    }
    const dataSource = await new DataSource(dataSourceOptions(place.appUrl, { max: 7 })).initialize();
    const transactions = new Transactions(dataSource);
    let began: (at: number) => void = () => {};
    const handler: Handler<{ n: number }> = {
      handle: () => {
        began(performance.now());
        return Promise.resolve();
      },
    };
    const queue = new QueueParts(place, backend, dataSource, [
      { definition: kicked as JobDefinition<never>, handler: handler as Handler<never> },
    ]);
    await queue.start();
    const waits: number[] = [];
    const commits: number[] = [];
    try {
      for (let n = 0; n < count; n++) {
        const start = new Promise<number>((resolve) => (began = resolve));
        const opened = performance.now();
        await transactions.run(by, (db) => queue.outbox.put(db, kicked, { n }));
        const committed = performance.now();
        const at = await Promise.race([start, delay(20_000, undefined, { ref: false })]);
        if (at === undefined) throw new Error('a job did not start within 20 s');
        commits.push(committed - opened);
        waits.push(Math.max(0, at - committed));
      }
    } finally {
      await queue.stop();
      await dataSource.destroy();
    }
    const named = backend === 'off' ? 'queue off' : `queue on ${backend}`;
    for (const percent of [50, 99])
      place.figure(
        `${named}: commit to start of the handler, p${percent} of ${count}`,
        percentile(waits, percent),
        'ms',
      );
    place.figure(
      `${named}: to the transaction that wrote it`,
      percentile(waits, 50) / percentile(commits, 50),
      '×',
    );
  }
}
