import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Action } from '../../src/domain/runbooks/action.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { engineWorld, until, type EngineWorld } from '../support/engine.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

const root = new URL('../../', import.meta.url).pathname;

let db: TestDatabase;
let world: EngineWorld;
let folder: string;
let traces: string;
const children: ChildProcess[] = [];

const newest = async (under: string): Promise<number> => {
  const names = (await readdir(join(root, under), { recursive: true })).filter((name) =>
    /(?<!\.spec)\.[jt]s$/.test(name),
  );
  return Math.max(
    0,
    ...(await Promise.all(names.map((name) => stat(join(root, under, name))))).map((file) => file.mtimeMs),
  );
};

beforeAll(async () => {
  // The workers run compiled code; make sure that it is this code.
  const built = await newest('dist/src/domain/runbooks').catch(() => 0);
  if (built < (await newest('src/domain/runbooks'))) {
    await promisify(execFile)(
      process.execPath,
      ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
      { cwd: root },
    );
  }
}, 120_000);
beforeEach(async () => {
  db = await cloneDatabase();
  folder = await mkdtemp(join(tmpdir(), 'countersign-kill-'));
  traces = join(folder, 'traces');
  await writeFile(traces, '');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await world.close();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Never runs here: this process starts runs and looks, the workers run the steps. */
const effect: Action = {
  name: 'effect',
  title: 'An effect outside',
  with: z.object({}),
  lease: 'short',
  timeout: 30_000,
  run: async () => ({ answer: 'done' }),
};

async function worker(takes: number, deadly = '-'): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [join(root, 'test/support/engine-worker.mjs'), db.url, traces, String(takes), deadly],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

interface Trace {
  what: string;
  key: string;
  pid: number;
  at: number;
}
const traced = async (): Promise<Trace[]> =>
  (await readFile(traces, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '))
    .map(([what, key, pid, at]) => ({ what: what!, key: key!, pid: Number(pid), at: Number(at) }));
const doneOf = async (runId: string) =>
  (
    await world.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM step WHERE run_id = $1 AND state = 'done'`,
      [runId],
    )
  )[0]!.n;
const stateOf = (runId: string) =>
  until(
    async () =>
      (
        await world.rows<{ state: string }>(
          `SELECT state FROM run WHERE id = $1 AND finished_at IS NOT NULL`,
          [runId],
        )
      )[0]?.state,
    40_000,
  );

/** Stops the worker that was seen last, until it is one that has begun steps which it has not ended. */
const stoppedWithWork = (workers: readonly ChildProcess[], runId: string) =>
  until(async () => {
    const last = (await traced()).at(-1)!.pid;
    const busy = workers.find(({ pid }) => pid === last)!;
    busy.kill('SIGSTOP');
    const keys = (await traced()).filter(({ pid }) => pid === last).map(({ key }) => key);
    const held = await world.rows(
      `SELECT FROM step WHERE run_id = $1 AND state = 'running' AND item_key = ANY ($2::text[])`,
      [runId, keys],
    );
    if (held.length > 0) return busy;
    busy.kill('SIGCONT');
    return null;
  });

test('a worker killed with -9: its peer goes on within three seconds, probes first, and no effect happens twice', async () => {
  world = await engineWorld(db.url, { actions: [effect], clock: new SystemClock(), start: false });
  const workers = [await worker(60), await worker(60)];
  const runId = await world.run(`  - { id: each, title: E, uses: effect, forEach: numbers }\n`, {
    count: 400,
  });
  await until(
    async () => new Set((await traced()).map((trace) => trace.pid)).size === 2 && (await doneOf(runId)) > 20,
  );
  const busy = await stoppedWithWork(workers, runId);
  const killedAt = Date.now();
  busy.kill('SIGKILL');
  const probe = await until(async () => (await traced()).find((trace) => trace.what === 'probe'));
  expect(probe.at - killedAt).toBeLessThanOrEqual(3000);
  expect(await stateOf(runId)).toBe('done');
  const all = await traced();
  const effects = all.filter((trace) => trace.what === 'effect');
  expect(effects).toHaveLength(400);
  expect(new Set(effects.map((trace) => trace.key)).size).toBe(400);
  const held = all.filter((trace) => trace.what === 'probe').length;
  expect(held).toBeGreaterThan(0);
  expect(
    await world.rows(`SELECT count(*)::int AS n FROM step_event WHERE run_id = $1 AND kind = 'taken-over'`, [
      runId,
    ]),
  ).toEqual([{ n: held }]);
});

test('a worker that is told to stop hands over: what runs ends and is written, and nothing is taken over', async () => {
  world = await engineWorld(db.url, { actions: [effect], clock: new SystemClock(), start: false });
  const first = await worker(150);
  const runId = await world.run(`  - { id: each, title: E, uses: effect, forEach: numbers }\n`, {
    count: 200,
  });
  await until(async () => (await doneOf(runId)) > 10);
  first.kill('SIGTERM');
  expect((await once(first, 'exit'))[0]).toBe(0);
  expect(
    await world.rows(`SELECT count(*)::int AS n FROM step WHERE run_id = $1 AND state = 'running'`, [runId]),
  ).toEqual([{ n: 0 }]);
  await worker(1);
  expect(await stateOf(runId)).toBe('done');
  expect((await traced()).filter((trace) => trace.what === 'probe')).toEqual([]);
  expect((await traced()).length).toBe(200);
});

test('a step that kills whoever runs it is parked after five deaths, and takes no other with it', async () => {
  world = await engineWorld(db.url, { actions: [effect], clock: new SystemClock(), start: false });
  const runId = await world.run(`  - { id: each, title: E, uses: effect, forEach: numbers }\n`, {
    count: 60,
  });
  const steps = () =>
    world.rows<{ item_key: string; state: string; deaths: number; reason: string | null }>(
      `SELECT item_key, state, deaths, reason FROM step WHERE run_id = $1`,
      [runId],
    );
  let living = true;
  const parked = until(async () => (await steps()).find((step) => step.state === 'parked'), 100_000).finally(
    () => (living = false),
  );
  for (let deaths = 0; living && deaths < 15; deaths++) {
    const child = await worker(5, 'n7');
    await Promise.race([once(child, 'exit'), parked]);
  }
  expect(await parked).toMatchObject({
    item_key: 'n7',
    deaths: 5,
    reason: '5 workers died while they held this step',
  });
  await until(async () => (await doneOf(runId)) === 59);
}, 150_000);
