import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { versionBinding } from '../../src/domain/revocation/targets.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';

/** A draft of a mass revocation whose versions die by other hands before anybody approves it. */

const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let connectionId: Id;
let ann: string;
let ben: string;
let site: Id;
let keys: SceneCredential[];

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort] } });
  scene = await LeakScene.set(world);
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    { canary: supplier.issue('canary') },
  );
  [ann, ben] = [await world.token('responder'), await world.token('responder')];
  site = await scene.integration('Overtaken');
  keys = [await kept('production'), await kept('production'), await kept('staging')];
}, 120_000);
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

async function kept(environment: string): Promise<SceneCredential> {
  const { value } = supplier.issue(`kept-${newId()}`);
  const made = await scene.credential(site, { authority: 'revoke_now', value, connectionId });
  await scene.work(async (db) => {
    const ref = await world.app.get(Vault).put(db, versionBinding(made.versionId), Secret.of(value));
    await db.query(`UPDATE credential_version SET store_ref = $2 WHERE id = $1`, [made.versionId, ref]);
    await db.query(`UPDATE credential SET environment = $2 WHERE id = $1`, [made.credentialId, environment]);
  });
  return made;
}

const ask = async (selection: object): Promise<Id> =>
  (
    await scene.call('POST', '/api/v1/mass-revocations', {
      token: ann,
      headers: { 'idempotency-key': newId() },
      body: { selection: { integrationId: site, ...selection }, reason: 'The supplier was breached.' },
    })
  ).body.id;
const approve = (id: Id, versions: number) =>
  scene.call('POST', `/api/v1/mass-revocations/${id}/approve`, { token: ben, body: { versions } });
const read = async (id: Id) =>
  (await scene.call('GET', `/api/v1/mass-revocations/${id}`, { token: ann })).body;
async function revoked(id: Id, versions: number): Promise<void> {
  expect((await approve(id, versions)).status).toBe(202);
  await until(async () => (await read(id)).standings.proven_dead === (await read(id)).versions, 'all dead');
}

test('what is approved is what is left, and a draft of which nothing is left waits for nobody', async () => {
  const [all, again, staging] = [await ask({}), await ask({}), await ask({ environment: 'staging' })];
  expect(await read(all)).toMatchObject({ state: 'draft', versions: 3, left: 3 });

  await revoked(staging, 1);
  expect(await read(all)).toMatchObject({
    state: 'draft',
    versions: 3,
    left: 2,
    toStart: 0,
    whoBreaks: { decisions: { act: 2, approve: 0, replace_first: 0, person: 0 } },
  });
  expect(await approve(all, 3)).toMatchObject({
    status: 412,
    body: {
      code: 'other-than-seen',
      detail: '2 versions are left to revoke, not 3. 1 of its 3 versions is proven dead.',
      errors: [{ field: '/versions', mend: expect.stringContaining('what is left') }],
    },
  });
  expect(await read(all)).toMatchObject({ state: 'draft', left: 2 });

  const before = supplier.asked.filter(({ kind }) => kind === 'revoke').length;
  await revoked(all, 2);
  const names = supplier.asked
    .filter(({ kind }) => kind === 'revoke')
    .slice(before)
    .map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(keys.slice(0, 2).map(({ value }) => supplier.byValue(value)!.name)));

  expect(await read(again)).toMatchObject({
    state: 'overtaken',
    versions: 3,
    left: 0,
    standings: { proven_dead: 3 },
  });
  const { body: list } = await scene.call('GET', '/api/v1/mass-revocations', { token: ann });
  expect(list.massRevocations.map(({ state }: { state: string }) => state)).toEqual([
    'started',
    'overtaken',
    'started',
  ]);
  expect(await approve(again, 3)).toMatchObject({ status: 409, body: { code: 'nothing-left' } });

  // Should one of them live again, a second person is waited for again.
  await scene.work((db) =>
    db.query(`UPDATE version_death SET liveness = 'live' WHERE version_id = $1`, [keys[0]!.versionId]),
  );
  expect(await read(again)).toMatchObject({ state: 'draft', left: 1 });
  await scene.work((db) =>
    db.query(`UPDATE version_death SET liveness = 'dead' WHERE version_id = $1`, [keys[0]!.versionId]),
  );
});

test('a dead version is called dead, whatever it was meant for', async () => {
  const twin = await scene.credential(await scene.integration('Twin'), { value: keys[0]!.value });
  const { body: proof } = await scene.call('GET', `/api/v1/parties/${scene.supplierId}/completeness`, {
    token: ann,
  });
  const phases = new Map(
    proof.lines.map((line: { versionId: Id; phase: string }) => [line.versionId, line.phase]),
  );
  expect(keys.map(({ versionId }) => phases.get(versionId))).toEqual(['dead', 'dead', 'dead']);
  expect(phases.get(twin.versionId)).toBe('active');
  const file = await world.app.inject({
    method: 'GET',
    url: `/api/v1/parties/${scene.supplierId}/completeness.csv`,
    headers: { authorization: `Bearer ${ann}` },
  });
  const rows = file.body.split('\r\n').filter((row) => row.includes('proven_dead') && row.includes('CRD-'));
  expect(rows.length).toBeGreaterThanOrEqual(3);
  for (const row of rows) expect(row).not.toContain('active');

  const { body: reuse } = await scene.call('GET', '/api/v1/inventory/reuse', { token: ann });
  expect(reuse.values).toHaveLength(1);
  const members = reuse.values[0].members as { credentialId: Id; versions: unknown[] }[];
  const versionsOf = (one: SceneCredential) =>
    members.find(({ credentialId }) => credentialId === one.credentialId)!.versions;
  expect(versionsOf(keys[0]!)).toEqual([{ number: 1, phase: 'dead' }]);
  expect(versionsOf(twin)).toEqual([{ number: 1, phase: 'active' }]);
});
