import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { Agent, request } from 'undici';
import { cursorText } from '../src/console/shared/paging.tsx';
import { createApp } from '../src/create-app.ts';
import { AccessService } from '../src/domain/access/access.service.ts';
import { GateService } from '../src/domain/policy/gate.service.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { Secret } from '../src/kernel/secret.ts';
import { parseConfig } from '../src/platform/config/config.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import type { LookedAt } from './gate-child.ts';
import { CREDENTIALS, LOCATIONS, seededId, seededReference, seedIntegrations } from './gate-seed.ts';
import type { BenchPlace } from './place.ts';
import { median, percentile } from './statistics.ts';

const SMALL = 1_000;
const LARGE = Number(process.env['BENCH_INTEGRATIONS'] ?? 10_000);
const BY = system('bench', 'bench');
const PASSWORD = 'correct horse battery staple';

interface Spread {
  p50: number;
  p99: number;
  /** To one row by its primary key through the same stack, the middle of all rounds. */
  ratio: number;
}
type Measured = Readonly<Record<string, Spread>>;

/**
 * What one decision of the gate and one page cost, as ratios to the read of one row by its primary key through the same
 * stack, at two sizes of the portfolio; and whether looking at the whole portfolio again keeps its memory flat.
 */
export async function gateBench(place: BenchPlace): Promise<void> {
  const { appUrl, adminUrl } = await place.database('gate');
  const folder = await mkdtemp(join(tmpdir(), 'countersign-gate-bench-'));
  const client = new Client(adminUrl);
  client.on('error', () => {});
  await client.connect();
  try {
    const at = new Map<number, { measured: Measured; again: LookedAt }>();
    let seeded = 0;
    for (const size of [SMALL, LARGE]) {
      const started = performance.now();
      await seedIntegrations(client, seeded, size);
      seeded = size;
      const label = `${size.toLocaleString('en')} integrations, ${(size * CREDENTIALS).toLocaleString('en')} credentials, ${(size * CREDENTIALS * LOCATIONS).toLocaleString('en')} copies`;
      place.figure(`${label}: seeded in`, (performance.now() - started) / 1000, 's');
      // The first look writes every standing; the second is what a change of policy costs from day to day.
      if (!place.quick) await lookAgain(appUrl, folder);
      const again = await lookAgain(appUrl, folder);
      await client.query('ANALYZE');
      const measured = await measure(place, appUrl, folder, size);
      at.set(size, { measured, again });
      report(place, label, measured, again);
    }
    const [small, large] = [at.get(SMALL)!, at.get(LARGE)!];
    for (const name of Object.keys(large.measured)) {
      if (name === ROW || name === ROW_HTTP) continue;
      place.figure(
        `${name}: ratio to the row, large against small portfolio (goal at most 1.6)`,
        large.measured[name]!.ratio / small.measured[name]!.ratio,
        '×',
      );
    }
    place.figure(
      'the whole portfolio again: living memory after the last batch against after the first (goal at most 1.1)',
      large.again.liveMb[1] / large.again.liveMb[0],
      '×',
    );
    place.figure(
      'the whole portfolio again: peak memory with what V8 has not swept, large against small (goal at most 1.5)',
      large.again.maxRssMb / small.again.maxRssMb,
      '×',
    );
    place.figure(
      'the whole portfolio again: decisions a second, large against small (goal at least 0.8)',
      large.again.integrations / large.again.seconds / (small.again.integrations / small.again.seconds),
      '×',
    );
  } finally {
    await client.end();
    await rm(folder, { recursive: true, force: true });
  }
}

const ROW = 'one row by its primary key, in process';
const ROW_HTTP = 'one row by its primary key, over HTTP';
const LOOK = 'the gate evaluated, nothing written';
const DECIDE = 'the gate asked, its decision recorded';
const GATE_HTTP = 'the gate asked over HTTP';
const MATRIX_HTTP = 'the matrix of one integration over HTTP';
const PAGE = 'the matrix page of one integration';
const BOARD = 'the portfolio matrix, first page';
const DEEP = 'the portfolio matrix, a page far in';
const GAPS = 'the portfolio matrix, only gaps';

function report(place: BenchPlace, label: string, measured: Measured, again: LookedAt): void {
  for (const [name, { p50, p99 }] of Object.entries(measured)) {
    place.figure(`${label}: ${name}: p50`, p50, 'ms');
    place.figure(`${label}: ${name}: p99`, p99, 'ms');
  }
  for (const name of [LOOK, DECIDE, GATE_HTTP, MATRIX_HTTP, PAGE, BOARD, DEEP, GAPS]) {
    const { ratio, p99 } = measured[name]!;
    const row = measured[name === LOOK || name === DECIDE ? ROW : ROW_HTTP]!;
    place.figure(`${label}: ${name} to the row, p50`, ratio, '×');
    place.figure(`${label}: ${name} to the row, p99`, p99 / row.p99, '×');
  }
  place.figure(`${label}: all looked at again`, again.integrations / again.seconds, 'decisions/s');
  place.figure(`${label}: all looked at again: peak memory of the process`, again.maxRssMb, 'MB');
  place.figure(`${label}: all looked at again: progress told`, again.told, 'times');
}

