import { Queue, Worker, createPostgresBackend, createRedisBackend, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { SECOND } from '../../kernel/time.ts';
import type { Config } from '../config/config.ts';
import { heedDying } from '../database/sessions.ts';
import { QUEUES, type QueueName } from '../outbox/definitions.ts';
import { CONCURRENCY, within } from './runner.ts';

/** Connections of the Postgres backend: each worker keeps one for LISTEN, and a few more do the rest. */
export const QUEUE_POOL = QUEUES.length + 4;

/** What a wake-up carries: the id of an outbox row, or the canary. Nothing else ever goes into a queue. */
interface WakeUp {
  id: string;
}

interface QueuedJob {
  name: string;
  data: WakeUp;
  /** Unique per relay of a row, as a store ignores an id that it has seen. */
  id: string;
}

/** BullMQ on Redis or on our Postgres, behind the few calls that the relay needs. */
export interface Backend {
  readonly kind: 'redis' | 'postgres';
  /** @throws Error when the store did not take the jobs, or did not say so within two seconds. */
  add(queue: QueueName, jobs: readonly QueuedJob[]): Promise<void>;
  /** Stops taking jobs and waits for those in hand. */
  closeWorkers(): Promise<void>;
  close(): Promise<void>;
}

export interface BackendSettings {
  /** Absent: this process only adds. */
  onJob?: (queue: QueueName, name: string, data: WakeUp) => Promise<void>;
  onError: (thrown: unknown) => void;
}

const KEEP = {
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 14 * 86_400, count: 10_000 },
};

// A job's own attempts cover the store's troubles only; the work's retries are rows of ours.
const WORKER = {
  autorun: false,
  lockDuration: 30 * SECOND,
  stalledInterval: 5 * SECOND,
  maxStalledCount: 5,
  drainDelay: 5,
};

/**
 * Opens the backend that the configuration names. Objects made while their store is away stay dead (Postgres), so that
 * everything is awaited here and a failure leaves nothing behind.
 *
 * @throws Error when the store cannot be reached, or is set up so that it would lose work.
 */
export async function openBackend(config: Config, settings: BackendSettings): Promise<Backend> {
  return config.redisUrl
    ? openRedis(config.redisUrl, config.production, settings)
    : openPostgres(config.databaseUrl ?? '', settings);
}

async function openRedis(url: string, production: boolean, settings: BackendSettings): Promise<Backend> {
  const producer = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    lazyConnect: true,
    connectTimeout: 3 * SECOND,
  });
  const consumer = new Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    connectTimeout: 3 * SECOND,
  });
  producer.on('error', settings.onError);
  consumer.on('error', settings.onError);
  try {
    await producer.connect();
    await refuseForgetfulRedis(producer, production);
    if (settings.onJob) await consumer.connect();
    return await assemble(
      'redis',
      settings,
      { Queue: producer, Worker: consumer },
      createRedisBackend as never,
      async () => {
        producer.disconnect();
        consumer.disconnect();
      },
    );
  } catch (thrown) {
    producer.disconnect();
    consumer.disconnect();
    throw thrown;
  }
}

/** Thrown at boot: a Redis that evicts or keeps nothing on disk is not what the operator wants work to depend on. */
export class ForgetfulRedis extends Error {}

async function refuseForgetfulRedis(redis: Redis, production: boolean): Promise<void> {
  // INFO, as hosted Redis forbids CONFIG.
  const info = `${await redis.info('memory')}\n${await redis.info('persistence')}`;
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    throw new ForgetfulRedis(
      `REDIS_URL names a Redis that evicts (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
    );
  }
  if (production && /^aof_enabled:0/m.test(info)) {
    throw new ForgetfulRedis('REDIS_URL names a Redis without an append-only file: set appendonly yes');
  }
}

async function openPostgres(url: string, settings: BackendSettings): Promise<Backend> {
  // Not the application's own pool: BullMQ's statements name its tables without a schema.
  const pool = new pg.Pool({
    connectionString: url,
    options: '-c search_path=bullmq',
    application_name: 'countersign-queue',
    max: settings.onJob ? QUEUE_POOL : 2,
    keepAlive: true,
    onConnect: heedDying,
    connectionTimeoutMillis: 5 * SECOND,
  });
  pool.on('error', settings.onError);
  try {
    await pool.query('SELECT 1');
    return await assemble(
      'postgres',
      settings,
      { Queue: pool, Worker: pool },
      createPostgresBackend as never,
      () => pool.end(),
    );
  } catch (thrown) {
    await pool.end();
    throw thrown;
  }
}

async function assemble(
  kind: Backend['kind'],
  settings: BackendSettings,
  connections: { Queue: unknown; Worker: unknown },
  factory: never,
  release: () => Promise<void>,
): Promise<Backend> {
  const queues = new Map<QueueName, Queue<WakeUp>>();
  const workers: Worker<WakeUp>[] = [];
  for (const name of QUEUES) {
    const queue = new Queue<WakeUp>(
      name,
      {
        connection: connections.Queue as never,
        defaultJobOptions: { ...KEEP, attempts: 1, sizeLimit: 10_000 },
      },
      factory,
    );
    queue.on('error', settings.onError);
    queues.set(name, queue);
    const { onJob } = settings;
    if (!onJob) continue;
    const work = (job: Job<WakeUp>) => onJob(name, job.name, job.data);
    const worker = new Worker<WakeUp>(
      name,
      work,
      { ...WORKER, ...KEEP, concurrency: CONCURRENCY[name], connection: connections.Worker as never },
      factory,
    );
    worker.on('error', settings.onError);
    workers.push(worker);
  }
  await Promise.all([...queues.values(), ...workers].map((object) => object.waitUntilReady()));
  for (const worker of workers) worker.run().catch(settings.onError);

  // An add during or after close never settles on the Postgres backend.
  let closed = false;
  return {
    kind,
    async add(name, jobs) {
      if (closed) throw new Error('the queue is closed');
      const queue = queues.get(name);
      if (!queue) throw new Error(`no queue ${name}`);
      for (let at = 0; at < jobs.length; at += CHUNK) {
        const added = addAll(kind, queue, jobs.slice(at, at + CHUNK));
        if ((await within(added, 2 * SECOND)) === 'late') {
          added.catch(settings.onError);
          throw new Error('the queue did not answer within two seconds');
        }
      }
    },
    async closeWorkers() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
    async close() {
      closed = true;
      await within(
        Promise.all([
          ...workers.map((worker) => worker.close(true)),
          ...[...queues.values()].map((queue) => queue.close()),
        ]),
        2 * SECOND,
      );
      await within(release(), 3 * SECOND);
    },
  };
}

const CHUNK = 50;

/**
 * On Postgres one by one: BullMQ's bulk statement makes temporary tables and a sequence, for which our role has no right,
 * and whose churn would swell the catalogue.
 */
async function addAll(
  kind: Backend['kind'],
  queue: Queue<WakeUp>,
  jobs: readonly QueuedJob[],
): Promise<void> {
  if (kind === 'redis') {
    await queue.addBulk(jobs.map((job) => ({ name: job.name, data: job.data, opts: { jobId: job.id } })));
  } else {
    await Promise.all(jobs.map((job) => queue.add(job.name, job.data, { jobId: job.id })));
  }
}
