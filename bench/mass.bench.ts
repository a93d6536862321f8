import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Agent, request } from 'undici';
import { createApp } from '../src/create-app.ts';
import { MassRevocationsService } from '../src/domain/incidents/mass-revocations.service.ts';
import { ConnectionsService } from '../src/domain/revocation/connections.service.ts';
import { versionBinding } from '../src/domain/revocation/targets.service.ts';
import { newId, type Id } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { Secret } from '../src/kernel/secret.ts';
import { parseConfig } from '../src/platform/config/config.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { Vault } from '../src/platform/vault/vault.ts';
import { postgresCpu } from './cpu.ts';
import type { WorkerUse } from './mass-child.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';
import { Suppliers } from './suppliers.ts';

const LATENCY = 50;
const SUPPLIERS = 10;
/** Suppliers of the second shape, in which the calls are what takes the time, and not the computing of two cores. */
const FEW = 5;
/** Calls at once that one supplier is asked for. */
const POLITE = 4;
/** A revocation, a look, and the look again that a death needs. */
const CALLS = 3;

const BY = system('bench', 'bench');
const OWN = { api_key: 'own-api-key', application_key: 'own-application-key' };
const valueOf = (n: number) => `value-${n}-${'x'.repeat(24)}`;

/** How a supplier that is slow answers. */
const SLOW = 40 * LATENCY;
/** The shape with more than one worker: what a machine of two cores runs. */
const WORKERS = 2;

/**
 * Many credentials at ten suppliers that answer in 50 ms, revoked together and proven dead, each supplier asked politely:
 * against the arithmetic and against the same calls alone. Then by two workers; then with one supplier that is slow and one
 * that never answers, and what these two cost the eight others. And as many at half of the suppliers, where the polite calls
 * take longer than the computing.
 *
 * The product's worker and the suppliers are processes of their own, so that what is told of the worker is its own.
 *
 * Polite is what a connection allows unless an operator says otherwise: four requests at once. A proof needs three calls
 * (the revocation, a look, and the look again that a death needs), so that the arithmetic is told with one call for each
 * credential, as a lower bound, and with three.
 */
