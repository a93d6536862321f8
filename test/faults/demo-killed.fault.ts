import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { attachWorld, spawnWorld } from '../../src/sandbox/client.ts';
import type { WorldClient } from '../../src/sandbox/client.ts';
import type { Truth } from '../../src/sandbox/control/schema.ts';

/**
 * The demonstration's application is killed at seeded moments and the demonstration started again. What the suppliers and
 * the mail server wrote down themselves decides. All ten moments: `COUNTERSIGN_FAULT_SEEDS=10`.
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const entry = join(root, 'dist/src/sandbox/demo/main.js');

interface Moment {
  name: string;
  /** Set up before the leak is reported. */
  before?: (world: WorldClient) => Promise<unknown>;
  /** Whether it has come. */
  come: (truth: Truth, folder: string) => boolean;
  postgresToo?: true;
  /** Called after the kill. */
  after?: (world: WorldClient) => Promise<unknown>;
}

type Random = (least: number, most: number) => number;

/** Numbers that come out the same for the same seed (mulberry32). */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (least, most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return least + Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * (most - least + 1));
  };
}

const revokesIn = (truth: Truth) =>
  truth.suppliers.flatMap((one) => one.requests).filter((one) => one.kind === 'revoke');
const taken = (truth: Truth): number =>
  truth.github.deliveries.filter((one) =>
    one.attempts.some((attempt) => attempt.status === 202 || attempt.status === 200),
  ).length;

/** Ten moments of the story; where each falls exactly, its seed says. */
const MOMENTS: ((random: Random) => Moment)[] = [
  () => ({
    name: 'between the receipt of a revocation by its supplier and our commit',
    before: (world) =>
      world.putFault({ target: 'northwind', kind: 'hold_answer', match: { kind: 'revoke' }, times: 1 }),
    come: (truth) =>
      truth.suppliers.some((one) =>
        one.requests.some((r) => r.kind === 'revoke' && r.fault === 'hold_answer'),
      ),
    after: (world) => world.clearFaults({ target: 'northwind' }),
  }),
  (random) => {
    const n = random(3, 9);
    return {
      name: `after ${n} revocations, with its Postgres`,
      come: (truth) => revokesIn(truth).length >= n,
      postgresToo: true,
    };
  },
  (random) => {
    const n = random(1, 6);
    return { name: `after ${n} deliveries`, come: (truth) => taken(truth) >= n };
  },
  (random) => {
    const n = random(1, 12);
    return { name: `after ${n} mails`, come: (truth) => truth.mail.messages.length >= n };
  },
  () => ({
    name: 'after a mail was taken and before its sender heard of it',
    before: (world) => world.putFault({ target: 'mail', kind: 'slow', delayMs: 3_000, times: 3 }),
    come: (truth) => truth.mail.messages.length >= 1,
    after: (world) => world.clearFaults({ target: 'mail' }),
  }),
  () => ({
    name: 'when somebody has approved',
    come: (truth) => truth.people.deeds.some((deed) => deed.kind === 'approved'),
  }),
  () => ({
    name: 'when somebody has issued a replacement',
    come: (truth) => truth.people.deeds.some((deed) => deed.kind === 'replaced'),
  }),
  (random) => {
    const n = random(1, 4);
    return {
      name: `after ${n} acknowledgements`,
      come: (truth) => truth.people.deeds.filter((deed) => deed.kind === 'acknowledged').length >= n,
    };
  },
  () => ({ name: 'while it starts', come: (_truth, folder) => existsSync(join(folder, 'demo', 'app.pid')) }),
  (random) => {
    const n = random(1, 12);
    return {
      name: `after ${n} proofs asked for`,
      come: (truth) =>
        truth.suppliers
          .flatMap((one) => one.requests)
          .filter((one) => one.kind === 'probe' || one.kind === 'introspect').length >= n,
    };
  },
];

const wanted = Math.min(Number(process.env['COUNTERSIGN_FAULT_SEEDS'] ?? 2) || 2, MOMENTS.length);
const seed = Number(process.env['COUNTERSIGN_FAULT_SEED'] ?? randomInt(1_000_000));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function demonstration(folder: string): { pid: number; ended: Promise<Ended>; said: () => string } {
  const { DATABASE_URL: _, MIGRATE_DATABASE_URL: __, REDIS_URL: ___, ...env } = process.env;
  const child = spawn(process.execPath, ['--enable-source-maps', entry, '--exit', '--json', '--port', '0'], {
    env: { ...env, COUNTERSIGN_DATA: folder, NODE_ENV: 'development', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, out, err })));
  return { pid: child.pid ?? 0, ended, said: () => `${out}\n${err}` };
}

const LIMIT_MS = 130_000;

/** @throws Error with what `about` says by then, when it takes too long */
async function within<T>(work: Promise<T>, about: () => string): Promise<T> {
  const timeout = new AbortController();
  const limit = delay(LIMIT_MS, undefined, { signal: timeout.signal }).then(
    () => {
      throw new Error(about());
    },
    () => undefined as never,
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    timeout.abort();
  }
}

function soonEnded(one: ReturnType<typeof demonstration>, what: string): Promise<Ended> {
  return within(one.ended, () => `${what} does not end\n${one.said()}`);
}

const pidIn = async (file: string): Promise<number | null> =>
  Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]) || null;

/** The embedded server's process. Where only root may enter the data folder, its cluster lies elsewhere. */
async function postmaster(folder: string): Promise<number | null> {
  const demo = join(folder, 'demo');
  const elsewhere = await readFile(join(demo, 'postgres-location'), 'utf8').catch(() => '');
  const place = elsewhere.trim() === '' ? demo : elsewhere.trim();
  const names = await readdir(place, { recursive: true }).catch((): string[] => []);
  const file = names.find((name) => name.endsWith('postmaster.pid'));
  return file === undefined ? null : pidIn(join(place, file));
}

