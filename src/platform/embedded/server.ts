import { spawn } from 'node:child_process';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import type { Binaries } from './binaries.ts';
import { programOptions, type Passwords } from './cluster.ts';
import type { Place } from './place.ts';
import { alive, workingIn } from './processes.ts';
import { refuse, refusedByPostgres } from './refusals.ts';
import { ADMIN } from './roles.ts';

const POLL = 15;
const LOG_LIMIT = 16 * 1024 * 1024;
/** Recovery after a crash replays the log of changes before the server answers. */
const START_LIMIT = 2 * MINUTE;
/** After this long a surviving child of a killed server is told to quit: it can do no further good. */
const ORPHAN_GRACE = 3 * SECOND;

export interface StartOptions {
  port?: number;
  settings: Record<string, string>;
}

export interface Running {
  port: number;
  reused: boolean;
}

/** Finds the running server of this cluster, or starts one; whatever a crash left behind is dealt with. */
export async function attachOrStart(
  place: Place,
  binaries: Binaries,
  passwords: Passwords,
  options: StartOptions,
): Promise<Running> {
  const begun = Date.now();
  for (;;) {
    const port = await attach(place, passwords);
    if (port !== null) return { port, reused: true };
    const outcome = await launch(place, binaries, passwords, options);
    if (outcome.started) return { port: outcome.port, reused: false };
    if (/Address already in use|could not create any TCP\/IP sockets/i.test(outcome.log)) {
      if (options.port) throw portTaken(options.port);
    } else if (/lock file ".*" already exists|shared memory block .* is still in use/i.test(outcome.log)) {
      await clearCrashed(place, Date.now() - begun);
    } else {
      throw refusedByPostgres(outcome.log, place.home, place.log);
    }
    if (Date.now() - begun > START_LIMIT) throw refusedByPostgres(outcome.log, place.home, place.log);
    await pause(POLL * 5);
  }
}

/** The port of a server that runs on this cluster and accepts our password; waits while it starts, recovers or stops. */
async function attach(place: Place, passwords: Passwords): Promise<number | null> {
  const until = Date.now() + START_LIMIT;
  for (;;) {
    const lines = await pidFile(place);
    const port = Number(lines?.[3]);
    if (!lines || !Number.isInteger(port) || port <= 0) return null;
    const answer = await ask(port, passwords, place.cluster);
    if (answer === 'ours') return port;
    if (answer !== 'busy' || Date.now() > until) return null;
    await pause(POLL);
  }
}

type Outcome = { started: true; port: number } | { started: false; log: string };

async function launch(
  place: Place,
  binaries: Binaries,
  passwords: Passwords,
  options: StartOptions,
): Promise<Outcome> {
  const port = await choosePort(options.port);
  const settings = Object.entries(options.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = await openLog(place);
  const from = (await log.stat()).size;
  let exited = false;
  try {
    const child = spawn(
      binaries.postgres,
      ['-D', place.cluster, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...settings],
      // A process group of its own: Ctrl-C in the terminal is for us; we stop the server when our own work is done.
      { ...programOptions(place.account), detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    child.once('exit', () => (exited = true));
    await new Promise<void>((done, fail) => {
      child.once('spawn', done);
      child.once('error', fail);
    });
    child.unref();
    const until = Date.now() + START_LIMIT;
    for (;;) {
      if ((await ask(port, passwords, place.cluster)) === 'ours') return { started: true, port };
      if (exited || Date.now() > until) break;
      await pause(POLL);
    }
    if (!exited && child.pid) process.kill(child.pid, 'SIGINT');
  } finally {
    await log.close();
  }
  return { started: false, log: await tail(place.log, from) };
}

/**
 * Postgres refused because of what an earlier server left. It judges its own pid file well, except where the number now
 * belongs to another program. The file is removed only when no process works in the cluster any more: removing it under
 * surviving children would let two servers write the same files.
 */
async function clearCrashed(place: Place, waited: number): Promise<void> {
  const lines = await pidFile(place);
  const holders = await workingIn(place.cluster);
  if (holders === null) return;
  if (holders.length === 0) {
    const now = await pidFile(place);
    if (now && now[0] === lines?.[0] && now[2] === lines?.[2])
      await rm(join(place.cluster, 'postmaster.pid'));
    return;
  }
  const server = Number(lines?.[0]);
  if (holders.includes(server) || waited < ORPHAN_GRACE) return;
  for (const orphan of holders) if (alive(orphan)) process.kill(orphan, 'SIGQUIT');
}

/** Fast shutdown: open transactions roll back, everything else is on disk when the pid file is gone. */
export async function stopServer(place: Place): Promise<void> {
  const pid = Number((await pidFile(place))?.[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  for (const [signal, patience] of [
    ['SIGINT', 30 * SECOND],
    ['SIGQUIT', 10 * SECOND],
  ] as const) {
    if (!signalled(pid, signal)) return;
    const until = Date.now() + patience;
    while (Date.now() < until) {
      const now = await pidFile(place);
      // By the file, not by the process: a dead server whose parent died before it is reaped late.
      if (!now || Number(now[0]) !== pid) return;
      await pause(POLL);
    }
  }
  throw new Error(`the database server ${pid} did not stop`);
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw thrown;
  }
}

export function connection(port: number, passwords: Passwords, database = 'postgres'): ClientConfig {
  return {
    host: '127.0.0.1',
    port,
    user: ADMIN,
    password: passwords[ADMIN],
    database,
    connectionTimeoutMillis: 5 * SECOND,
    application_name: 'countersign bootstrap',
  };
}

async function ask(port: number, passwords: Passwords, cluster: string): Promise<'ours' | 'busy' | 'no'> {
  const client = new Client(connection(port, passwords));
  client.on('error', () => {}); // the answer below says it
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    return rows[0]?.data_directory === cluster ? 'ours' : 'no';
  } catch (thrown) {
    // 57P03: starting, recovering or stopping. 53300: full. In each case it lives, and will say more soon.
    return ['57P03', '53300'].includes((thrown as { code?: string }).code ?? '') ? 'busy' : 'no';
  } finally {
    await client.end().catch(() => {});
  }
}

/** Lines of postmaster.pid: process id, data directory, start time, port, … */
async function pidFile(place: Place): Promise<string[] | null> {
  const text = await readFile(join(place.cluster, 'postmaster.pid'), 'utf8').catch(() => null);
  return text === null ? null : text.split('\n').map((line) => line.trim());
}

async function choosePort(fixed?: number): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', (thrown: NodeJS.ErrnoException) =>
      fail(fixed && thrown.code === 'EADDRINUSE' ? portTaken(fixed) : thrown),
    );
    probe.listen(fixed ?? 0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}

function portTaken(port: number) {
  return refuse(
    'database-port-taken',
    'port',
    `port ${port} on 127.0.0.1 is taken`,
    'Name another port for the database, or none: any free one will do.',
  );
}

async function openLog(place: Place) {
  const size = await stat(place.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_LIMIT) await rename(place.log, `${place.log}.1`);
  return open(place.log, 'a', 0o600);
}

async function tail(file: string, from: number): Promise<string> {
  const text = await readFile(file);
  return text.subarray(Math.min(from, text.length)).toString('utf8').slice(-8000);
}
