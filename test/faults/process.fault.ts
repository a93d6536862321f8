import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { cloneDatabase, emptyDatabase } from '../support/postgres-template.ts';
import { until as untilReached } from '../support/app.ts';

// The process as an operator meets it: built, started by its command, told to stop by a signal. `npm test` builds it first.

/** Whole processes start here, several of them beside other tests: a busy machine takes its time. */
const LONG = 240_000;
const until = (reached: () => boolean | Promise<boolean>, what: string) =>
  untilReached(reached, what, LONG / 3, 100);

const root = join(import.meta.dirname, '..', '..');
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Run {
  child: ChildProcess;
  out: () => string;
  err: () => string;
  ended: Promise<number | null>;
}

function run(file: string, args: string[], env: Record<string, string>, input = ''): Run {
  const child = spawn(process.execPath, [join(root, 'dist/src', file), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  undo.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { child, out: () => out, err: () => err, ended };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'countersign process '));
  await chmod(made, 0o755);
  undo.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function takenPort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as { port: number }).port;
}

async function database(make = cloneDatabase) {
  const made = await make();
  undo.push(() => made.drop());
  return made;
}

/** The address that the process says it listens on. */
async function listening({ out, err, child }: Run): Promise<string> {
  await until(() => out().includes('"msg":"listening"') || child.exitCode !== null, 'it listens');
  const line = out()
    .split('\n')
    .find((one) => one.includes('"msg":"listening"'));
  if (!line) throw new Error(`it ended instead: ${err()}`);
  return (JSON.parse(line) as { url: string }).url;
}

/** One clear message: what is wrong, where, and what to do; no stack. */
function expectClear(text: string, ...parts: string[]): void {
  for (const part of parts) expect(text).toContain(part);
  expect(text).not.toMatch(/^\s+at /m);
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('countersign: '))).toEqual([]);
}

describe('a start that cannot succeed says why', () => {
  test(
    'bad configuration: every bad variable, status 2',
    async () => {
      const { ended, err } = run('main.js', [], {
        COUNTERSIGN_PORT: 'many',
        COUNTERSIGN_ROLE: 'king',
        COUNTERSIGN_OUTBOUND_ALLOW: 'everything',
      });
      expect(await ended).toBe(2);
      expectClear(err(), 'COUNTERSIGN_PORT', 'COUNTERSIGN_ROLE', 'COUNTERSIGN_OUTBOUND_ALLOW', 'host:port');
    },
    LONG,
  );

  test(
    'separate web and worker processes on the embedded database are refused',
    async () => {
      const { ended, err } = run('main.js', [], {
        COUNTERSIGN_ROLE: 'worker',
        COUNTERSIGN_DATA: await folder(),
      });
      expect(await ended).toBe(2);
      expectClear(err(), 'COUNTERSIGN_ROLE', 'DATABASE_URL');
    },
    LONG,
  );

  test(
    'a port that is taken',
    async () => {
      const port = await takenPort();
      const { url } = await database();
      const { ended, err } = run('main.js', [], {
        DATABASE_URL: url,
        COUNTERSIGN_PORT: String(port),
        COUNTERSIGN_DATA: await folder(),
        COUNTERSIGN_LOG_LEVEL: 'silent',
      });
      expect(await ended).toBe(1);
      expectClear(err(), 'COUNTERSIGN_PORT', String(port), 'is taken');
    },
    LONG,
  );

  test(
    'a data folder that is a file',
    async () => {
      const file = join(await folder(), 'data');
      await writeFile(file, '');
      const { ended, err } = run('main.js', [], { COUNTERSIGN_DATA: file });
      expect(await ended).toBe(1);
      expectClear(err(), 'COUNTERSIGN_DATA', file);
    },
    LONG,
  );

  test(
    'a wrong database password, which is not repeated',
    async () => {
      const { url } = await database();
      const wrong = new URL(url);
      wrong.password = 'planted-password';
      const { ended, err } = run('main.js', [], {
        DATABASE_URL: wrong.href,
        COUNTERSIGN_DATA: await folder(),
      });
      expect(await ended).toBe(1);
      expectClear(err(), 'DATABASE_URL', 'password');
      expect(err()).not.toContain('planted');
    },
    LONG,
  );

  test(
    'a database that was never migrated',
    async () => {
      const { url } = await database(emptyDatabase);
      const { ended, err } = run('main.js', [], { DATABASE_URL: url, COUNTERSIGN_DATA: await folder() });
      expect(await ended).toBe(1);
      expectClear(err(), 'countersign migrate');
    },
    LONG,
  );

  test(
    'an unknown command, and options that are not as they must be',
    async () => {
      const unknown = run('cli.js', ['frobnicate'], {});
      expect(await unknown.ended).toBe(2);
      expectClear(unknown.err(), 'frobnicate');
      const bad = run('cli.js', ['user', 'add', '--email', 'nobody', '--name', 'N', '--role', 'emperor'], {});
      expect(await bad.ended).toBe(2);
      expectClear(bad.err(), '--email', '--role');
    },
    LONG,
  );
});

