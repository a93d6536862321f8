import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { writeWhole } from '../folder.ts';

/** Where the built application is. */
export interface Entries {
  main: string;
  cli: string;
  world: string;
}

/** The entries beside this file, once compiled. */
export const builtEntries = (): Entries => {
  const entry = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  return { main: entry('../../main.js'), cli: entry('../../cli.js'), world: entry('../main.js') };
};

const READY_MS = 120_000;
const STOP_MS = 50_000;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The process that a pid file names, if it lives and runs that script; pids are used again. */
export async function processOf(pidFile: string, script: string): Promise<number | null> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid < 2 || !isAlive(pid)) return null;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return commandLine === null || commandLine.includes(script) ? pid : null;
}

export async function writePid(pidFile: string, pid: number): Promise<void> {
  await writeWhole(pidFile, `${pid}\n`);
}

/** Whether somebody may listen there now. */
export async function isFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== null;
}

export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === null) throw new Error('no port is free on 127.0.0.1');
  return port;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : null));
    });
  });
}

/** The application's process, whoever started it. */
export class AppProcess {
  /** Set when it ended: the exit code, or the signal's name. */
  ended: string | null = null;
  private stopping = false;

  private constructor(
    readonly pid: number,
    readonly url: string,
    readonly attached: boolean,
    private readonly pidFile: string,
  ) {}

  /** The application that is running already, if it answers. */
  static async attach(o: { pidFile: string; url: string; entry: string }): Promise<AppProcess | null> {
    const pid = await processOf(o.pidFile, scriptOf(o.entry));
    if (pid === null) return null;
    const app = new AppProcess(pid, o.url, true, o.pidFile);
    app.watch();
    // It may be at its start, or recovering.
    for (
      const deadline = Date.now() + 30_000;
      app.ended === null && Date.now() < deadline;
      await delay(100)
    ) {
      if (await isReady(o.url)) return app;
    }
    if (app.ended === null) {
      throw new Error(
        `process ${pid} (${o.pidFile}) runs and is not ready at ${o.url}; see app.log beside it, or end it with kill ${pid}`,
      );
    }
    return null;
  }

  /**
   * Starts the application and waits until it is ready. It outlives this process; what it prints goes to `log`.
   *
   * @throws Error with the end of the log when it does not get ready
   */
  static async start(o: {
    entry: string;
    env: NodeJS.ProcessEnv;
    url: string;
    pidFile: string;
    log: string;
  }): Promise<AppProcess> {
    const log = openSync(o.log, 'a', 0o600);
    const child = spawn(process.execPath, ['--enable-source-maps', o.entry], {
      detached: true,
      stdio: ['ignore', log, log],
      env: o.env,
    });
    closeSync(log);
    const failed = new Promise<string>((done) => child.once('error', (error) => done(error.message)));
    if (child.pid === undefined) throw new Error(`the application cannot be started: ${await failed}`);
    await writePid(o.pidFile, child.pid);
    const app = new AppProcess(child.pid, o.url, false, o.pidFile);
    child.once('exit', (code, signal) => (app.ended ??= signal ?? `status ${code}`));
    child.unref();
    const deadline = Date.now() + READY_MS;
    while (app.ended === null && Date.now() < deadline) {
      if (await isReady(o.url)) return app;
      await delay(50);
    }
    const why = app.ended === null ? `not ready after ${READY_MS / 1000} s` : `it ended (${app.ended})`;
    await app.stop();
    throw new Error(`the application did not start: ${why}\n${await lastWords(o.log)}`);
  }

  /** Notices when a process that somebody else started ends. */
  private watch(): void {
    const timer = setInterval(() => {
      if (isAlive(this.pid)) return;
      this.ended ??= 'gone';
      clearInterval(timer);
    }, 250);
    timer.unref();
  }

  /** Asks it to stop, and waits; what does not stop in time is ended. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    if (isAlive(this.pid)) process.kill(this.pid, 'SIGTERM');
    for (const deadline = Date.now() + STOP_MS; this.runs() && Date.now() < deadline;) await delay(50);
    if (this.runs()) process.kill(this.pid, 'SIGKILL');
    await rm(this.pidFile, { force: true });
  }

  private runs(): boolean {
    return this.ended === null && isAlive(this.pid);
  }
}

const scriptOf = (entry: string): string => entry.slice(-'/src/main.js'.length);

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await request(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    const ready = (await answer.body.json()) as { ready?: boolean };
    return answer.statusCode === 200 && ready.ready === true;
  } catch {
    return false;
  }
}

/** What a process printed last, without the colour and the time of each line. */
async function lastWords(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').slice(-5);
  return lines.map((line) => `  ${line.slice(0, 400)}`).join('\n');
}

/** Runs one command of an operator and gives what it printed. */
export async function runCli(
  entry: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<string> {
  const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], { env, stdio: 'pipe' });
  const out: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  if (code !== 0) {
    throw new Error(
      `countersign ${args.slice(0, 2).join(' ')}: ${Buffer.concat(said).toString('utf8').trim()}`,
    );
  }
  return Buffer.concat(out).toString('utf8');
}

export const logFile = (dir: string): string => join(dir, 'app.log');