export async function massBench(place: BenchPlace): Promise<void> {
  const count = Number(process.env['BENCH_TARGETS'] ?? (place.quick ? 1000 : 10_000));
  const folder = await mkdtemp(join(tmpdir(), 'countersign-mass-bench-'));
  const suppliers = await Suppliers.start(SUPPLIERS, LATENCY, OWN.api_key);
  const { hosts } = suppliers;
  const database = await place.database('mass');
  const environment = {
    NODE_ENV: 'production',
    COUNTERSIGN_DATA: folder,
    COUNTERSIGN_LOG_LEVEL: process.env['BENCH_LOG'] ? 'warn' : 'silent',
    DATABASE_URL: database.appUrl,
    COUNTERSIGN_OUTBOUND_ALLOW: hosts.join(','),
    ...(place.redisUrl ? { REDIS_URL: place.redisUrl } : {}),
  };
  const app = await createApp({
    config: expectOk(parseConfig(environment)),
    duties: { serves: true, works: false },
  });
  await app.init();
  const workers = [await Worker.start(environment)];
  const admin = new pg.Client(database.adminUrl);
  admin.on('error', () => {});
  await admin.connect();
  try {
    const world = new World(app.get(Transactions), app.get(ConnectionsService), app.get(Vault));
    await world.suppliers(hosts);
    const mass = app.get(MassRevocationsService);

    const round = async (
      name: string,
      many: number,
      { mute = [], over = SUPPLIERS }: { mute?: readonly number[]; over?: number } = {},
    ): Promise<Round> => {
      await world.credentials(name, many, over);
      await admin.query(`ANALYZE`);
      await suppliers.stats();
      const asker = { ...BY, id: 'one' };
      const { id } = expectOk(
        await mass.ask({ selection: { environment: name }, reason: 'bench', force: false }, asker),
      );
      const postgres = await postgresCpu(admin);
      for (const worker of workers) await worker.use();
      const started = performance.now();
      expectOk(await mass.approve(id, many, { ...BY, id: 'two' }));
      let live = 0;
      const half = async () => {
        for (const worker of workers) live = Math.max(live, (await worker.live()).liveMb);
      };
      const ends = await world.ends(admin, name, started, many / over, over, mute, half);
      const uses = await Promise.all(workers.map((worker) => worker.use()));
      const { stats } = await suppliers.stats();
      return {
        ends,
        last: Math.max(...ends.filter((end) => !Number.isNaN(end))),
        first: await world.first(admin, name, started),
        peak: Math.max(...uses.map(({ peakMb }) => peakMb)),
        live,
        own: uses.reduce((sum, { cpu }) => sum + cpu, 0) / many,
        postgres: (((await postgresCpu(admin)) - postgres) * 1e3) / many,
        calls: stats.reduce((sum, one) => sum + one.calls, 0) / many,
        most: Math.max(...stats.map(({ most }) => most)),
      };
    };
    const tell = (what: string, { own, postgres, calls, most }: Round) => {
      place.figure(`${what}: CPU of the workers for each credential`, own, 'ms');
      place.figure(`${what}: CPU of Postgres for each credential`, postgres, 'ms');
      place.figure(`${what}: calls for each credential`, calls, 'calls');
      place.figure(`${what}: most calls at once to one supplier (allowed ${POLITE})`, most, 'calls');
    };

    const small = await round('small', count / 10);
    const idle = process.cpuUsage();
    const before = await suppliers.stats();
    const alone = await bareCalls(hosts, count);
    const { user, system } = process.cpuUsage(idle);
    place.figure(
      `the same ${count * CALLS} calls alone, ${POLITE} at once to each of ${SUPPLIERS}`,
      alone,
      'ms',
    );
    place.figure('CPU of a bare client for the calls of one credential', (user + system) / 1e3 / count, 'ms');
    place.figure(
      'CPU of the suppliers for the calls of one credential',
      ((await suppliers.stats()).cpu - before.cpu) / count,
      'ms',
    );
    const once = ((count / SUPPLIERS) * LATENCY) / POLITE;
    const ideal = once * CALLS;
    place.figure(`by arithmetic, ${CALLS} calls for each credential`, ideal, 'ms');

    const healthy = await round('healthy', count);
    place.figure('approved to the first proof', healthy.first, 'ms');
    place.figure(`approved to the last proof, ${count} credentials`, healthy.last, 'ms');
    place.figure(
      `to credentials × ${CALLS} calls × latency ÷ allowed concurrency (goal at most 1.2)`,
      healthy.last / ideal,
      '×',
    );
    place.figure('to credentials × latency ÷ allowed concurrency', healthy.last / once, '×');
    place.figure('to the same calls alone', healthy.last / alone, '×');
    tell('one worker', healthy);
    place.figure(`memory at its peak with ${count}`, healthy.peak, 'MB');
    place.figure(
      `memory at its peak, ${count} to ${count / 10} (goal: flat)`,
      healthy.peak / small.peak,
      '×',
    );
    place.figure(`what lives in memory when half are proven, of ${count}`, healthy.live, 'MB');
    place.figure(
      `what lives in memory, ${count} to ${count / 10} (goal: flat)`,
      healthy.live / small.live,
      '×',
    );

    const few = await round('few', count, { over: FEW });
    const fewOnce = ((count / FEW) * LATENCY) / POLITE;
    place.figure(`approved to the last proof, ${count} credentials at ${FEW} suppliers`, few.last, 'ms');
    place.figure(
      `at ${FEW}: to credentials × ${CALLS} calls × latency ÷ allowed concurrency (goal at most 1.2)`,
      few.last / (fewOnce * CALLS),
      '×',
    );
    place.figure(`at ${FEW}: to credentials × latency ÷ allowed concurrency`, few.last / fewOnce, '×');
    tell(`at ${FEW}`, few);

    while (workers.length < WORKERS) workers.push(await Worker.start(environment));
    const shared = await round('shared', count);
    place.figure(`approved to the last proof by ${WORKERS} workers, ${count} credentials`, shared.last, 'ms');
    place.figure(
      `${WORKERS} workers: to credentials × ${CALLS} calls × latency ÷ allowed concurrency (goal at most 1.2)`,
      shared.last / ideal,
      '×',
    );
    tell(`${WORKERS} workers`, shared);
    await Promise.all(workers.splice(1).map((worker) => worker.stop()));

    const [slow, dead] = [SUPPLIERS - 2, SUPPLIERS - 1];
    await suppliers.limp(slow, dead, SLOW);
    const limping = await round('limping', count, { mute: [slow, dead] });
    place.figure(
      'the eight others beside a slow and a dead supplier, to a healthy run (goal at most 1.1)',
      percentile(limping.ends.slice(0, slow), 50) / percentile(healthy.ends.slice(0, slow), 50),
      '×',
    );
    tell('beside these two', limping);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    suppliers.stop();
    await app.close();
    await admin.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What one round showed. */
interface Round {
  /** For each supplier, how long after the approval its last death was proven. */
  ends: number[];
  first: number;
  last: number;
  peak: number;
  live: number;
  own: number;
  postgres: number;
  calls: number;
  most: number;
}

/** A worker of the product in a process of its own. */
class Worker {
  private constructor(private readonly child: ChildProcess) {}

  static async start(environment: Readonly<Record<string, string>>): Promise<Worker> {
    const child = fork(new URL(import.meta.url.replace('mass.bench', 'mass-child')), {
      // As `npm start` does.
      execArgv: [...process.execArgv, '--max-semi-space-size=32', '--heap-growing-percent=100'],
      env: { ...process.env, ...environment, COUNTERSIGN_ROLE: 'worker' },
    });
    await once(child, 'message');
    return new Worker(child);
  }

  /** Since the last question. */
  use(): Promise<WorkerUse> {
    return this.#ask('use');
  }
  live(): Promise<WorkerUse> {
    return this.#ask('live');
  }
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.send('stop');
    await ended;
  }

  async #ask(what: 'live' | 'use'): Promise<WorkerUse> {
    this.child.send(what);
    const [use] = (await once(this.child, 'message')) as [WorkerUse];
    return use;
  }
}

