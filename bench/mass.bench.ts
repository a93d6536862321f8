import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Agent, request } from 'undici';
import { MassRevocationsService } from '../src/domain/incidents/mass-revocations.service.ts';
import { ConnectionsService } from '../src/domain/revocation/connections.service.ts';
import { versionBinding } from '../src/domain/revocation/targets.service.ts';
import { newId, type Id } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { Secret } from '../src/kernel/secret.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { Vault } from '../src/platform/vault/vault.ts';
import { cpuOf } from './cpu.ts';
import { benchApp } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const LATENCY = 50;
const SUPPLIERS = 10;
/** Suppliers of the second shape, in which the calls are what takes the time, and not the computing. */
const FEW = 2;
/** Calls at once that one supplier is asked for. */
const POLITE = 4;
/** A revocation, a look, and the look again that a death needs. */
const CALLS = 3;

const BY = system('bench', 'bench');
const OWN = { api_key: 'own-api-key', application_key: 'own-application-key' };
const valueOf = (n: number) => `value-${n}-${'x'.repeat(24)}`;

/** How a supplier that is slow answers. */
const SLOW = 40 * LATENCY;

/** Answers after its latency, counts how many it answers at once, and can stop answering at all. */
class Supplier {
  readonly #server: Server;
  readonly #dead = new Set<string>();
  readonly #held = new Set<() => void>();
  #now = 0;
  most = 0;
  calls = 0;
  silent = false;
  latency = LATENCY;

