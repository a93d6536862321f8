import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AcceptExposuresJob } from '../../src/domain/incidents/accept-exposures.job.ts';
import { AcceptanceService } from '../../src/domain/incidents/acceptance.service.ts';
import { HeldValues } from '../../src/domain/exposures/held-values.service.ts';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

/** What was answered with 202 is kept and comes to exactly one incident, whatever breaks in between. */

let database: TestDatabase;
const open: TestApp[] = [];
beforeEach(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
  await database.drop();
});

async function start(
  o: { works?: boolean; queue?: 'on' | 'off'; bodySeconds?: number } = {},
): Promise<TestApp> {
  const world = await startApp({
    database,
    config: { queue: o.queue ?? 'on', bodySeconds: o.bodySeconds ?? 30 },
    settings: { duties: { serves: true, works: o.works ?? true } },
  });
  open.push(world);
  return world;
}

async function stop(world: TestApp): Promise<void> {
  open.splice(open.indexOf(world), 1);
  await world.close();
}

async function set(world: TestApp): Promise<{ scene: LeakScene; credential: SceneCredential }> {
  const scene = await LeakScene.set(world);
  await scene.github();
  return { scene, credential: await scene.credential(await scene.integration('Shop')) };
}

/** The next calls of one method fail, as the thing behind it might. */
function fails(
  target: object,
  method: string,
  times: number,
  error: Error & { code?: string } = new Error('it is away'),
  when: (args: unknown[]) => boolean = () => true,
): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  const real = methods[method]!.bind(target);
  let left = times;
  methods[method] = (...args) => (when(args) && left-- > 0 ? Promise.reject(error) : real(...args));
}

const stored = (scene: LeakScene) =>
  scene.one<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM delivery) AS deliveries, (SELECT count(*)::int FROM exposure) AS exposures,
            (SELECT count(*)::int FROM exposure_batch) AS batches, (SELECT count(*)::int FROM incident) AS incidents,
            (SELECT count(*)::int FROM run WHERE runbook = 'emergency-revocation') AS runs,
            (SELECT count(*)::int FROM outbox WHERE job = 'incidents.accept-exposures') AS waiting,
            (SELECT count(*)::int FROM ledger_entry WHERE kind LIKE 'delivery.%' OR kind LIKE 'exposure.%') AS entries`,
  );
const NOTHING = { deliveries: 0, exposures: 0, batches: 0, incidents: 0, runs: 0, waiting: 0, entries: 0 };
const ONE = { deliveries: 1, exposures: 1, batches: 1, incidents: 1, runs: 1 };

describe('at the door', () => {
  test.each([
    [
      'the ledger cannot be written',
      // Of the delivery: whatever starts with the process writes entries of its own.
      (world: TestApp) =>
        fails(world.app.get(LedgerService), 'append', 1, undefined, ([, entries]) =>
          [entries].flat().some((entry) => (entry as { kind: string }).kind.startsWith('delivery.')),
        ),
    ],
    ['the store of secrets is away', (world: TestApp) => fails(world.app.get(Vault), 'putHere', 1)],
  ])('%s: no 2xx, nothing half-stored, and the next try is taken', async (_, breaks) => {
    const world = await start();
    const { scene, credential } = await set(world);
    const id = newId();
    breaks(world);
    const refused = await scene.alert({ number: 1, secret: credential.value }, { id });
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(refused.body)).not.toContain(credential.value);
    expect(await stored(scene)).toEqual(NOTHING);
    expect((await scene.alert({ number: 1 }, { id, body: refused.raw })).status).toBe(202);
    await scene.settled();
    expect(await stored(scene)).toMatchObject(ONE);
    expect(world.log.text).not.toContain(credential.value);
  });
});

describe('over a socket', () => {
  /** What a server says until it closes the connection, while `drip` goes on writing. */
  async function said(port: number, head: string[], drip: (socket: Socket) => void): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    // Whoever goes on writing after the answer is cut off.
    socket.on('error', () => undefined);
    socket.write([...head, '', ''].join('\r\n'));
    const dripping = setInterval(() => drip(socket), 50);
    await once(socket, 'close');
    clearInterval(dripping);
    return answer;
  }
  const portOf = async (world: TestApp) => {
    await world.app.listen(0, '127.0.0.1');
    return (world.app.getHttpServer().address() as AddressInfo).port;
  };

  test.each([
    ['of a told length', 'content-length: 100000'],
    ['in chunks', 'transfer-encoding: chunked'],
  ])('a body that drips (%s) is cut off in its time with 408, on record and told', async (_, length) => {
    const world = await start({ bodySeconds: 1, works: false });
    const { scene } = await set(world);
    const port = await portOf(world);
    const began = performance.now();
    const answer = await said(
      port,
      ['POST /api/v1/intake/github HTTP/1.1', 'host: x', 'content-type: application/json', length],
      (socket) => socket.write(length.startsWith('content') ? ' ' : '1\r\n \r\n'),
    );
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toMatchObject({
      status: 408,
      code: 'too-slow',
    });
    expect(await scene.alerts('intake.too-slow')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('took too long to arrive') },
    ]);
    expect(await scene.rows(`SELECT why, said FROM refused_delivery`)).toMatchObject([
      { why: 'unreadable', said: expect.stringContaining('took too long') },
    ]);
    expect(await stored(scene)).toMatchObject(NOTHING);
  });

  test('25 MB of GitHub’s are taken, in bounded time and memory, and nothing of it stays', async () => {
    const world = await start({ works: false });
    await set(world);
    const url = `http://127.0.0.1:${await portOf(world)}/api/v1/intake/github`;
    const body = Buffer.alloc(25 * 1024 * 1024, 0x61);
    body.write('{"zen":"');
    body.write('"}', body.length - 2);
    const send = (id: string) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'ping',
          'x-github-delivery': id,
          'x-hub-signature-256': `sha256=${createHmac('sha256', GITHUB_KEY).update(body).digest('hex')}`,
        },
        body,
      });
    expect((await send(newId())).status).toBe(202);
    const before = process.memoryUsage();
    let most = before.rss;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
    const began = performance.now();
    for (let n = 0; n < 4; n++) expect((await send(newId())).status).toBe(202);
    const each = (performance.now() - began) / 4;
    clearInterval(watch);
    const grown = (most - before.rss) / 1024 / 1024;
    expect(each).toBeLessThan(10_000);
    // The bytes, their text, and what the sender of this test holds of them.
    expect(grown).toBeLessThan(600);
  });
});