/** The portfolio of the bench. */
class World {
  readonly #parties: Id[] = [];
  readonly #connections: Id[] = [];
  #numbers = 0;

  constructor(
    private readonly transactions: Transactions,
    private readonly connections: ConnectionsService,
    private readonly vault: Vault,
  ) {}

  async suppliers(hosts: readonly string[]): Promise<void> {
    for (const [n, host] of hosts.entries()) {
      const id = newId();
      await this.transactions.run(BY, async (db) => {
        await db.query(
          `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $2, $2, now(), now())`,
          [id, `PTY-BENCH-${n}`],
        );
        const made = await this.connections.put(
          db,
          {
            source: 'bench',
            externalKey: `supplier-${n}`,
            partyId: id,
            name: `Supplier ${n}`,
            presetKey: 'datadog',
            baseUrl: `http://${host}`,
            environment: 'production',
            auth: Object.fromEntries(Object.entries(OWN).map(([name, text]) => [name, Secret.of(text)])),
            control: { value: Secret.of('control'), supplierId: 'key_control' },
            maxConcurrent: POLITE,
          },
          BY,
        );
        this.#connections.push(expectOk(made).id);
      });
      this.#parties.push(id);
    }
  }

  /** So many credentials, spread over the first suppliers, each value sealed here. */
  async credentials(name: string, count: number, over: number): Promise<void> {
    const integration = newId();
    const rows = Array.from({ length: count }, (_, n) => ({
      credential: newId(),
      version: newId(),
      number: this.#numbers + n,
      party: this.#parties[n % over]!,
      connection: this.#connections[n % over]!,
    }));
    this.#numbers += count;
    await this.transactions.run(BY, async (db) => {
      await db.query(
        `INSERT INTO integration (id, reference, name, state, created_at, updated_at) VALUES ($1, $2, $2, 'live', now(), now())`,
        [integration, `INT-${name}`],
      );
      await db.query(
        `INSERT INTO credential (id, reference, integration_id, name, kind, environment, issuer_party_id, verifier_party_id, authority,
                                 revocability, connection_id, created_at, updated_at)
         SELECT c, 'CRD-' || n, $1, 'Key ' || n, 'datadog_api_key', $2, p, p, 'revoke_now', 'instant', k, now(), now()
           FROM unnest($3::uuid[], $4::int[], $5::uuid[], $6::uuid[]) AS r(c, n, p, k)`,
        [
          integration,
          name,
          rows.map((row) => row.credential),
          rows.map((row) => row.number),
          rows.map((row) => row.party),
          rows.map((row) => row.connection),
        ],
      );
      await db.query(
        `INSERT INTO credential_use (credential_id, integration_id, label, since) SELECT c, $1, 'key', now() FROM unnest($2::uuid[]) AS c`,
        [integration, rows.map((row) => row.credential)],
      );
    });
    for (let from = 0; from < count; from += 500) {
      await this.transactions.run(BY, async (db) => {
        const some = rows.slice(from, from + 500);
        await db.query(
          `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, phase, created_at)
           SELECT v, c, $1, 1, 'key_' || n, 'active', now() FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS r(v, c, n)`,
          [
            integration,
            some.map((row) => row.version),
            some.map((row) => row.credential),
            some.map((row) => row.number),
          ],
        );
        const refs = await this.vault.putAll(
          db,
          some.map(({ version, number }) => ({
            boundTo: versionBinding(version),
            value: Secret.of(valueOf(number)),
          })),
        );
        await db.query(
          `UPDATE credential_version v SET store_ref = r.ref FROM unnest($1::uuid[], $2::text[]) AS r(id, ref) WHERE v.id = r.id`,
          [some.map((row) => row.version), refs],
        );
      });
    }
  }