  constructor() {
    this.#server = createServer((asked, answer) => {
      this.calls += 1;
      this.#now += 1;
      this.most = Math.max(this.most, this.#now);
      answer.on('close', () => (this.#now -= 1));
      if (this.silent) {
        const end = () => asked.socket.destroy();
        this.#held.add(end);
        answer.on('close', () => this.#held.delete(end));
        return;
      }
      setTimeout(() => {
        if (asked.method === 'DELETE') {
          this.#dead.add(asked.url!.split('/').at(-1)!.slice('key_'.length));
          answer.writeHead(204).end();
          return;
        }
        const key = String(asked.headers['dd-api-key']);
        const live = key === OWN.api_key || key === 'control' || !this.#dead.has(key.split('-')[1] ?? '');
        answer
          .writeHead(live ? 200 : 403, { 'content-type': 'application/json' })
          .end(live ? '{"valid":true}' : '{"errors":["Forbidden"]}');
      }, this.latency);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  stop(): void {
    for (const end of this.#held) end();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/**
 * Many credentials at ten suppliers that answer in 50 ms, revoked together and proven dead, each supplier asked politely:
 * against the arithmetic and against the same calls alone. Then again with one supplier that is slow and one that never
 * answers, and what these two cost the eight others. And a fifth as many at two suppliers, where the polite calls take
 * so long that the processor has little to do.
 *
 * Polite is what a connection allows unless an operator says otherwise: four requests at once. A proof needs three calls
 * (the revocation, a look, and the look again that a death needs), so that the arithmetic is told with one call for each
 * credential, as a lower bound, and with three.
 */
export async function massBench(place: BenchPlace): Promise<void> {
  const count = Number(process.env['BENCH_TARGETS'] ?? (place.quick ? 1000 : 10_000));
  const suppliers = Array.from({ length: SUPPLIERS }, () => new Supplier());
  const hosts = await Promise.all(suppliers.map((one) => one.start()));
  const bench = await benchApp(place, {
    name: 'mass',
    settings: {
      COUNTERSIGN_LOG_LEVEL: process.env['BENCH_LOG'] ? 'warn' : 'silent',
      COUNTERSIGN_OUTBOUND_ALLOW: hosts.join(','),
    },
  });
  const { app, admin } = bench;
  let peak = 0;
  const memory = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  try {
    const world = new World(app.get(Transactions), app.get(ConnectionsService), app.get(Vault));
    await world.suppliers(hosts);
    const mass = app.get(MassRevocationsService);

    /** @returns for each supplier how long after the start its last death was proven, and what the round took */
    const round = async (
      name: string,
      many: number,
      mute: readonly number[] = [],
      over = SUPPLIERS,
    ): Promise<{ ends: number[]; peak: number; cpu: number; own: number; calls: number }> => {
      await world.credentials(name, many, over);
      await admin.query(`ANALYZE`);
      for (const one of suppliers) one.most = one.calls = 0;
      const asker = { ...BY, id: 'one' };
      const { id } = expectOk(
        await mass.ask({ selection: { environment: name }, reason: 'bench', force: false }, asker),
      );
      const cpu = await cpuOf(admin);
      const own = process.cpuUsage();
      peak = 0;
      const started = performance.now();
      expectOk(await mass.approve(id, many, { ...BY, id: 'two' }));
      const ends = await world.ends(admin, name, started, many / over, over, mute);
      const { user, system } = process.cpuUsage(own);
      return {
        ends,
        peak,
        own: (user + system) / 1e3 / many,
        cpu: ((await cpuOf(admin)) - cpu) / many,
        calls: suppliers.reduce((sum, one) => sum + one.calls, 0) / many,
      };
    };

    const small = await round('small', count / 10);
    const idle = process.cpuUsage();
    const alone = await bareCalls(hosts, count);
    place.figure(
      `the same ${count * CALLS} calls alone, ${POLITE} at once to each of ${SUPPLIERS}`,
      alone,
      'ms',
    );
    const bare = process.cpuUsage(idle);
    place.figure(
      'CPU of both sides of the calls alone, for each credential',
      (bare.user + bare.system) / 1e3 / count,
      'ms',
    );
    const once = ((count / SUPPLIERS) * LATENCY) / POLITE;
    const ideal = once * CALLS;
    place.figure(`by arithmetic, ${CALLS} calls for each credential`, ideal, 'ms');

    const healthy = await round('healthy', count);
    const last = Math.max(...healthy.ends);
    place.figure(`approved to the last proof, ${count} credentials`, last, 'ms');
    place.figure(
      `to credentials × ${CALLS} calls × latency ÷ allowed concurrency (goal at most 1.2)`,
      last / ideal,
      '×',
    );
    place.figure('to credentials × latency ÷ allowed concurrency', last / once, '×');
    place.figure('to the same calls alone', last / alone, '×');
    place.figure('CPU of both sides for each credential', healthy.cpu * 1e3, 'ms');
    place.figure('of it in this process, the suppliers included', healthy.own, 'ms');
    place.figure('calls for each credential', healthy.calls, 'calls');
    place.figure(
      `most calls at once to one supplier (allowed ${POLITE})`,
      Math.max(...suppliers.map(({ most }) => most)),
      'calls',
    );
    place.figure(
      `memory at its peak, ${count} to ${count / 10} (goal: flat)`,
      healthy.peak / small.peak,
      '×',
    );

    const fewer = count / 5;
    const few = await round('few', fewer, [], FEW);
    const fewOnce = ((fewer / FEW) * LATENCY) / POLITE;
    const fewLast = Math.max(...few.ends);
    place.figure(`approved to the last proof, ${fewer} credentials at ${FEW} suppliers`, fewLast, 'ms');
    place.figure(
      `at ${FEW}: to credentials × ${CALLS} calls × latency ÷ allowed concurrency (goal at most 1.2)`,
      fewLast / (fewOnce * CALLS),
      '×',
    );
    place.figure(`at ${FEW}: to credentials × latency ÷ allowed concurrency`, fewLast / fewOnce, '×');
    place.figure(`at ${FEW}: CPU of both sides for each credential`, few.cpu * 1e3, 'ms');
    place.figure(
      `at ${FEW}: most calls at once to one supplier (allowed ${POLITE})`,
      Math.max(...suppliers.map(({ most }) => most)),
      'calls',
    );

    const [slow, dead] = [SUPPLIERS - 2, SUPPLIERS - 1];
    suppliers[slow]!.latency = SLOW;
    suppliers[dead]!.silent = true;
    const limping = await round('limping', count, [slow, dead]);
    place.figure(
      'the eight others beside a slow and a dead supplier, to a healthy run (goal at most 1.1)',
      percentile(limping.ends.slice(0, slow), 50) / percentile(healthy.ends.slice(0, slow), 50),
      '×',
    );
    place.figure(
      'beside these two: most calls at once to one supplier',
      Math.max(...suppliers.map(({ most }) => most)),
      'calls',
    );
  } finally {
    clearInterval(memory);
    for (const one of suppliers) one.stop();
    await bench.close();
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

  /** Waits until all are proven dead at each supplier that answers. @returns when the last proof of each was written */
  async ends(
    admin: pg.Client,
    name: string,
    started: number,
    each: number,
    over: number,
    mute: readonly number[],
  ): Promise<number[]> {
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
