import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { DrillFault, DrillView } from '../../src/domain/revocation/drill.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { IssuingSupplier } from '../support/issuing-supplier.ts';
import { caller } from '../support/portfolio.ts';
import { RotationScene } from '../support/rotation-scene.ts';

/** A rotation is drilled on a canary at a supplier that makes keys and keeps the truth about them. */

let supplier: IssuingSupplier;
let world: TestApp;
let scene: RotationScene;
let responder: ReturnType<typeof caller>;
let partyId: Id;

beforeAll(async () => {
  supplier = await new IssuingSupplier().start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = new RotationScene(world, supplier);
  await scene.preset('issuing', 'adds');
  await scene.preset('by-hand', 'no');
  responder = caller(world, await world.token('responder'));
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});
beforeEach(() => void supplier.troubles.splice(0));

async function path(preset = 'issuing') {
  const slot = await scene.slot(partyId, preset);
  const pathId = newId();
  await scene.query(
    `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, party_id) VALUES ($1, $2, $3, 1, 'connector', $4, $5)`,
    [pathId, slot.credentialId, slot.integrationId, slot.connectionId, partyId],
  );
  const canary = supplier.issue(`canary-${newId().slice(-8)}`);
  const admin = caller(world, await world.token('admin'));
  const { status } = await admin('POST', `/api/v1/connections/${slot.connectionId}/canaries`, {
    body: { label: canary.label, supplierId: canary.id, value: canary.value },
  });
  expect(status).toBe(201);
  return { ...slot, pathId, canary };
}
async function drilled(faults: DrillFault[], step = 250) {
  const one = await path();
  const made = supplier.keys.length;
  const { status, body } = await responder('POST', `/api/v1/revocation-paths/${one.pathId}/drills`, {
    body: { runbook: 'rotation-drill', faults },
  });
  expect(status).toBe(202);
  let over: DrillView | undefined;
  await until(async () => {
    world.clock.advance(step);
    over = (await responder('GET', `/api/v1/drills/${body.drillId}`)).body as DrillView;
    return over.endedAt !== null;
  }, 'the drill to end');
  // Whatever went wrong: the credential in use lives, and whatever is alive of what was made is known as a canary.
  expect(one.old.live).toBe(true);
  const news = supplier.keys.slice(made);
  const ready = await scene.query<{ id: string }>(
    `SELECT supplier_id AS id FROM canary WHERE connection_id = $1 AND state = 'ready' ORDER BY supplier_id`,
    [one.connectionId],
  );
  const alive = [one.canary, ...news].filter(({ live }) => live).map(({ id }) => id);
  expect(ready.map(({ id }) => id)).toEqual(alive.sort());
  return { one, news, over: over! };
}
const kinds = (over: DrillView) => over.evidence.map(({ kind, outcome }) => `${kind} ${outcome}`);

test('a new one is made and seen working before the old one dies, and is the next canary', async () => {
  const { one, news, over } = await drilled([]);
  expect(over).toMatchObject({ outcome: 'passed', counts: true, runbook: 'rotation-drill' });
  expect(kinds(over)).toEqual([
    'probe live',
    'issue issued',
    'validate live',
    'probe live',
    'revoke accepted',
    'own_authentication live',
    'probe dead',
  ]);
  expect(news).toHaveLength(1);
  expect(news[0]!.live).toBe(true);
  expect(one.canary.live).toBe(false);
  const { body } = await responder('GET', `/api/v1/stoppers?integrationId=${one.integrationId}`);
  expect(body.credentials[0].stoppers[0]).toMatchObject({ standing: 'proven', measured: true });
});

test('invalid-new-secret: the old one stays, the new one is withdrawn', async () => {
  const { one, news, over } = await drilled(['invalid-new-secret']);
  expect(over).toMatchObject({ outcome: 'passed', counts: false });
  expect(over.findings[0]).toMatchObject({
    held: true,
    said: 'The new one was refused (once). The old one was left alive, and the new one was withdrawn.',
  });
  expect(kinds(over)).toEqual(['probe live', 'issue issued', 'validate dead', 'withdraw accepted']);
  expect([one.canary.live, news[0]!.live]).toEqual([true, false]);
});

test('response-lost: the list is read before another one is asked for, and the lost one is withdrawn', async () => {
  const { one, news, over } = await drilled(['response-lost']);
  expect(over).toMatchObject({ outcome: 'passed', counts: true });
  expect(over.findings[0]).toMatchObject({
    held: true,
    said: expect.stringMatching(/list was read before another one .* nobody knew the value of was withdrawn/),
  });
  expect(news.map(({ live }) => live)).toEqual([false, true]);
  expect(one.canary.live).toBe(false);
});

test('supplier-rejects-reauthentication: everybody waits as long as they were told to', async () => {
  const { news, over } = await drilled(['supplier-rejects-reauthentication'], 100);
  expect(over).toMatchObject({ outcome: 'passed', counts: true });
  expect(over.findings[0]).toMatchObject({ held: true, times: 2 });
  expect(news).toHaveLength(1);
});

test('worker-dies in mid-cut-over: a peer looks first, and both are as they should be', async () => {
  const { one, news, over } = await drilled(['worker-dies']);
  expect(over).toMatchObject({ outcome: 'passed', counts: true });
  expect(over.findings[0]).toMatchObject({ held: true });
  expect([one.canary.live, news[0]!.live]).toEqual([false, true]);
  expect(
    supplier.asked.filter(({ kind, key }) => kind === 'revoke' && key === one.canary.label),
  ).toHaveLength(1);
});

test('lying-200: the old one is never called dead', async () => {
  const { one, news, over } = await drilled(['lying-200'], 20_000);
  expect(over).toMatchObject({ outcome: 'passed', counts: false });
  expect(over.findings[0]).toMatchObject({ held: true, said: expect.stringContaining('never called dead') });
  expect([one.canary.live, news[0]!.live]).toEqual([true, true]);
});

test('is refused where the supplier makes nothing by machine', async () => {
  const one = await path('by-hand');
  const { status, body } = await responder('POST', `/api/v1/revocation-paths/${one.pathId}/drills`, {
    body: { runbook: 'rotation-drill' },
  });
  expect(status).toBe(409);
  expect(body).toMatchObject({ type: expect.stringContaining('no-issue') });
  expect(await scene.query(`SELECT FROM drill WHERE revocation_path_id = $1`, [one.pathId])).toEqual([]);
});
