import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { Engine } from '../../src/domain/runbooks/engine.service.ts';
import { Runbooks } from '../../src/domain/runbooks/runbooks.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';

let world: TestApp;
afterEach(() => world.close());

const inDb = <T>(work: (db: Db) => Promise<T>) =>
  world.app.get(Transactions).run(system('test', 'test-correlation'), work);
const counts = async (runId: string) =>
  Object.fromEntries(
    (
      await inDb((db) =>
        db.query<{ state: string; n: number }[]>(
          `SELECT state, count(*)::int AS n FROM step WHERE run_id = $1 GROUP BY state`,
          [runId],
        ),
      )
    ).map((row) => [row.state, row.n]),
  );
const stateOf = async (runId: string) =>
  (await inDb((db) => db.query<{ state: string }[]>(`SELECT state FROM run WHERE id = $1`, [runId])))[0]!
    .state;

/** A run of `count` items, each of which waits for an hour and then ends. */
async function startRun(count: number): Promise<string> {
  const runbooks = world.app.get(Runbooks);
  const text = `id: waiting\ntitle: W\nversion: 1\nsteps:
  - { id: pause, title: P, uses: wait, with: { for: 1h }, forEach: from-input, owner: responder, dueWithin: 4h }
  - { id: then, title: T, uses: no-op, forEach: from-input, needs: [pause] }\n`;
  const read = runbooks.read(text, 'waiting.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await runbooks.add([{ ...read, file: 'waiting.yaml' }]);
  const items = Array.from({ length: count }, (_, i) => ({
    key: `k${i}`,
    label: `K ${i}`,
    subject: { kind: 'thing', id: newId() },
  }));
  const by = system('test', 'test-correlation');
  const { runId } = await inDb((db) =>
    world.app.get(RunsService).start(db, {
      runbook: 'waiting',
      subject: { kind: 'incident', id: newId() },
      input: { items },
      correlationId: by.correlationId,
      by,
    }),
  );
  return runId;
}

/** Everything that the queue knows, gone. */
async function emptyTheQueue(): Promise<void> {
  if (world.config.redisUrl) {
    const redis = new Redis(world.config.redisUrl);
    await redis.flushdb();
    redis.disconnect();
    return;
  }
  const client = new Client(world.database.adminUrl);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'bullmq'::regnamespace AND relkind = 'r' AND relname <> 'migration'`,
  );
  await client.query(`TRUNCATE ${rows.map((row) => `bullmq."${row.name}"`).join(', ')}`);
  await client.end();
}

test('with the queue switched off the engine alone carries a run', async () => {
  world = await startApp({ config: { queue: 'off' } });
  const runId = await startRun(300);
  await until(async () => (await counts(runId))['waiting'] === 300, 'the run moves');
  world.clock.advance(HOUR);
  await until(async () => (await stateOf(runId)) === 'done', 'the run moves');
  expect(await counts(runId)).toEqual({ done: 600 });
});

test('with every queue entry lost in the middle of a run, it goes on within seconds', async () => {
  world = await startApp();
  const runId = await startRun(300);
  await until(async () => (await counts(runId))['waiting'] === 300, 'the run moves');
  await emptyTheQueue();
  world.clock.advance(HOUR);
  const lost = performance.now();
  await until(async () => (await stateOf(runId)) === 'done', 'the run moves');
  expect(performance.now() - lost).toBeLessThan(20_000);
  expect(await counts(runId)).toEqual({ done: 600 });
  // The queue is of use again: a second run is woken through it.
  const again = await startRun(5);
  await until(async () => (await counts(again))['waiting'] === 5, 'the run moves');
});

test('a stopped process leaves no step in its hands', async () => {
  world = await startApp();
  const runId = await startRun(50);
  await until(async () => (await counts(runId))['waiting'] === 50, 'the run moves');
  world.clock.advance(HOUR);
  await world.app.get(Engine).stop();
  expect((await counts(runId))['running']).toBeUndefined();
});
