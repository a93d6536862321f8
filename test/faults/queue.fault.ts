import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Provider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { z } from 'zod';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { MINUTE, SECOND } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { withCorrelation } from '../../src/platform/log/log.ts';
import { defineEvent, defineJob, withdrawJob } from '../../src/platform/outbox/definitions.ts';
import { Outbox } from '../../src/platform/outbox/outbox.ts';
import { OutboxRows } from '../../src/platform/outbox/rows.ts';
import { JobHandler, Sweep, type JobCall } from '../../src/platform/queue/handlers.ts';
import { Relay } from '../../src/platform/queue/relay.ts';
import { Sweeps } from '../../src/platform/queue/sweeps.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { emptyQueueTables } from '../support/empty-queue.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

const payload = z.object({ n: z.number() });
const happened = defineEvent({ name: 'test.happened', payload });
const plain = defineJob({
  name: 'test.plain',
  queue: 'engine',
  payload,
  retry: { attempts: 3, backoff: SECOND },
});
const reacts = defineJob({
  name: 'test.reacts',
  queue: 'notices',
  payload,
  retry: { attempts: 3, backoff: SECOND },
  on: [happened],
});
const reactsToo = defineJob({
  name: 'test.reacts-too',
  queue: 'intake',
  payload,
  retry: { attempts: 3, backoff: SECOND },
  on: [happened],
});

type Call = { job: string; n: number; call: JobCall };

/** What the handlers were asked, and what a test makes them do. */
class Bench {
  readonly calls: Call[] = [];
  act: (call: Call) => Promise<void> = async () => {};
  async take(job: string, n: number, call: JobCall): Promise<void> {
    const taken = { job, n, call };
    this.calls.push(taken);
    await this.act(taken);
  }
  ran(job: string): number[] {
    return this.calls.filter((call) => call.job === job).map(({ n }) => n);
  }
}

@JobHandler(plain)
class Plain {
  constructor(private readonly bench: Bench) {}
  handle = (given: { n: number }, call: JobCall) => this.bench.take('plain', given.n, call);
}
@JobHandler(reacts)
class Reacts {
  constructor(private readonly bench: Bench) {}
  handle = (given: { n: number }, call: JobCall) => this.bench.take('reacts', given.n, call);
}
@JobHandler(reactsToo)
class ReactsToo {
  constructor(private readonly bench: Bench) {}
  handle = (given: { n: number }, call: JobCall) => this.bench.take('reacts-too', given.n, call);
}

let sweeping = 0;
let most = 0;
let rounds = 0;
@Sweep({ name: 'test.sweep', every: MINUTE })
class CountingSweep {
  async sweep(): Promise<void> {
    sweeping += 1;
    rounds += 1;
    most = Math.max(most, sweeping);
    await new Promise((resolve) => setImmediate(resolve));
    sweeping -= 1;
  }
}

const providers = (bench: Bench): Provider[] => [
  { provide: Bench, useValue: bench },
  Plain,
  Reacts,
  ReactsToo,
  CountingSweep,
];
const by = system('test', 'test');

