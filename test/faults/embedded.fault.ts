import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client, Pool } from 'pg';
import { migrations } from '../../src/data-source.ts';
import type { Refused } from '../../src/kernel/errors.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { assertRunningRole } from '../../src/platform/database/roles.ts';
import { waitForDatabase } from '../../src/platform/database/wait-for-database.ts';
import {
  startLocalPostgres,
  type LocalPostgres,
  type LocalPostgresOptions,
} from '../../src/platform/embedded/local-postgres.ts';
import { alive } from '../../src/platform/embedded/processes.ts';

const asRoot = process.getuid?.() === 0;
// Only root can make files that belong to another account; for anybody else the case does not arise.
const onlyRoot = asRoot ? test : test.skip;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** A folder that the server's account can pass through; a temporary one is closed to others when it is made. */
async function folder(mode = 0o755): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'countersign embedded '));
  await chmod(made, mode);
  undo.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function start(dir: string, o: Partial<LocalPostgresOptions> = {}): Promise<LocalPostgres> {
  const local = await startLocalPostgres({ dir, durable: false, ...o });
  undo.push(() => local.stop());
  return local;
}

async function ask<T extends object>(
  local: LocalPostgres,
  sql: string,
  role?: 'countersign_admin',
): Promise<T[]> {
  const client = new Client(local.url(undefined, role ?? 'countersign_owner'));
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Each statement by itself, as an operator's client sends them. */
async function run(url: string, statements: string[]): Promise<void> {
  const client = new Client(url);
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

const keep = (local: LocalPostgres) =>
  ask(local, `CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (42)`);
const kept = (local: LocalPostgres) => ask<{ n: number }>(local, `SELECT n FROM kept`);

async function pidOf(local: LocalPostgres): Promise<number> {
  return Number((await readFile(join(local.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Kills the server without a word to it and waits until nothing answers for it any more. */
async function kill(local: LocalPostgres): Promise<number> {
  const pid = await pidOf(local);
  process.kill(pid, 'SIGKILL');
  const answers = () =>
    ask(local, 'SELECT 1').then(
      () => true,
      () => false,
    );
  while (await answers());
  return pid;
}

describe('a server of the data folder', () => {
  test('lives in a path with a space, behind passwords, on the loopback address alone', async () => {
    const dir = join(await folder(), 'data of ours');
    const local = await start(dir);
    const [settings] = await ask<Record<string, string>>(
      local,
      `SELECT current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
              current_setting('password_encryption') AS passwords, current_setting('track_commit_timestamp') AS stamps`,
      'countersign_admin',
    );
    expect(settings).toEqual({ listens: '127.0.0.1', sockets: '', passwords: 'scram-sha-256', stamps: 'on' });
    expect((await stat(join(dir, 'postgres-passwords.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(local.dataDirectory)).mode & 0o077).toBe(0);
    const passwords = JSON.parse(await readFile(join(dir, 'postgres-passwords.json'), 'utf8')) as object;
    const log = await readFile(join(dir, 'postgres.log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(Object.values(passwords).filter((password) => log.includes(String(password)))).toEqual([]);

    const stranger = new Client(local.url().replace(/:[^:@]+@/, ':wrong@'));
    await expect(stranger.connect()).rejects.toMatchObject({ code: '28P01' });

    const roles = await ask(
      local,
      `SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS strong FROM pg_roles
        WHERE rolname IN ('countersign_owner', 'countersign_app') ORDER BY 1`,
    );
    expect(roles).toEqual([
      { rolname: 'countersign_app', strong: false },
      { rolname: 'countersign_owner', strong: false },
    ]);
  });

  test('is reused while it runs, and keeps its data when it does not', async () => {
    const dir = await folder();
    const first = await start(dir, { durable: true });
    expect(first.reused).toBe(false);
    await keep(first);

    const second = await start(dir);
    expect([second.reused, second.port]).toEqual([true, first.port]);

    const pid = await pidOf(first);
    await second.stop();
    await expect(stat(join(first.dataDirectory, 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
    const third = await start(dir);
    expect([third.reused, (await pidOf(third)) === pid]).toEqual([false, false]);
    expect(await kept(third)).toEqual([{ n: 42 }]);
  });

  test('is one, whoever comes first', async () => {
    const dir = await folder();
    const both = await Promise.all([start(dir), start(dir), start(dir)]);
    expect(new Set(both.map((local) => local.port)).size).toBe(1);
    await keep(both[0]);
    expect(await kept(both[2])).toEqual([{ n: 42 }]);
  });

  test('stays for others when a command that started it is done', async () => {
    const local = await start(await folder());
    const other = new Client(local.url());
    await other.connect();
    expect(await local.stop({ unlessUsed: true })).toBe(false);
    expect(await kept(local).catch((thrown: { code: string }) => thrown.code)).toBe('42P01'); // it answers
    await other.end();
    while (!(await local.stop({ unlessUsed: true })));
    await expect(stat(join(local.dataDirectory, 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('after a crash', () => {
  test('a killed server is recovered with everything that was committed', async () => {
    const dir = await folder();
    const local = await start(dir, { durable: true });
    await keep(local);
    await kill(local);
    const again = await start(dir, { durable: true });
    expect(again.reused).toBe(false);
    expect(await kept(again)).toEqual([{ n: 42 }]);
  });

  test('a child that outlived its server does not keep the next one from starting', async () => {
    const dir = await folder();
    const local = await start(dir, { durable: true });
    await keep(local);
    const busy = new Client(local.url(undefined, 'countersign_owner'));
    await busy.connect();
    busy.on('error', () => {});
    const { rows } = await busy.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    // Never looks whether its server is alive.
    const lost = busy.query('DO $$ BEGIN LOOP END LOOP; END $$').catch((thrown: Error) => thrown);
    const running = async () =>
      (await ask(local, `SELECT 1 FROM pg_stat_activity WHERE pid = ${rows[0]!.pid} AND state = 'active'`))
        .length > 0;
    while (!(await running()));
    await kill(local);
    expect(alive(rows[0]!.pid)).toBe(true);

    const again = await start(dir, { durable: true });
    expect(await kept(again)).toEqual([{ n: 42 }]);
    expect(await lost).toBeInstanceOf(Error);
  });

  test('a supervised server runs again on the same port, and pools heal', async () => {
    const local = await start(await folder(), { durable: true });
    await keep(local);
    const pool = new Pool({ connectionString: local.url(undefined, 'countersign_owner'), max: 2 });
    pool.on('error', () => {});
    undo.push(() => pool.end());
    await pool.query('SELECT 1');
    const restarted = new Promise<void>((done, fail) =>
      local.supervise({ onRestart: done, onFailure: fail }),
    );
    process.kill(await pidOf(local), 'SIGKILL');
    await restarted;
    const rows = async (): Promise<unknown[]> =>
      pool.query('SELECT n FROM kept').then(
        (answer) => answer.rows,
        () => rows(), // the connection that died with the server
      );
    expect(await rows()).toEqual([{ n: 42 }]);
  });

  test('a pid file whose number now belongs to another program is no obstacle', async () => {
    const dir = await folder();
    const local = await start(dir);
    await keep(local);
    await kill(local);
    const { uid, gid } = await stat(local.dataDirectory);
    const bystander = spawn('sleep', ['120'], asRoot ? { uid, gid, cwd: '/' } : {});
    await once(bystander, 'spawn');
    undo.push(async () => bystander.kill());
    const file = join(local.dataDirectory, 'postmaster.pid');
    const lines = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, [String(bystander.pid), ...lines.slice(1)].join('\n'));

    const again = await start(dir);
    expect(await kept(again)).toEqual([{ n: 42 }]);
    expect(bystander.exitCode).toBeNull();
  });

  test('half a cluster that an interrupted first start left is not taken for one', async () => {
    const dir = await folder();
    await mkdir(join(dir, 'pg.new-999999999-abcd'), { mode: 0o700 });
    const local = await start(dir);
    await expect(stat(join(dir, 'pg.new-999999999-abcd'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await ask(local, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('below a folder that only root may enter', () => {
  onlyRoot('programs and data lie elsewhere, and the data folder points there', async () => {
    const dir = join(await folder(0o700), 'data');
    const local = await start(dir);
    const home = dirname(local.dataDirectory);
    undo.splice(-1, 0, () => rm(home, { recursive: true, force: true })); // after the server has stopped
    expect(home).toMatch(/^\/var\/lib\/countersign\/[0-9a-f]{16}$/);
    expect((await readFile(join(dir, 'postgres-location'), 'utf8')).trim()).toBe(home);
    await keep(local);

    await local.stop();
    const again = await start(dir);
    expect(await kept(again)).toEqual([{ n: 42 }]);

    // The operator removes the data folder: the next start is a first one, the old database is set aside.
    await rm(dir, { recursive: true });
    const fresh = await start(dir);
    expect(fresh.dataDirectory).toBe(local.dataDirectory);
    await expect(kept(fresh)).rejects.toMatchObject({ code: '42P01' });
    await expect(stat(join(home, 'pg.left'))).resolves.toBeDefined();
  });

  onlyRoot('a database that is not where the pointer says is missed, not made anew', async () => {
    const dir = await folder();
    await writeFile(join(dir, 'postgres-location'), '/var/lib/countersign/gone\n');
    await expect(start(dir)).rejects.toMatchObject({ refusal: { code: 'database-gone' } });
  });
});

describe('a server of the operator’s own, without our roles', () => {
  test('is refused with the SQL that makes them, and takes the migrations once that has run', async () => {
    const local = await start(await folder());
    await ask(
      local,
      `ALTER ROLE countersign_owner RENAME TO other_owner; ALTER ROLE countersign_app RENAME TO other_app;
       CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'dba'`,
      'countersign_admin',
    );
    const as = (role: string, password: string, database = 'theirs') =>
      Object.assign(new URL(local.url(database)), { username: role, password }).href;
    await run(as('dba', 'dba', 'postgres'), [`CREATE DATABASE theirs`]);

    const refused = await waitForDatabase(as('countersign_app', 'choose another')).catch(
      (thrown: unknown) => thrown,
    );
    expect(refused).toMatchObject({ refusal: { code: 'database-password' } });
    const unfit = await migrate({ ownerUrl: as('dba', 'dba'), migrations }).catch(
      (thrown: unknown) => thrown,
    );
    expect(unfit).toMatchObject({
      refusal: { code: 'database-roles-missing', fields: [{ field: 'MIGRATE_DATABASE_URL' }] },
    });
    const { mend } = (unfit as Refused).refusal.fields![0]!;
    expect(String(refused)).toContain(mend.slice(mend.indexOf('CREATE ROLE')));

    await run(as('dba', 'dba'), mend.split('\n').slice(1));
    const done = await migrate({ ownerUrl: as('countersign_owner', 'choose one'), migrations });
    expect(done.applied.length).toBeGreaterThan(0);
    await expect(assertRunningRole(as('countersign_app', 'choose another'))).resolves.toBeUndefined();
  });
});

describe('what cannot work is refused with its mend', () => {
  test('a data folder that is a file', async () => {
    const file = join(await folder(), 'data');
    await writeFile(file, '');
    for (const dir of [file, join(file, 'below')]) {
      await expect(start(dir)).rejects.toMatchObject({
        refusal: {
          kind: 'unavailable',
          code: 'data-folder-not-a-folder',
          fields: [{ field: 'COUNTERSIGN_DATA', mend: expect.stringContaining('COUNTERSIGN_DATA') }],
        },
      });
    }
  });

  test.each(['/proc/nowrite', '/proc/nowrite/below/it'])('a data folder %s, refused at once', async (dir) => {
    const begun = performance.now();
    await expect(start(dir)).rejects.toMatchObject({
      refusal: {
        code: 'data-folder-not-writable',
        fields: [{ field: 'COUNTERSIGN_DATA', mend: expect.stringContaining('COUNTERSIGN_DATA') }],
      },
    });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test('a data folder on a file system that takes no writes', async () => {
    // Present on every Linux; refused to root, too.
    await expect(start('/sys/kernel/countersign')).rejects.toMatchObject({
      refusal: { code: 'data-folder-not-writable', fields: [{ field: 'COUNTERSIGN_DATA' }] },
    });
  });

  test('a port that is taken, where one is named', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    undo.push(async () => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(start(await folder(), { port })).rejects.toMatchObject({
      refusal: { code: 'database-port-taken', message: expect.stringContaining(String(port)) },
    });
  });

  onlyRoot('a database that belongs to somebody whom Postgres may not run as', async () => {
    const dir = await folder();
    const local = await start(dir);
    await local.stop();
    await chown(local.dataDirectory, 0, 0);
    await expect(start(dir)).rejects.toMatchObject({ refusal: { code: 'data-folder-wrong-owner' } });
  });

  test('a database without its passwords', async () => {
    const dir = await folder();
    await (await start(dir)).stop();
    await rm(join(dir, 'postgres-passwords.json'));
    await expect(start(dir)).rejects.toMatchObject({ refusal: { code: 'passwords-gone' } });
  });

  test('a database of another major version', async () => {
    const dir = await folder();
    const local = await start(dir);
    await local.stop();
    await writeFile(join(local.dataDirectory, 'PG_VERSION'), '12\n');
    await expect(start(dir)).rejects.toMatchObject({ refusal: { code: 'data-folder-other-version' } });
  });
});
