import { PassThrough } from 'node:stream';
import { createPostgresBackend, createRedisBackend, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/data-source.ts';
import { LedgerService } from '../src/domain/ledger/ledger.service.ts';
import type { Action, SelectedItem } from '../src/domain/runbooks/action.ts';
import { Actions, Selectors } from '../src/domain/runbooks/catalogue.ts';
import { EngineParts } from '../src/domain/runbooks/engine.assembly.ts';
import { pumpJob } from '../src/domain/runbooks/pump.job.ts';
import type { Selector } from '../src/domain/runbooks/selector.ts';
import { newId } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { SystemClock } from '../src/platform/clock/clock.ts';
import { Transactions, type Db } from '../src/platform/database/transactions.ts';
import { createLog } from '../src/platform/log/log.ts';
import type { JobDefinition } from '../src/platform/outbox/definitions.ts';
import type { Handler } from '../src/platform/queue/handlers.ts';
import { NoOpAction } from '../src/plugins/actions/no-op/no-op.action.ts';
import { cpuOf } from './cpu.ts';
import type { BenchPlace } from './place.ts';
import { QueueParts, type QueueBackend } from './queue-parts.ts';
import { median } from './statistics.ts';

const STEPS = Number(process.env['BENCH_STEPS'] ?? 10_000);
const RAW_JOBS = 5_000;

/** Numbered things without a lane: what the engine costs by itself. */
class Numbers implements Selector {
  readonly name = 'numbers';
  readonly title = 'Numbered things';
  async page(
    _db: Db,
    request: Parameters<Selector['page']>[1],
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const total = Number(request.input['count']);
    const from = Number(request.cursor ?? 0);
    const to = Math.min(total, from + request.limit);
    const lanes = Number(request.input['lanes'] ?? 0);
    const items = Array.from({ length: to - from }, (_, i): SelectedItem => {
      const n = from + i;
      return {
        key: `n${n}`,
        label: `Thing ${n}`,
        subject: { kind: 'thing', id: SUBJECT },
        facts: {},
        priority: 1000 - (n % 1000),
        ...(lanes > 0 ? { lane: `supplier-${n % lanes}` } : {}),
      };
    });
    return { items, next: to < total ? String(to) : null };
  }
  async count(_db: Db, request: { input: Readonly<Record<string, unknown>> }): Promise<number> {
    return Number(request.input['count']);
  }
}

const SUBJECT = newId();

/** Answers after five milliseconds: a supplier on loopback. */
const slow: Action = {
  name: 'five-ms',
  title: 'Five milliseconds',
  with: new NoOpAction().with,
  lease: 'short',
  timeout: 10_000,
  run: () => new Promise((resolve) => setTimeout(() => resolve({ answer: 'done' }), 5)),
};

/** Steps per second through the whole engine, on each backend, against raw jobs of the same queue library in the same run. */
export async function engineBench(place: BenchPlace): Promise<void> {
  await onBackend(place, 'Postgres');
  if (place.redisUrl) await onBackend(place, 'Redis');
  else process.stdout.write('engine: Redis: not run (neither REDIS_URL nor COUNTERSIGN_TEST_REDIS is set)\n');
}

async function onBackend(place: BenchPlace, backend: QueueBackend): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? (place.quick ? 2 : 5));
  const dataSource = await new DataSource(dataSourceOptions(place.appUrl, { max: 7 })).initialize();
  const transactions = new Transactions(dataSource);
  const clock = new SystemClock();
  // As in the application: a run wakes the engine by an outbox row that the queue brings.
  const handler: Handler<{ runId: string }> = { handle: () => Promise.resolve(parts.engine.wake()) };
  const queue = new QueueParts(place, backend, dataSource, [
    { definition: pumpJob as JobDefinition<never>, handler: handler as Handler<never> },
  ]);
  const parts: EngineParts = new EngineParts({
    transactions,
    clock,
    log: createLog({ logLevel: 'warn' }, process.env['BENCH_LOG'] ? undefined : new PassThrough().resume()),
    outbox: queue.outbox,
    ledger: new LedgerService(),
    actions: new Actions([new NoOpAction(), slow]),
    selectors: new Selectors([new Numbers()]),
  });
  const admin = new pg.Client(place.adminUrl);
  admin.on('error', () => {});
  await admin.connect();
  for (const uses of ['no-op', 'five-ms']) {
    const read = parts.runbooks.read(
      `id: bench-${uses}\ntitle: B\nversion: 1\nsteps:\n  - { id: each, title: E, uses: ${uses}, forEach: numbers }\n`,
      'bench.yaml',
    );
    if ('problems' in read) throw new Error(JSON.stringify(read.problems));
    await parts.runbooks.add([{ ...read, file: 'bench.yaml' }]);
  }
  parts.engine.start(place.appUrl);
  await queue.start();

  const run = async (uses: string, count: number, lanes = 0) => {
    const before = await walOf(admin);
    const cpuBefore = await cpuOf(admin);
    const nodeBefore = process.cpuUsage();
    const started = performance.now();
    const by = system('bench', newId());
    const { runId } = await transactions.run(by, (db) =>
      parts.runs.start(db, {
        runbook: `bench-${uses}`,
        subject: { kind: 'incident', id: newId() },
        input: { count, lanes },
        correlationId: by.correlationId,
        by,
      }),
    );
    let planned = 0;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { rows } = await admin.query<{ ended: boolean; planned: boolean }>(
        `SELECT finished_at IS NOT NULL AS ended, (SELECT planned FROM run_node WHERE run_id = $1) AS planned FROM run WHERE id = $1`,
        [runId],
      );
      if (rows[0]!.planned && planned === 0) planned = performance.now() - started;
      if (rows[0]!.ended) break;
    }
    const seconds = (performance.now() - started) / 1000;
    const counted = await admin.query<{ done: number; events: number; entries: number }>(
      `SELECT (SELECT count(*)::int FROM step WHERE run_id = $1 AND state = 'done' AND fence = 1) AS done,
              (SELECT count(*)::int FROM step_event WHERE run_id = $1) AS events,
              ${await entriesOf(admin)} AS entries`,
      [runId],
    );
    const { done, events, entries } = counted.rows[0]!;
    if (done !== count || events !== count)
      throw new Error(`of ${count} steps ${done} are done, with ${events} events`);
    const node = process.cpuUsage(nodeBefore);
    return {
      node: (node.user + node.system) / 1e6 / count,
      perSecond: count / seconds,
      cpu: ((await cpuOf(admin)) - cpuBefore) / count,
      wal: ((await walOf(admin)) - before) / count,
      planned,
      entries,
    };
  };

  await run('no-op', 1000); // warm
  let peak = 0;
  const resting = process.memoryUsage.rss();
  const memory = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const measured: Awaited<ReturnType<typeof run>>[] = [];
  const raw: number[] = [];
  for (let i = 0; i < rounds; i++) {
    measured.push(await run('no-op', STEPS));
    const highest = peak;
    raw.push(await rawJobs(place.adminUrl, backend === 'Redis' ? place.redisUrl : undefined));
    peak = highest;
  }
  clearInterval(memory);
  const figure = (label: string, value: number, unit: string) =>
    place.figure(`${backend}: ${label}`, value, unit);
  const steps = median(measured.map((r) => r.perSecond));
  figure(`no-op steps of a run of ${STEPS}, planning included`, steps, 'steps/s');
  figure('raw BullMQ no-op jobs, concurrency 200', median(raw), 'jobs/s');
  figure(`ratio to raw BullMQ (goal ${backend === 'Redis' ? 1 : 10})`, steps / median(raw), '×');
  figure('CPU per step, Node and Postgres', median(measured.map((r) => r.cpu)) * 1e6, 'µs');
  figure('of it Node', median(measured.map((r) => r.node)) * 1e6, 'µs');
  figure('WAL per step', median(measured.map((r) => r.wal)), 'bytes');
  figure('ledger entries per step, counted', median(measured.map((r) => r.entries)) / STEPS, 'entries');
  figure('planned after', median(measured.map((r) => r.planned)), 'ms');
  figure('memory at rest', resting / 1e6, 'MB');
  figure(`memory at its peak in a run of ${STEPS}`, peak / 1e6, 'MB');
  figure('peak to rest (goal at most 1.5 at 100,000)', peak / resting, '×');
  const calls = await run('five-ms', STEPS, 10);
  figure('steps of a supplier that answers in 5 ms, 10 lanes', calls.perSecond, 'steps/s');

  await queue.stop();
  await parts.engine.stop(2000);
  await admin.end();
  await dataSource.destroy();
}