  /** How long after the start the first death was proven. */
  async first(admin: pg.Client, name: string, started: number): Promise<number> {
    const { rows } = await admin.query<{ at: Date }>(
      `SELECT min(d.dead_since) AS at FROM version_death d JOIN credential c ON c.id = d.credential_id WHERE c.environment = $1`,
      [name],
    );
    return rows[0]!.at.getTime() - (Date.now() - (performance.now() - started));
  }

  /** Waits until all are proven dead at each supplier that answers. @returns when the last proof of each was written */
  async ends(
    admin: pg.Client,
    name: string,
    started: number,
    each: number,
    over: number,
    mute: readonly number[],
    half: () => Promise<void>,
  ): Promise<number[]> {
    let halfway = false;
    const limit = performance.now() + 900_000;
    const asked = this.#parties.slice(0, over);
    const wanted = asked.filter((_, n) => !mute.includes(n));
    const startedAt = Date.now() - (performance.now() - started);
    for (;;) {
      // Seldom, as the question costs something, too, and more the more there are.
      await delay(Math.max(250, (each * over) / 5));
      const { rows } = await admin.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM version_death d JOIN credential c ON c.id = d.credential_id
          WHERE c.environment = $1 AND d.liveness = 'dead' AND c.verifier_party_id = ANY($2::uuid[])`,
        [name, wanted],
      );
      const n = rows[0]?.n ?? 0;
      if (!halfway && n >= (each * wanted.length) / 2) {
        halfway = true;
        await half();
      }
      if (n === each * wanted.length) break;
      if (performance.now() > limit) throw new Error(`${n} proven dead within fifteen minutes`);
    }
    const { rows } = await admin.query<{ party: Id; at: Date }>(
      `SELECT c.verifier_party_id AS party, max(e.at) AS at FROM ledger_entry e
         JOIN credential_version v ON v.id = e.subject_id JOIN credential c ON c.id = v.credential_id
        WHERE e.kind = 'revocation.proven-dead' AND c.environment = $1 GROUP BY 1`,
      [name],
    );
    const at = new Map(rows.map((row) => [row.party, row.at.getTime() - startedAt]));
    return asked.map((party, n) => (mute.includes(n) ? Number.NaN : at.get(party)!));
  }
}

/** What the suppliers alone allow: the same calls with the same politeness, by a bare client. */
async function bareCalls(hosts: readonly string[], count: number): Promise<number> {
  const dispatcher = new Agent({ connections: POLITE });
  const started = performance.now();
  await Promise.all(
    hosts.flatMap((host) => {
      let left = (count / SUPPLIERS) * CALLS;
      return Array.from({ length: POLITE }, async () => {
        while (left-- > 0) {
          const answer = await request(`http://${host}/api/v1/validate`, {
            dispatcher,
            headers: { 'dd-api-key': 'control' },
          });
          await answer.body.dump();
        }
      });
    }),
  );
  await dispatcher.close();
  return performance.now() - started;
}
