import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { newId, type Id } from '../../kernel/ids.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';

/** A worker's lease, and how often it is renewed. A peer may take its `short` steps this long after its last breath. */
export const LEASE: Millis = 2 * SECOND;
const BEAT: Millis = 0.4 * SECOND;
/** A main loop that has not ticked for so long works on nothing: the heart stops for it. */
const STUCK: Millis = 10 * SECOND;

export interface HeartSettings {
  databaseUrl: string;
  /** The lease holds; steps may be claimed under this worker id. */
  onReady(worker: Id): void;
  /** The lease was lost: whatever is in hand belongs to peers now. A new id follows by `onReady`. */
  onLost(): void;
  onError(message: string): void;
}

/**
 * The worker's heartbeat, in a thread and on a connection of its own, so that neither a busy main loop nor a full pool
 * makes peers believe that the process is dead; and so that a main loop that really stands still does not look alive.
 */
export class Heart {
  readonly #tick = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #worker: Id | undefined;

  /** The id under which steps may be claimed; undefined while there is no lease. */
  get worker(): Id | undefined {
    return this.#worker;
  }

  start(settings: HeartSettings): void {
    this.#ticker = setInterval(() => Atomics.add(this.#tick, 0, 1), 200).unref();
    this.#begin(settings);
  }

  #begin(settings: HeartSettings): void {
    const thread = new Worker(`(${beat.toString()})(require)`, {
      eval: true,
      name: 'countersign-heart',
      workerData: {
        pg: createRequire(import.meta.url).resolve('pg'),
        url: settings.databaseUrl,
        name: `${hostname()}:${process.pid}`,
        tick: this.#tick.buffer,
        lease: LEASE,
        every: BEAT,
        stuck: STUCK,
      },
    });
    this.#thread = thread;
    thread.unref();
    thread.on('message', (message: Message) => {
      if (message.kind === 'want-id') thread.postMessage(newId());
      else if (message.kind === 'ready') settings.onReady((this.#worker = message.id));
      else if (message.kind === 'lost') {
        this.#worker = undefined;
        settings.onLost();
      } else settings.onError(message.text);
    });
    // A thread that falls takes the lease with it; a new one gets a new id.
    thread.on('error', (thrown) => settings.onError(String(thrown)));
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#worker = undefined;
      settings.onLost();
      setTimeout(() => this.#thread === thread && this.#begin(settings), SECOND).unref();
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    const thread = this.#thread;
    this.#thread = undefined;
    this.#worker = undefined;
    await thread?.terminate();
  }
}

type Message =
  { kind: 'want-id' } | { kind: 'ready'; id: Id } | { kind: 'lost' } | { kind: 'error'; text: string };

interface HeartData {
  pg: string;
  url: string;
  name: string;
  tick: SharedArrayBuffer;
  lease: number;
  every: number;
  stuck: number;
}

/**
 * The thread's program. It is handed over as text, since a compiled and an uncompiled tree load threads differently; so
 * it uses nothing from this module.
 */
function beat(load: NodeJS.Require): void {
  const { workerData, parentPort } = load('node:worker_threads') as typeof import('node:worker_threads');
  const data = workerData as HeartData;
  const port = parentPort!;
  const { Client } = load(data.pg) as typeof import('pg');
  const tick = new Int32Array(data.tick);
  let seen = -1;
  let seenAt = performance.now();
  let heldAt = seenAt;
  let id: string | undefined;
  let client: InstanceType<typeof Client> | undefined;

  const ask = () =>
    new Promise<string>((resolve) => {
      port.once('message', resolve);
      port.postMessage({ kind: 'want-id' });
    });
  const connect = async () => {
    const fresh = new Client({
      connectionString: data.url,
      application_name: 'countersign-heart',
      keepAlive: true,
      connectionTimeoutMillis: data.lease,
      statement_timeout: data.lease,
      query_timeout: data.lease,
    });
    fresh.on('error', () => (client = client === fresh ? undefined : client));
    await fresh.connect();
    await fresh.query(`SELECT set_config('countersign.scope', 'installation', false)`);
    return fresh;
  };
  const round = async () => {
    const now = performance.now();
    if (tick[0] !== seen) {
      seen = tick[0]!;
      seenAt = now;
    }
    if (now - seenAt > data.stuck) return; // the lease runs out by itself
    client ??= await connect();
    if (id !== undefined) {
      const held = await client.query(
        `UPDATE engine_worker SET lease_until = clock_timestamp() + $2 * interval '1 millisecond' WHERE id = $1 AND lease_until > clock_timestamp()`,
        [id, data.lease],
      );
      if (held.rowCount === 1) {
        heldAt = now;
        return;
      }
      lose();
    }
    const next = await ask();
    await client.query(
      `INSERT INTO engine_worker (id, name, started_at, lease_until) VALUES ($1, $2, clock_timestamp(), clock_timestamp() + $3 * interval '1 millisecond')`,
      [next, data.name, data.lease],
    );
    id = next;
    heldAt = now;
    port.postMessage({ kind: 'ready', id });
  };
  const lose = () => {
    id = undefined;
    port.postMessage({ kind: 'lost' });
  };
  const loop = () => {
    round()
      .catch((thrown: unknown) => {
        void client?.end().catch(() => {});
        client = undefined;
        // Without an answer from the database for a whole lease a peer may have our steps: stop working on them.
        if (id !== undefined && performance.now() - heldAt > data.lease) lose();
        port.postMessage({ kind: 'error', text: thrown instanceof Error ? thrown.message : String(thrown) });
      })
      .finally(() => setTimeout(loop, data.every));
  };
  loop();
}