/** No-op jobs per second of the queue library alone: added first, then worked off. */
async function rawJobs(postgresUrl: string, redisUrl: string | undefined): Promise<number> {
  const connection = redisUrl
    ? new Redis(redisUrl, { maxRetriesPerRequest: null })
    : new pg.Pool({ connectionString: postgresUrl, options: '-c search_path=bullmq', max: 12 });
  const backend = (redisUrl ? createRedisBackend : createPostgresBackend) as never;
  const name = `bench-${newId()}`;
  const queue = new Queue(name, { connection: connection as never }, backend);
  await queue.waitUntilReady();
  for (let at = 0; at < RAW_JOBS; at += 1000) {
    await queue.addBulk(
      Array.from({ length: 1000 }, (_, i) => ({
        name: 'no-op',
        data: { n: at + i },
        opts: { jobId: `j${at + i}`, removeOnComplete: true },
      })),
    );
  }
  let done = 0;
  const started = performance.now();
  const seconds = await new Promise<number>((resolve) => {
    const worker = new Worker(
      name,
      async () => {
        done += 1;
        if (done === RAW_JOBS) {
          const took = (performance.now() - started) / 1000;
          setImmediate(() => void worker.close().then(() => resolve(took)));
        }
      },
      { connection: connection as never, concurrency: 200 },
      backend,
    );
    worker.on('error', () => {});
  });
  await queue.obliterate({ force: true });
  await queue.close();
  if (connection instanceof Redis) connection.disconnect();
  else await connection.end();
  return RAW_JOBS / seconds;
}

async function walOf(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ at: string }>(`SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS at`);
  return Number(rows[0]!.at);
}

async function entriesOf(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ there: boolean }>(
    `SELECT to_regclass('ledger_entry') IS NOT NULL AS there`,
  );
  return rows[0]!.there ? `(SELECT count(*)::int FROM ledger_entry WHERE body LIKE '%' || $1 || '%')` : '0';
}