function endNow(pid: number | null): void {
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

let folder: string;
const started: number[] = [];

beforeEach(async () => {
  // A path with a blank is no excuse.
  folder = await mkdtemp(join(tmpdir(), 'demo killed '));
});
afterEach(async () => {
  for (const pid of started.splice(0)) endNow(pid);
  for (const name of ['app.pid', 'world.pid']) endNow(await pidIn(join(folder, 'demo', name)));
  endNow(await postmaster(folder));
  const elsewhere = await readFile(join(folder, 'demo', 'postgres-location'), 'utf8').catch(() => '');
  if (elsewhere.trim() !== '') await rm(elsewhere.trim(), { recursive: true, force: true, maxRetries: 5 });
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('the application is killed and the demonstration started again', () => {
  test.each(MOMENTS.slice(0, wanted).map((make, n) => [n, make] as const))(
    'moment %i',
    async (n, make) => {
      const moment = make(randomOf(seed + n));
      const about = `seed ${seed}: ${moment.name}`;
      const first = demonstration(folder);
      started.push(first.pid);
      const early = first.ended.then((end) => {
        throw new Error(`${about}: it was over before the moment came: ${end.code}\n${end.out}\n${end.err}`);
      });
      early.catch(() => undefined);
      await Promise.race([early, within(killAt(moment), () => `${about}: it never came\n${first.said()}`)]);
      const cut = await soonEnded(first, `${about}: what lost its application`);
      expect({ about, code: cut.code }).toEqual({ about, code: 1 });
      const second = demonstration(folder);
      started.push(second.pid);
      const end = await soonEnded(second, `${about}: what was started again`);
      expect({ about, code: end.code, err: end.err, out: end.code === 0 ? '' : end.out }).toEqual({
        about,
        code: 0,
        err: '',
        out: '',
      });
      const outcome = JSON.parse(end.out.trimEnd().split('\n').at(-1) ?? '') as Outcome;
      await agreesWithTheWorld(outcome, about);
      // What the first has imported the second does not import again.
      if (cut.out.includes('The portfolio is imported'))
        expect(end.out).not.toContain('The portfolio is imported');
    },
    400_000,
  );
});

interface Outcome {
  credentials: { exposed: number; verifiedDead: number; unproven: number };
  notices: { owed: number; missed: number };
}

async function killAt(moment: Moment): Promise<void> {
  const worldDir = join(folder, 'demo', 'world');
  let world: WorldClient | null = null;
  for (let prepared = false; ;) {
    world ??= await attachWorld(worldDir).catch(() => null);
    if (world) {
      if (!prepared) await moment.before?.(world);
      prepared = true;
      if (moment.come(await world.truth({ limit: 100_000 }), folder)) break;
    }
    await delay(15);
  }
  const app = await pidIn(join(folder, 'demo', 'app.pid'));
  const server = moment.postgresToo ? await postmaster(folder) : null;
  expect(app).not.toBeNull();
  if (moment.postgresToo) expect(server).not.toBeNull();
  endNow(app);
  endNow(server);
  await moment.after?.(world).catch(() => undefined);
}

/** By the suppliers' and the mail server's own records. */
async function agreesWithTheWorld(outcome: Outcome, about: string): Promise<void> {
  const world = await spawnWorld({ dir: join(folder, 'demo', 'world') });
  started.push(world.pid);
  const truth = await world.client.truth({ limit: 200_000 });
  await world.client.stop();

  const issued = truth.suppliers.flatMap((one) => one.credentials);
  // None was issued anew but for the controls, the replacements that were asked for, and none else.
  expect({
    about,
    issued: issued.filter((one) => one.label.startsWith('Brightwater Retail')).length,
  }).toEqual({
    about,
    issued: 60,
  });
  expect({
    about,
    replaced: issued.filter((one) => one.label === 'replacement' || one.label === '').length <= 4,
  }).toEqual({
    about,
    replaced: true,
  });
  const revokedTwice = issued.filter((one) => one.revocations > 1).map((one) => one.id);
  const blindly = truth.suppliers.flatMap((supplier) => {
    const looked = new Map<string, boolean>();
    return supplier.requests.flatMap((request) => {
      if (request.credential === null) return [];
      if (request.kind === 'probe' || request.kind === 'introspect') looked.set(request.credential, true);
      if (request.kind !== 'revoke') return [];
      const again = looked.get(request.credential) === false;
      looked.set(request.credential, false);
      return again ? [`${supplier.supplier} ${request.credential}`] : [];
    });
  });
  expect({ about, revokedTwice, blindly }).toEqual({ about, revokedTwice: [], blindly: [] });

  // Of each notice there is at least one message, and every copy of it bears the same Message-ID.
  const messageIds = new Map<string, Set<string>>();
  for (const mail of truth.mail.messages) {
    const reference = /NTC-\d{4}-\d+/.exec(mail.subject)?.[0];
    if (reference === undefined || mail.messageId === null) continue;
    messageIds.set(reference, (messageIds.get(reference) ?? new Set()).add(mail.messageId));
  }
  const doubled = [...messageIds].filter(([, ids]) => ids.size > 1).map(([reference]) => reference);
  expect({ about, notices: messageIds.size, doubled }).toEqual({
    about,
    notices: outcome.notices.owed,
    doubled: [],
  });
  expect({ about, ...outcome.credentials, missed: outcome.notices.missed }).toEqual({
    about,
    exposed: 15,
    verifiedDead: 13,
    unproven: 2,
    missed: 0,
  });
}
