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
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
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

async function start(o: { works?: boolean; queue?: 'on' | 'off' } = {}): Promise<TestApp> {
  const world = await startApp({
    database,
    config: { queue: o.queue ?? 'on' },
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