describe('after the answer', () => {
  test.each(['on', 'off'] as const)(
    'the process ends before anything was relayed (queue %s): a peer goes on',
    async (queue) => {
      const web = await start({ works: false, queue });
      const { scene, credential } = await set(web);
      expect((await scene.alert({ number: 1, secret: credential.value })).status).toBe(202);
      expect(await stored(scene)).toMatchObject({ exposures: 1, incidents: 0, waiting: 1 });
      await stop(web);
      const worker = await start({ queue });
      const after = LeakScene.over(worker);
      let waiting: unknown = null;
      await until(
        async () => {
          waiting = await after.rows(
            `SELECT job, attempts, due_at, again_at, lease_until, last_error FROM outbox WHERE done_at IS NULL`,
          );
          return (await stored(after)).incidents === 1;
        },
        () => `accepted by the peer; still to do: ${JSON.stringify(waiting)}`,
      );
      await after.settled();
      expect(await stored(after)).toMatchObject(ONE);
    },
  );

  test('a job that fails after the match leaves everything as it was, and is done once in the end', async () => {
    const world = await start();
    const { scene, credential } = await set(world);
    fails(world.app.get(HeldValues), 'settle', 2);
    await scene.alert({ number: 1, secret: credential.value });
    const failedOnce = () =>
      scene.rows(
        `SELECT FROM outbox WHERE job = 'incidents.accept-exposures' AND attempts > 0 AND done_at IS NULL`,
      );
    await until(async () => (await failedOnce()).length === 1, 'a failed try');
    expect(await stored(scene)).toMatchObject({ exposures: 1, incidents: 0, runs: 0 });
    expect(await scene.one(`SELECT state, match FROM exposure`)).toEqual({ state: 'received', match: null });
    // The value is still there for the next try, sealed.
    expect(await scene.rows(`SELECT FROM exposure_batch WHERE values_ref IS NOT NULL`)).toHaveLength(1);
    await until(async () => {
      world.clock.advance(HOUR);
      return (await stored(scene)).incidents === 1;
    }, 'accepted');
    await scene.settled();
    expect(await stored(scene)).toMatchObject(ONE);
    expect(await scene.rows(`SELECT FROM exposure_batch WHERE values_ref IS NOT NULL`)).toEqual([]);
    expect(await scene.rows(`SELECT FROM ledger_entry WHERE kind = 'exposure.accepted'`)).toHaveLength(1);
  });

  test('a lost race is looked at again at once, without a failed try', async () => {
    const world = await start();
    const { scene, credential } = await set(world);
    fails(
      world.app.get(AcceptanceService),
      'accept',
      2,
      Object.assign(new Error('duplicate key'), { code: '23505' }),
    );
    await scene.alert({ number: 1, secret: credential.value });
    await scene.settled();
    expect(await stored(scene)).toMatchObject(ONE);
    expect(await scene.one(`SELECT attempts FROM outbox WHERE job = 'incidents.accept-exposures'`)).toEqual({
      attempts: 0,
    });
  });

  test('the same job ten times at once accepts once', async () => {
    const world = await start({ works: false });
    const { scene, credential } = await set(world);
    await scene.alert({ number: 1, secret: credential.value });
    const { batch_id: batchId } = await scene.one<{ batch_id: string }>(`SELECT batch_id FROM exposure`);
    const job = world.app.get(AcceptExposuresJob);
    const call = { by: system('test', 'test-correlation'), attempt: 1, signal: AbortSignal.timeout(20_000) };
    await Promise.all(Array.from({ length: 10 }, () => job.handle({ batchId }, call)));
    expect(await stored(scene)).toMatchObject(ONE);
    expect(await scene.rows(`SELECT FROM ledger_entry WHERE kind = 'exposure.accepted'`)).toHaveLength(1);
  });

  test('two batches that name the same credentials in opposite order both come through', async () => {
    const world = await start();
    const { scene } = await set(world);
    const all = await scene.credentials(await scene.integration('Crossed'), 40);
    await scene.source({
      key: 'reports',
      kind: 'standard-webhooks',
      keys: [`whsec_${Buffer.alloc(32, 7).toString('base64')}`],
    });
    const reports = all.map(({ value }, n) => ({ ref: `a${n}`, value }));
    const reversed = all.toReversed().map(({ value }, n) => ({ ref: `b${n}`, value }));
    await Promise.all([scene.signed(reports), scene.signed(reversed)]);
    await scene.settled();
    expect(await stored(scene)).toMatchObject({ exposures: 80, incidents: 1 });
    expect(await scene.rows(`SELECT FROM incident_credential`)).toHaveLength(40);
  });
});