let database: TestDatabase;
const open: TestApp[] = [];
beforeAll(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(async () => {
  await database.drop();
  [plain, reacts, reactsToo].forEach(withdrawJob);
});

async function start(bench: Bench, o: Parameters<typeof startApp>[0] = {}): Promise<TestApp> {
  const started = await startApp({
    database,
    ...o,
    settings: { overrides: providers(bench), ...o.settings },
  });
  open.push(started);
  return started;
}

const put = (world: TestApp, n: number, o = {}) =>
  world.app.get(Transactions).run(by, (db) => world.app.get(Outbox).put(db, plain, { n }, o));

const settled = (world: TestApp, limit?: number) =>
  until(async () => (await world.app.get(OutboxRows).due(world.clock.now())) === 0, 'no due row left', limit);

async function asAdmin<T extends object>(sql: string, params: unknown[] = []): Promise<T[]> {
  const client = new Client(database.adminUrl);
  await client.connect();
  try {
    return (await client.query<T>(sql, params)).rows;
  } finally {
    await client.end();
  }
}

/** Empties whatever keeps the wake-ups. */
async function loseTheQueue(world: TestApp): Promise<void> {
  if (world.config.redisUrl) {
    const redis = new Redis(world.config.redisUrl);
    await redis.flushdb();
    redis.disconnect();
    return;
  }
  const client = new Client(database.adminUrl);
  await client.connect();
  try {
    await emptyQueueTables(client);
  } finally {
    await client.end();
  }
}

describe('a row', () => {
  test('runs after its commit; a rolled-back one never does', async () => {
    const bench = new Bench();
    const world = await start(bench);
    await world.app
      .get(Transactions)
      .run(by, async (db) => {
        await world.app.get(Outbox).put(db, plain, { n: 1 });
        throw new Error('changed my mind');
      })
      .catch(() => undefined);
    await put(world, 2);
    await until(() => bench.ran('plain').length > 0, 'the job ran');
    await settled(world);
    expect(bench.ran('plain')).toEqual([2]);
  });

  test('of an event reaches every job that reacts, with the correlation id of whoever wrote it', async () => {
    const bench = new Bench();
    const world = await start(bench);
    await withCorrelation('delivery-4711', () =>
      world.app.get(Transactions).run(by, (db) => world.app.get(Outbox).put(db, happened, { n: 7 })),
    );
    await settled(world);
    expect(bench.ran('reacts')).toEqual([7]);
    expect(bench.ran('reacts-too')).toEqual([7]);
    expect(bench.calls.map(({ call }) => call.by.correlationId)).toEqual(['delivery-4711', 'delivery-4711']);
  });

  test('waits for its instant', async () => {
    const bench = new Bench();
    const world = await start(bench);
    await put(world, 1, { dueAt: world.clock.now() + MINUTE });
    await put(world, 2);
    await settled(world);
    expect(bench.ran('plain')).toEqual([2]);
    world.clock.advance(MINUTE);
    await settled(world);
    expect(bench.ran('plain')).toEqual([2, 1]);
  });

  test('that fails is tried again later, then given up loudly, and can be revived', async () => {
    const bench = new Bench();
    const world = await start(bench);
    bench.act = async ({ n }) => {
      if (n === 13) throw new Error('no luck\u0000\u001b[31m');
    };
    await put(world, 13);
    for (const tries of [1, 2, 3]) {
      await until(() => bench.calls.length === tries, `try ${tries}`);
      await settled(world);
      world.clock.advance(MINUTE);
    }
    await until(() => world.log.text.includes('job-given-up'), 'the alert');
    const rows = world.app.get(OutboxRows);
    expect(bench.calls.map(({ call }) => call.attempt)).toEqual([1, 2, 3]);
    expect(await rows.failed(10)).toMatchObject([
      { job: 'test.plain', attempts: 3, lastError: 'Error: no luck [31m' },
    ]);

    bench.act = async () => {};
    expect(await rows.retryFailed(world.clock.now(), null)).toBe(1);
    await settled(world);
    expect(bench.calls).toHaveLength(4);
    expect(await rows.failed(10)).toEqual([]);
  });

  test('with a key stands once, and is repeated when it is put anew while it runs', async () => {
    const bench = new Bench();
    const world = await start(bench);
    const gate: { open: () => void; opened: Promise<void> } = { open: () => {}, opened: Promise.resolve() };
    gate.opened = new Promise((resolve) => (gate.open = resolve));
    bench.act = () => gate.opened;
    const later = world.clock.now() + MINUTE;
    await put(world, 1, { key: 'k', dueAt: later });
    await put(world, 2, { key: 'k', dueAt: later });
    await put(world, 3, { key: 'k' }); // earlier: the row moves
    await until(() => bench.calls.length === 1, 'it runs');
    await Promise.all([put(world, 4, { key: 'k' }), put(world, 5, { key: 'k' })]);
    gate.open();
    await settled(world);
    expect(bench.ran('plain')).toEqual([1, 1]);
  });

  test('is not missed by the wake-up that comes while somebody puts its key anew', async () => {
    const world = await start(new Bench());
    const transactions = world.app.get(Transactions);
    const rows = world.app.get(OutboxRows);
    const later = world.clock.now() + MINUTE;
    await put(world, 1, { key: 'k', dueAt: later });
    const ask = <T>(sql: string) => transactions.run(by, (db) => db.query<T[]>(sql));
    const [row] = await ask<{ id: string }>(`SELECT id FROM outbox WHERE key = 'k' AND done_at IS NULL`);
    const gate: { open: () => void; opened: Promise<void> } = { open: () => {}, opened: Promise.resolve() };
    gate.opened = new Promise((resolve) => (gate.open = resolve));
    let claim: ReturnType<typeof rows.claim> | undefined;
    const anew = transactions.run(by, async (db) => {
      await world.app.get(Outbox).put(db, plain, { n: 2 }, { key: 'k', dueAt: later });
      claim = rows.claim(row!.id, later, MINUTE);
      await gate.opened;
    });
    const waits = async () =>
      (
        await ask(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
      ).length > 0;
    let left = false;
    await until(async () => {
      void claim?.then(() => (left = true));
      return left || (await waits());
    }, 'the wake-up meets the lock');
    gate.open();
    await anew;
    const claimed = await claim;
    expect(claimed).toMatchObject({ id: row!.id });
    await rows.finish(claimed!, later);
  });

  test('of a worker that died is taken up within seconds, and its late result changes nothing', async () => {
    const bench = new Bench();
    const world = await start(bench);
    await put(world, 1, { dueAt: world.clock.now() + MINUTE });
    await asAdmin(
      `UPDATE outbox SET lease_until = clock_timestamp() + interval '1 second', fence = 1, relayed_at = clock_timestamp() WHERE done_at IS NULL`,
    );
    world.clock.advance(MINUTE);
    await until(() => bench.calls.length === 1, 'a peer took over', 5 * SECOND);
    await settled(world);
    const [row] = await asAdmin<{ id: string; done_at: Date }>(
      'SELECT id, done_at FROM outbox ORDER BY created_at DESC LIMIT 1',
    );
    expect(await world.app.get(OutboxRows).finish({ id: row!.id, fence: 1 }, world.clock.now())).toBe('lost');
  });

  test('that kills whoever runs it is set aside, while what ran beside it is done', async () => {
    const bench = new Bench();
    const world = await start(bench);
    const minute = world.clock.now() + MINUTE;
    const died = (n: number, deaths: number) =>
      asAdmin(
        `UPDATE outbox SET deaths = $2, lease_until = clock_timestamp() - interval '1 second', relayed_at = clock_timestamp() - interval '2 seconds'
          WHERE payload = jsonb_build_object('n', $1::int)`,
        [n, deaths],
      );
    await put(world, 66, { dueAt: minute });
    await put(world, 67, { dueAt: minute });
    await died(66, 4);
    await died(67, 1);
    world.clock.advance(MINUTE);
    await until(() => world.log.text.includes('job-given-up'), 'the alert');
    await settled(world);
    // Both died with their holder: neither runs at once, and the one of five deaths never.
    expect(bench.ran('plain')).toEqual([]);
    world.clock.advance(MINUTE);
    await settled(world);
    expect(bench.ran('plain')).toEqual([67]);
    const rows = world.app.get(OutboxRows);
    const [dead] = await rows.failed(10);
    expect(dead?.lastError).toContain('died or hung, 5 times');
    // Revived by a person, it starts afresh.
    expect(await rows.retryFailed(world.clock.now(), dead!.id)).toBe(1);
    await settled(world);
    expect(bench.ran('plain')).toEqual([67, 66]);
  });

  test('whose lease is lost tells its handler to stop', async () => {
    const bench = new Bench();
    const world = await start(bench);
    const told: string[] = [];
    let free = () => {};
    bench.act = async ({ call }) => {
      if (told.length > 0) return;
      await new Promise<void>((resolve) => {
        free = resolve;
        call.signal.addEventListener('abort', () => {
          told.push(String((call.signal.reason as Error).message));
          resolve();
        });
      });
    };
    await put(world, 1);
    await until(() => bench.calls.length === 1, 'it runs');
    await asAdmin(`UPDATE outbox SET fence = fence + 1 WHERE done_at IS NULL`);
    await until(() => told.length === 1, 'the handler was told', 10 * SECOND).finally(() => free());
    expect(told).toEqual(['the lease was lost']);
    await asAdmin(`UPDATE outbox SET lease_until = NULL, relayed_at = NULL WHERE done_at IS NULL`);
    await settled(world);
  });
});

describe('the queue', () => {
  test('is told at the commit itself: a process that only serves has no other occasion', async () => {
    const bench = new Bench();
    const web = await start(bench, {
      settings: { overrides: providers(bench), duties: { serves: true, works: false } },
    });
    await put(web, 1);
    await until(async () => {
      const [row] = await asAdmin<{ relays: number }>(
        'SELECT relays FROM outbox ORDER BY created_at DESC, id DESC LIMIT 1',
      );
      return row?.relays === 1;
    }, 'the row was handed over');
    await settled(await start(new Bench()));
  });

  test('may lose everything while work is under way: it costs seconds, no row', async () => {
    const bench = new Bench();
    const world = await start(bench);
    const all = Array.from({ length: 300 }, (_, n) => n);
    const slow = new Set<() => void>();
    bench.act = ({ n }) =>
      n < 100
        ? Promise.resolve()
        : new Promise((resolve) => void (slow.add(resolve), setTimeout(resolve, 50)));
    await world.app.get(Transactions).run(by, (db) =>
      world.app.get(Outbox).putAll(
        db,
        plain,
        all.map((n) => ({ payload: { n } })),
      ),
    );
    await until(() => bench.calls.length >= 60, 'a fifth has begun');
    await loseTheQueue(world);
    await loseTheQueue(world);
    await settled(world, 50 * SECOND);
    expect([...new Set(bench.ran('plain'))].sort((a, b) => a - b)).toEqual(all);
  });

  test('may be off: the reconciler carries the work', async () => {
    const bench = new Bench();
    const world = await start(bench, { config: { queue: 'off' } });
    await Promise.all([1, 2, 3].map((n) => put(world, n)));
    await settled(world);
    expect(bench.ran('plain').sort((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(world.app.get(Relay).state).toEqual({ travel: 'carrying', backend: 'off' });
    expect((await world.app.inject({ url: '/readyz' })).statusCode).toBe(200);
  });

  test('may be a Redis that is not there: the start succeeds, the reconciler carries, readiness tells', async () => {
    const bench = new Bench();
    const world = await start(bench, { config: { redisUrl: 'redis://127.0.0.1:1' } });
    await put(world, 1);
    await settled(world);
    expect(bench.ran('plain')).toEqual([1]);
    expect((await world.app.inject({ url: '/readyz' })).json()).toMatchObject({
      ready: true,
      parts: { queue: 'away: the reconciler carries the work' },
    });
  });

  test('is fed by processes that only serve, and emptied by those that work', async () => {
    const bench = new Bench();
    const nobody = new Bench();
    const web = await start(nobody, {
      settings: { overrides: providers(nobody), duties: { serves: true, works: false } },
    });
    const worker = await start(bench, {
      settings: { overrides: providers(bench), duties: { serves: false, works: true }, clock: web.clock },
    });
    await put(web, 5);
    await until(() => bench.calls.length === 1, 'the other process ran it');
    await settled(worker);
    expect(nobody.calls).toEqual([]);
  });

  test('holds ids and nothing else', async () => {
    const bench = new Bench();
    const world = await start(bench);
    await put(world, 424_242);
    await settled(world);
    if (world.config.redisUrl) return;
    const jobs = await asAdmin<{ text: string }>(
      `SELECT data::text AS text FROM bullmq.job WHERE name = 'row'`,
    );
    expect(jobs.length).toBeGreaterThan(0);
    for (const { text } of jobs)
      expect(JSON.parse(text)).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });
});

describe('a stop', () => {
  test('waits for what runs, which can still query and put; what it put is done after the next start', async () => {
    const bench = new Bench();
    const world = await start(bench);
    const closing: Promise<void>[] = [];
    bench.act = async ({ n }) => {
      if (n !== 1) return;
      closing.push(world.app.close());
      await new Promise((resolve) => setTimeout(resolve, 300));
      await put(world, 2);
    };
    await put(world, 1);
    await until(() => closing.length === 1, 'the stop has begun');
    await closing[0];
    open.splice(0);
    const again = new Bench();
    const next = await start(again);
    await settled(next);
    expect(again.ran('plain')).toEqual([2]);
    const [left] = await asAdmin<{ count: number }>(
      `SELECT count(*)::int AS count FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND payload = '{"n": 1}'`,
    );
    expect(left?.count).toBe(0);
  });

  test('leaves no connection behind', async () => {
    const sessions = () =>
      asAdmin<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
    const world = await start(new Bench());
    const [during] = await sessions();
    expect(during!.count).toBeLessThanOrEqual(16);
    await world.app.close();
    open.splice(0);
    await until(async () => (await sessions())[0]!.count === 0, 'no session left');
  });
});

describe('sweeps', () => {
  test('run in one process at a time', async () => {
    const worlds = [await start(new Bench()), await start(new Bench())];
    most = 0;
    const before = rounds;
    for (let round = 0; round < 10; round++)
      await Promise.all(worlds.map((world) => world.app.get(Sweeps).run('test.sweep')));
    expect(most).toBe(1);
    expect(rounds - before).toBeGreaterThanOrEqual(10);
  });
});

describe('the wiring', () => {
  test('a job without a handler, or with two, stops the start', async () => {
    const bench = new Bench();
    const without = providers(bench).filter((provider) => provider !== Plain);
    await expect(startApp({ database, settings: { overrides: without } })).rejects.toThrow(
      'test.plain has no handler',
    );
    @JobHandler(plain)
    class Second {
      async handle(): Promise<void> {}
    }
    await expect(
      startApp({ database, settings: { overrides: [...providers(bench), Second] } }),
    ).rejects.toThrow('test.plain has two handlers');
  });

  test('a payload that does not fit is refused where it is put', async () => {
    const world = await start(new Bench());
    const wrong = { n: newId() } as unknown as { n: number };
    await expect(
      world.app.get(Transactions).run(by, (db) => world.app.get(Outbox).put(db, plain, wrong)),
    ).rejects.toThrow(/number/);
  });
});
