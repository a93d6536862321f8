import { spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type {
  AlertView,
  Health,
  StateInput,
  SupplierView,
  Truth,
  WorldDescriptor,
} from './control/schema.ts';
import { healthOf, readDescriptor } from './folder.ts';
import type { Fault, FaultInput } from './ground/faults.ts';
import type { AlertInput, DeliveryInput, DeliveryView, HookInput } from './github/schema.ts';
import type { MailEntry, MailTruth, ReadMail } from './mail/mail-server.ts';
import type { Deed, Person, PersonInput } from './people/schema.ts';
import type { SupplierTruth } from './suppliers/credential-book.ts';
import type { PresetOffer } from './suppliers/connector-presets.ts';
import type { IssueInput, Issued } from './suppliers/supplier.ts';

/** The control API of a running world, typed. Every method throws an Error that carries the world's own words. */
export class WorldClient {
  constructor(readonly descriptor: WorldDescriptor) {}

  /** `http://127.0.0.1:PORT` of an inhabitant that serves HTTP. */
  origin(who: 'control' | 'meridian' | 'northwind' | 'kestrel' | 'github'): string {
    return `http://127.0.0.1:${this.descriptor.ports[who]}`;
  }
  get smtpUrl(): string {
    return `smtp://127.0.0.1:${this.descriptor.ports.smtp}`;
  }
  /** The exact `host:port` of everything that somebody outside may call. */
  hosts(): string[] {
    const { control: _, ...others } = this.descriptor.ports;
    return Object.values(others).map((port) => `127.0.0.1:${port}`);
  }

  health = (): Promise<Health> => this.call('GET', '/control/health');
  stop = (): Promise<{ stopping: true }> => this.call('POST', '/control/stop');
  suppliers = (): Promise<SupplierView[]> => this.call('GET', '/control/suppliers');
  /** Connector presets of the world's suppliers, as the product's public import takes them. */
  connectors = (): Promise<PresetOffer[]> => this.call('GET', '/control/portfolio-connectors');

  /** Real credentials. Their values are said this once. */
  issue = (order: IssueInput): Promise<Issued[]> => this.call('POST', '/control/credentials', order);
  /** Changes what is so at a supplier, behind its API. Without ids: everything it ever issued. */
  setState = (change: StateInput): Promise<{ changed: number }> =>
    this.call('POST', '/control/credentials/state', change);
  openSessions = (supplier: string, id: string, count = 1): Promise<{ sessions: string[] }> =>
    this.call('POST', '/control/sessions', { supplier, id, count });
  /** What the manager of an account holds: `admin_key`, or `client_id` and `client_secret`. */
  access = (supplier: string, account = 'main'): Promise<Record<string, string>> =>
    this.call('POST', '/control/access', { supplier, account });

  faults = (): Promise<Fault[]> => this.call('GET', '/control/faults');
  putFault = (fault: FaultInput): Promise<Fault> => this.call('POST', '/control/faults', fault);
  clearFaults = (which: { id?: string; target?: string } = {}): Promise<{ cleared: number }> =>
    this.call('DELETE', `/control/faults?${new URLSearchParams(which).toString()}`);

  githubToken = (): Promise<{ token: string }> => this.call('POST', '/control/github/tokens');
  setHook = (hook: HookInput): Promise<{ ok: true }> => this.call('PUT', '/control/github/hook', hook);
  raiseAlert = (alert: AlertInput): Promise<AlertView> => this.call('POST', '/control/github/alerts', alert);
  deliver = (delivery: DeliveryInput): Promise<DeliveryView> =>
    this.call('POST', '/control/github/deliveries', delivery);
  redeliver = (guid: string): Promise<DeliveryView> =>
    this.call('POST', `/control/github/deliveries/${guid}/redeliver`);
  deliveries = (): Promise<DeliveryView[]> => this.call('GET', '/control/github/deliveries');

  mailboxes = (): Promise<{ address: string; messages: number }[]> => this.call('GET', '/control/mailboxes');
  mailbox = (address: string): Promise<MailEntry[]> =>
    this.call('GET', `/control/mailboxes/${encodeURIComponent(address)}`);
  mail = (): Promise<MailTruth> => this.call('GET', '/control/mail');
  readMail = (id: string): Promise<ReadMail> => this.call('GET', `/control/mail/${id}`);

  putPeople = (people: PersonInput[]): Promise<Omit<Person, 'token'>[]> =>
    this.call('POST', '/control/people', people);
  people = (): Promise<{ people: Omit<Person, 'token'>[]; deeds: Deed[] }> =>
    this.call('GET', '/control/people');

  truth = (o: { supplier?: string; after?: number; limit?: number } = {}): Promise<Truth> => {
    const query = Object.entries(o).map(([name, value]): [string, string] => [name, String(value)]);
    return this.call('GET', `/control/truth?${new URLSearchParams(query).toString()}`);
  };
  async truthOf(supplier: string): Promise<SupplierTruth> {
    const [truth] = (await this.truth({ supplier })).suppliers;
    if (!truth) throw new Error(`no supplier ${supplier}`);
    return truth;
  }

  private async call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const answer = await request(`${this.origin('control')}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.descriptor.controlToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`world: ${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as T;
  }
}

export interface SpawnedWorld {
  client: WorldClient;
  pid: number;
  /** Whether it was running already. */
  attached: boolean;
  /** Resolves with the exit code, or the signal's name, of a world that this process started. */
  ended: Promise<number | string> | null;
}

/** The world that serves this folder, or null. */
export async function attachWorld(dir: string): Promise<WorldClient | null> {
  const descriptor = await readDescriptor(dir);
  return descriptor && (await healthOf(descriptor)) ? new WorldClient(descriptor) : null;
}

/**
 * Starts the world as a process of its own and waits until it serves; a world that serves the folder already is taken.
 * The process outlives this one; `client.stop()` or a signal to `pid` ends it. What it prints goes to `DIR/world.log`.
 *
 * @param entry compiled entry; by default the one beside this file, or below `dist` when this file is TypeScript source
 *              (tests): then `npm run build` must have run
 * @throws Error with the end of `world.log` when it does not serve within 20 s
 */
export async function spawnWorld(o: { dir: string; entry?: string }): Promise<SpawnedWorld> {
  const running = await attachWorld(o.dir);
  if (running) return { client: running, pid: running.descriptor.pid, attached: true, ended: null };
  mkdirSync(o.dir, { recursive: true, mode: 0o700 });
  const log = openSync(join(o.dir, 'world.log'), 'a', 0o600);
  const child = spawn(process.execPath, ['--enable-source-maps', o.entry ?? defaultEntry(), '--dir', o.dir], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<number | string>((done) => {
    child.once('exit', (code, signal) => done(code ?? signal ?? 'unknown'));
    child.once('error', (error) => done(error.message));
  });
  child.unref();
  const deadline = Date.now() + 20_000;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const descriptor = await readDescriptor(o.dir);
    if (descriptor && descriptor.pid === child.pid && (await healthOf(descriptor))) {
      return { client: new WorldClient(descriptor), pid: descriptor.pid, attached: false, ended };
    }
    await delay(25);
  }
  child.kill('SIGKILL');
  const printed = await readFile(join(o.dir, 'world.log'), 'utf8').catch(() => '');
  throw new Error(
    `the outside world did not start (${child.exitCode ?? child.signalCode ?? 'no answer'}): ${printed.slice(-2_000)}`,
  );
}

function defaultEntry(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith('.ts') ? '../../dist/src/sandbox/main.js' : './main.js', here));
}