describe('a Redis that would lose work', () => {
  const redisUrl = process.env['COUNTERSIGN_TEST_REDIS'];
  // It sets up a Redis to lose work, so it needs one that is there for tests alone.
  (redisUrl ? test : test.skip)(
    'is refused at boot, with the mend',
    async () => {
      const redis = new Redis(redisUrl!);
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      undo.push(async () => {
        await redis.config('SET', 'maxmemory-policy', 'noeviction');
        redis.disconnect();
      });
      const { url } = await database();
      const { ended, err } = run('main.js', [], {
        DATABASE_URL: url,
        REDIS_URL: redisUrl!,
        COUNTERSIGN_DATA: await folder(),
        COUNTERSIGN_PORT: '0',
        COUNTERSIGN_LOG_LEVEL: 'silent',
      });
      expect(await ended).toBe(1);
      expectClear(err(), 'REDIS_URL', 'allkeys-lru', 'noeviction');
    },
    LONG,
  );
});

describe('on the embedded database', () => {
  test(
    'it starts, commands join it, a signal ends it and its database, and the next start finds everything',
    async () => {
      const env = { COUNTERSIGN_DATA: await folder(), COUNTERSIGN_PORT: '0' };
      const first = run('main.js', [], env);
      const url = await listening(first);
      await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'it is ready');

      const made = run('cli.js', ['token', 'create', '--role', 'admin', '--json'], env);
      expect([await made.ended, made.err()]).toEqual([0, '']);
      const { value } = JSON.parse(made.out()) as { value: string };
      const headers = { authorization: `Bearer ${value}` };
      expect((await fetch(`${url}/api/v1/me`, { headers })).status).toBe(200);
      const user = run(
        'cli.js',
        ['user', 'add', '--email', 'ada@operator.example', '--name', 'Ada', '--role', 'responder'],
        env,
        'correct horse battery\n',
      );
      expect([await user.ended, user.err()]).toEqual([0, '']);
      expect(user.out()).toMatch(/^user [0-9a-f-]{36}\n$/);
      const bob = ['user', 'add', '--email', 'bob@operator.example', '--name', 'Bob', '--role', 'auditor'];
      const other = run('cli.js', [...bob, '--generate', '--json'], env);
      expect([await other.ended, other.err()]).toEqual([0, '']);
      expect(JSON.parse(other.out())).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        password: expect.stringMatching(/^\S{12,}$/),
      });

      const started = performance.now();
      first.child.kill('SIGTERM');
      expect(await first.ended).toBe(0);
      expect(performance.now() - started).toBeLessThan(40_000);

      const second = run('main.js', [], env);
      const again = await listening(second);
      expect((await fetch(`${again}/api/v1/me`, { headers })).status).toBe(200);
      const { users } = (await (await fetch(`${again}/api/v1/users`, { headers })).json()) as {
        users: { email: string }[];
      };
      expect(users.map(({ email }) => email)).toEqual(['ada@operator.example', 'bob@operator.example']);
      second.child.kill('SIGINT');
      expect(await second.ended).toBe(0);
      for (const log of [first, second]) expect(log.out() + log.err()).not.toContain(value);
    },
    LONG,
  );

  test(
    'killed without a word, it starts again on the same data',
    async () => {
      const env = { COUNTERSIGN_DATA: await folder(), COUNTERSIGN_PORT: '0' };
      const first = run('main.js', [], env);
      await listening(first);
      first.child.kill('SIGKILL');
      await first.ended;
      const second = run('main.js', [], env);
      const url = await listening(second);
      await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'it is ready');
      second.child.kill('SIGTERM');
      expect(await second.ended).toBe(0);
    },
    LONG,
  );

  test(
    'outlives its database: killed, it is started again, and the process works on',
    async () => {
      const data = await folder();
      const one = run('main.js', [], { COUNTERSIGN_DATA: data, COUNTERSIGN_PORT: '0' });
      const url = await listening(one);
      const ready = async () => {
        const answer = await fetch(`${url}/readyz`);
        return (
          answer.status === 200 &&
          ((await answer.json()) as { parts: { queue: string } }).parts.queue === 'ok'
        );
      };
      await until(ready, 'it is ready');
      const pid = Number((await readFile(join(data, 'pg', 'postmaster.pid'), 'utf8')).split('\n')[0]);
      process.kill(pid, 'SIGKILL');
      await until(async () => !(await ready()), 'readiness tells');
      await until(ready, 'it is ready again');
      await until(() => one.out().includes('found dead and runs again'), 'the log tells');
      one.child.kill('SIGTERM');
      expect(await one.ended).toBe(0);
    },
    LONG,
  );
});
