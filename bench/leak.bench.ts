import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { ConnectionsService } from '../src/domain/revocation/connections.service.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { Secret } from '../src/kernel/secret.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { benchApp, benchToken } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const MANY = Number(process.env['BENCH_TARGETS'] ?? 10_000);
const BASELINE = 200;

const BY = system('bench', 'bench');
const SIGNING = randomBytes(32);
const OWN = { api_key: 'own-api-key', application_key: 'own-application-key' };

/** The nth credential that a round leaks. */
const valueOf = (n: number) => `value-${n}-${'x'.repeat(24)}`;

/** A supplier that answers at once and notes when it was first asked to revoke something. */
class Supplier {
  readonly #server: Server;
  readonly #dead = new Set<string>();
  #told: { from: number; first: (at: number) => void } | undefined;

  /** When the first revocation request for one of the credentials from `from` on arrives. */
  firstRevoke(from: number): Promise<number> {
    return new Promise((first) => (this.#told = { from, first }));
  }

  constructor() {
    this.#server = createServer((asked, answer) => {
      if (asked.method === 'DELETE') {
        const number = asked.url!.split('/').at(-1)!.slice('key_'.length);
        if (this.#told && Number(number) >= this.#told.from) this.#told.first(performance.now());
        this.#dead.add(number);
        answer.writeHead(204).end();
        return;
      }
      const key = String(asked.headers['dd-api-key']);
      const live = key === OWN.api_key || key === 'control' || !this.#dead.has(key.split('-')[1] ?? '');
      answer
        .writeHead(live ? 200 : 403, { 'content-type': 'application/json' })
        .end(live ? '{"valid":true}' : '{"errors":["Forbidden"]}');
    });
  }
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/**
 * From a signed delivery to the first revocation request, over HTTP on loopback, on the durable database of the bench; with
 * what a bare insert and a bare call cost in the same run.
 */
export async function leakBench(place: BenchPlace): Promise<void> {
  const ONES = Number(process.env['BENCH_LEAKS'] ?? (place.quick ? 20 : 100));
  const MANY_ROUNDS = Number(process.env['BENCH_LEAK_ROUNDS'] ?? (place.quick ? 2 : 5));
  const supplier = new Supplier();
  const host = await supplier.start();
  const bench = await benchApp(place, {
    name: 'leak',
    database: place,
    settings: { COUNTERSIGN_OUTBOUND_ALLOW: host },
  });
  const { app, url, admin } = bench;
  let peak = 0;
  const memory = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  try {
    const token = await benchToken(app);
    const api = async <T>(
      method: 'GET' | 'POST',
      path: string,
      body?: unknown,
      type = 'application/json',
    ) => {
      const answer = await request(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': type }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    };

    await importAll(api, host, ONES + 1 + MANY * MANY_ROUNDS);
    const { rows } = await admin.query<{ party_id: string }>(
      `SELECT party_id FROM connection WHERE external_key = 'supplier'`,
    );
    await app.get(Transactions).run(BY, async (db) =>
      expectOk(
        await app.get(ConnectionsService).put(
          db,
          {
            source: 'bench',
            externalKey: 'supplier',
            partyId: rows[0]!.party_id,
            name: 'Supplier',
            presetKey: 'datadog',
            baseUrl: `http://${host}`,
            environment: 'production',
            auth: Object.fromEntries(Object.entries(OWN).map(([name, text]) => [name, Secret.of(text)])),
            control: { value: Secret.of('control'), supplierId: 'key_control' },
            maxConcurrent: 16,
          },
          BY,
        ),
      ),
    );
    await api('POST', '/api/v1/sources', {
      key: 'finder',
      kind: 'standard-webhooks',
      name: 'Finder',
      trust: 'act',
      keys: [`whsec_${SIGNING.toString('base64')}`],
      quotaPerHour: 10_000_000,
      bodyLimit: 4 * 1024 * 1024,
    });

    const leak = async (from: number, count: number) => {
      const body = JSON.stringify({
        type: 'exposure.reported',
        data: {
          reports: Array.from({ length: count }, (_, i) => ({
            ref: `leak-${from + i}`,
            value: valueOf(from + i),
            place: `bench:${from}`,
          })),
        },
      });
      const id = `msg-${from}`;
      const at = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', SIGNING).update(`${id}.${at}.${body}`).digest('base64');
      const revoke = supplier.firstRevoke(from);
      const sent = performance.now();
      const answer = await request(`${url}/api/v1/intake/finder`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': at,
          'webhook-signature': `v1,${signature}`,
        },
        body,
      });
      const text = await answer.body.text();
      const accepted = performance.now();
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode} ${text}`);
      const first = await Promise.race([revoke, delay(120_000, undefined, { ref: false })]);
      if (first === undefined) throw new Error('no revocation within two minutes');
      return { intake: accepted - sent, revoked: first - accepted };
    };
    /** Filed and accepted to the last report. */
    const accepted = async () => {
      for (;;) {
        const { rows: waiting } = await admin.query(
          `SELECT FROM exposure_batch WHERE reports_ref IS NOT NULL UNION ALL SELECT FROM exposure WHERE state = 'received'`,
        );
        if (waiting.length === 0) return;
        await delay(20);
      }
    };
    /** Ends what a round began, so that the next one finds the product at rest. */
    const settle = async (cancel: boolean) => {
      if (cancel) {
        const { runs } = await api<{ runs: { id: string }[] }>('GET', '/api/v1/runs?state=running');
        for (const { id } of runs) await api('POST', `/api/v1/runs/${id}/cancel`, { reason: 'measured' });
      }
      for (;;) {
        const { rows: left } = await admin.query<{ n: number }>(
          `SELECT ((SELECT count(*) FROM run WHERE finished_at IS NULL) + (SELECT count(*) FROM exposure WHERE state = 'received')
                 + (SELECT count(*) FROM step WHERE state IN ('ready', 'running')))::int AS n`,
        );
        if (left[0]!.n === 0) return;
        await delay(50);
      }
    };

    const inserts: number[] = [];
    await admin.query(`CREATE TABLE bench_row (id int, note text)`);
    for (let n = 0; n < BASELINE; n++) {
      const begun = performance.now();
      await admin.query(`INSERT INTO bench_row VALUES ($1, $2)`, [n, valueOf(n)]);
      inserts.push(performance.now() - begun);
    }
    await admin.query(`DROP TABLE bench_row`);
    const calls: number[] = [];
    for (let n = 0; n < BASELINE; n++) {
      const begun = performance.now();
      const answer = await request(`http://${host}/api/v1/validate`);
      await answer.body.dump();
      calls.push(performance.now() - begun);
    }

    const both = (label: string, values: readonly number[]) => {
      place.figure(`${label}, p50 of ${values.length}`, percentile(values, 50), 'ms');
      place.figure(`${label}, p99 of ${values.length}`, percentile(values, 99), 'ms');
    };
    const bare = percentile(inserts, 99) + percentile(calls, 99);
    both('a bare insert, committed', inserts);
    both('a bare call on loopback', calls);
    type Round = Awaited<ReturnType<typeof leak>>;
    const judge = (targets: number, of: readonly Round[], last: readonly number[]) => {
      const named = targets === 1 ? '1 target' : `${targets} targets`;
      const revoked = of.map((round) => round.revoked);
      both(
        `202 to a delivery of ${named}`,
        of.map(({ intake }) => intake),
      );
      both(`delivery accepted to first revocation request, ${named}`, revoked);
      place.figure(
        'p99 of it to the p99 of a bare insert and call (goal at most 3)',
        percentile(revoked, 99) / bare,
        '×',
      );
      place.figure(`every report accepted, ${named}, p50 of ${last.length}`, percentile(last, 50), 'ms');
      place.figure(`memory at its peak, ${named}`, peak / 1e6, 'MB');
      peak = 0;
    };

    await leak(0, 1);
    await settle(false);
    place.figure('memory at rest', process.memoryUsage.rss() / 1e6, 'MB');
    const rounds = async (first: number, count: number, targets: number) => {
      const measured: Round[] = [];
      const last: number[] = [];
      for (let n = 0; n < count; n++) {
        const began = performance.now();
        const round = await leak(first + n * targets, targets);
        measured.push(round);
        if (targets > 1) await accepted();
        last.push(performance.now() - began);
        await settle(targets > 1);
      }
      judge(targets, measured, last);
      return measured;
    };
    const one = await rounds(1, ONES, 1);
    const many = await rounds(ONES + 1, MANY_ROUNDS, MANY);
    for (const [label, of, goal] of [
      ['202', (round: Round) => round.intake, 2],
      ['first revocation request', (round: Round) => round.revoked, 1.5],
    ] as const) {
      for (const at of [50, 99])
        place.figure(
          `${label}: ${MANY} targets to 1, p${at} (goal at most ${goal} at p99)`,
          percentile(many.map(of), at) / percentile(one.map(of), at),
          '×',
        );
    }
  } finally {
    clearInterval(memory);
    await bench.close();
    supplier.stop();
  }
}

type Api = <T>(method: 'GET' | 'POST', path: string, body?: unknown, type?: string) => Promise<T>;

/** So many credentials at one supplier, by the public import. */
async function importAll(api: Api, host: string, credentials: number): Promise<void> {
  const rows: object[] = [
    { kind: 'party', key: 'operator', name: 'Operator', operator: true },
    { kind: 'party', key: 'supplier', name: 'Supplier' },
    {
      kind: 'agreement',
      key: 'agreement',
      party: 'supplier',
      title: 'Agreement',
      from: '2026-01-01T00:00:00Z',
      authority: 'revoke_now',
    },
    {
      kind: 'connection',
      key: 'supplier',
      party: 'supplier',
      name: 'Supplier',
      preset: 'datadog',
      baseUrl: `http://${host}`,
    },
    { kind: 'integration', key: 'integration', name: 'Integration', agreement: 'agreement' },
    ...Array.from({ length: credentials }, (_, n) => ({
      kind: 'credential',
      key: `c${n}`,
      integration: 'integration',
      name: `Key ${n}`,
      type: 'api_key',
      issuer: 'supplier',
      verifier: 'supplier',
      authority: 'revoke_now',
      revocability: 'instant',
      connection: 'supplier',
    })),
    ...Array.from({ length: credentials }, (_, n) => ({
      kind: 'credentialVersion',
      credential: `c${n}`,
      supplierId: `key_${n}`,
      phase: 'active',
      sha256: createHash('sha256').update(valueOf(n)).digest('hex'),
    })),
  ];
  const text = rows.map((row) => JSON.stringify(row)).join('\n');
  let view = await api<{ id: string; state: string }>(
    'POST',
    '/api/v1/imports?source=bench&name=bench.jsonl',
    text,
    'application/jsonl',
  );
  while (!['done', 'refused', 'failed'].includes(view.state)) {
    await delay(100);
    view = await api('GET', `/api/v1/imports/${view.id}`);
  }
  if (view.state !== 'done')
    throw new Error(
      `${JSON.stringify(view)} ${JSON.stringify(await api('GET', `/api/v1/imports/${view.id}/problems?limit=3`))}`,
    );
}