/** One after the other and in turn, so that what else the machine does falls on all alike. */
async function measure(place: BenchPlace, appUrl: string, folder: string, size: number): Promise<Measured> {
  const config = expectOk(
    parseConfig({
      NODE_ENV: 'production',
      COUNTERSIGN_INSECURE_COOKIES: 'true', // over plain HTTP on loopback
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_LOG_LEVEL: 'silent',
      COUNTERSIGN_QUEUE: 'off',
      DATABASE_URL: appUrl,
    }),
  );
  const app = await createApp({ config, duties: { serves: true, works: false } });
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const agent = new Agent({ connections: 1, pipelining: 1 });
  try {
    const access = app.get(AccessService);
    const [transactions, gate] = [app.get(Transactions), app.get(GateService)];
    const token = expectOk(
      await access.createToken(
        { name: `bench-${size}`, role: 'admin', partyId: null, expiresAt: Date.now() + 86_400_000 },
        BY,
      ),
    ).value.use((text) => text);
    const cookie = await signedIn(url, access, agent, size);
    const call = async (method: 'GET' | 'POST', path: string, headers: Record<string, string>) => {
      const answer = await request(`${url}${path}`, { method, headers, dispatcher: agent });
      const text = await answer.body.text();
      if (answer.statusCode >= 300)
        throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
      return text;
    };
    const api = (method: 'GET' | 'POST', path: string) =>
      call(method, path, { authorization: `Bearer ${token}` });
    const page = (path: string) => call('GET', path, { cookie });
    const some = () => 1 + Math.floor(Math.random() * size);
    const far = Math.floor(size * 0.9);
    const key = `Integration ${String(far).padStart(6, '0')}`;
    const deep = `/matrices?after=${cursorText({ key, id: seededId('integration', far) })}`;
    if (!(await page(deep)).includes(seededReference(far + 1)))
      throw new Error('the page far in is another one');
    const work: Record<string, () => Promise<unknown>> = {
      [ROW]: () =>
        transactions.run(BY, (db) =>
          db.query('SELECT id, reference, name, state, row_version FROM integration WHERE id = $1', [
            seededId('integration', some()),
          ]),
        ),
      [LOOK]: () => transactions.run(BY, (db) => gate.look(db, seededId('integration', some()))),
      [DECIDE]: async () => expectOk(await gate.dryRun(seededId('integration', some()), BY)),
      [ROW_HTTP]: () =>
        api('GET', `/api/v1/contacts/${seededId('contact', Math.ceil(some() / 10) * 10 + 1)}`),
      [GATE_HTTP]: () => api('POST', `/api/v1/integrations/${seededId('integration', some())}/gate`),
      [MATRIX_HTTP]: () => api('GET', `/api/v1/integrations/${seededId('integration', some())}/matrix`),
      [PAGE]: () => page(`/integrations/${seededReference(some())}/matrix`),
      [BOARD]: () => page('/matrices'),
      [DEEP]: () => page(deep),
      [GAPS]: () => page('/matrices?gap=1'),
    };
    const times: Record<string, number[]> = {};
    const rounds = place.quick ? 60 : 300;
    for (let round = -10; round < rounds; round++) {
      for (const [name, todo] of Object.entries(work)) {
        const started = performance.now();
        await todo();
        if (round >= 0) (times[name] ??= []).push(performance.now() - started);
      }
    }
    return Object.fromEntries(
      Object.entries(times).map(([name, all]) => {
        const row = times[name === LOOK || name === DECIDE ? ROW : ROW_HTTP]!;
        return [
          name,
          {
            p50: percentile(all, 50),
            p99: percentile(all, 99),
            // Of each round by itself: what else the machine did then, it did to both.
            ratio: median(all.map((time, round) => time / row[round]!)),
          },
        ];
      }),
    );
  } finally {
    await agent.close();
    await app.close();
  }
}

async function signedIn(url: string, access: AccessService, agent: Agent, size: number): Promise<string> {
  const email = `bench-${size}@example.test`;
  expectOk(
    await access.createUser(
      { email, name: 'Bench', roles: ['admin'], partyId: null, password: Secret.of(PASSWORD) },
      BY,
    ),
  );
  const cookieOf = (headers: Record<string, string | string[] | undefined>) =>
    ([headers['set-cookie'] ?? ''].flat()[0] ?? '').split(';')[0] ?? '';
  const form = await request(`${url}/sign-in`, { dispatcher: agent });
  const [, csrf = ''] = /name="_csrf" value="([^"]+)"/.exec(await form.body.text()) ?? [];
  const answer = await request(`${url}/sign-in`, {
    method: 'POST',
    dispatcher: agent,
    headers: { cookie: cookieOf(form.headers), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ email, password: PASSWORD, next: '/', _csrf: csrf }).toString(),
  });
  await answer.body.dump();
  if (answer.statusCode !== 303) throw new Error(`not signed in: ${answer.statusCode}`);
  return cookieOf(answer.headers);
}

/** In a process of its own, so that its memory is that of the work. */
async function lookAgain(databaseUrl: string, dataFolder: string): Promise<LookedAt> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--expose-gc',
      ...process.execArgv,
      new URL(import.meta.url.replace('gate.bench', 'gate-child')).pathname,
    ],
    {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        DATABASE_URL: databaseUrl,
        COUNTERSIGN_DATA: dataFolder,
        COUNTERSIGN_QUEUE: 'off',
      },
      maxBuffer: 10_000_000,
    },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as LookedAt;
}
