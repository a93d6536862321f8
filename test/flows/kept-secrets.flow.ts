import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { Deaths } from '../../src/domain/revocation/deaths.service.ts';
import { ExpiredValuesSweep } from '../../src/domain/revocation/expired-values.sweep.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { BY, RevocationScene } from '../support/revocation-scene.ts';
import { ScriptedSupplier, sendgrid } from '../support/scripted-supplier.ts';

/** Values, our own authentication and canaries are kept for as long as they are needed, and shown nowhere. */

const keys = new ScriptedSupplier(sendgrid);
let world: TestApp;
let scene: RevocationScene;
let revocation: RevocationService;
let partyId: Id;

beforeAll(async () => {
  await keys.start();
  // Nobody works in the background: each test does each step itself, and sees it alone.
  world = await startApp({
    config: { outboundAllow: [keys.hostPort], queue: 'off' },
    settings: { duties: { serves: false, works: false } },
  });
  scene = new RevocationScene(world.app);
  revocation = world.app.get(RevocationService);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await keys.stop();
});
beforeEach(() => {
  keys.asked.length = 0;
  keys.faults.length = 0;
  keys.issued.length = 0;
});
// A canary seen a minute ago would serve the next test, whose supplier has forgotten it.
afterEach(() => world.clock.advance(10 * MINUTE));

const leak = () => scene.leak(partyId, 'sendgrid', keys);

describe('secrets', () => {
  test('nothing in any table shows a value, our own authentication or a canary', async () => {
    const one = await leak();
    keys.goesWrong('echo', 'any', 2);
    const call = scene.call();
    await revocation.revoke(one.versionId, call);
    await revocation.revoke(one.versionId, { ...call, attempt: 2, takenOver: true });
    await revocation.verifyDead(one.versionId, scene.call());
    const stored = (await scene.everythingStored()) + world.log.text;
    expect(stored).toContain(one.versionId);
    for (const secret of [one.issued.value, one.canary?.value ?? '', 'admin-key-0123456789']) {
      for (const form of [
        secret,
        Buffer.from(secret).toString('base64').slice(0, -4),
        Buffer.from(secret).toString('hex'),
      ])
        expect(stored).not.toContain(form);
    }
  });

  test('a value that is no longer needed is destroyed, and then nobody can look', async () => {
    const one = await leak();
    const deaths = world.app.get(Deaths);
    expect(await scene.transactions.run(BY, (db) => deaths.forgetValue(db, one.versionId, BY))).toBe(true);
    expect(await scene.transactions.run(BY, (db) => deaths.forgetValue(db, one.versionId, BY))).toBe(false);
    expect(await revocation.verifyDead(one.versionId, scene.call())).toMatchObject({ outcome: 'unprovable' });
    const left = await scene.query(
      `SELECT 1 FROM sealed_secret WHERE bound_to = $1 AND ciphertext IS NOT NULL`,
      [`credential_version:${one.versionId}`],
    );
    expect(left).toEqual([]);
    expect(await revocation.revoke(one.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
  });

  test('a value whose hold has expired is destroyed although nobody came back', async () => {
    const one = await leak();
    const kept = () =>
      scene.query<object>(`SELECT 1 FROM version_death WHERE version_id = $1 AND value_ref IS NOT NULL`, [
        one.versionId,
      ]);
    await world.app.get(ExpiredValuesSweep).sweep(BY);
    expect(await kept()).toHaveLength(1);
    world.clock.advance(24 * HOUR);
    await world.app.get(ExpiredValuesSweep).sweep(BY);
    expect(await kept()).toHaveLength(0);
    expect(await scene.ledger(one.versionId)).toEqual(['credential_version.value-destroyed']);
  });

  test('a connection that is pointed elsewhere loses its secrets', async () => {
    const externalKey = newId();
    const connections = world.app.get(ConnectionsService);
    const id = await scene.connection(partyId, 'sendgrid', keys, {
      canary: keys.issue('canary'),
      externalKey,
    });
    const input = {
      source: 'test',
      externalKey,
      partyId,
      name: 'moved',
      presetKey: 'sendgrid',
      baseUrl: 'https://evil.example',
      environment: 'production',
      auth: {},
    };
    const moved = expectOk(await scene.transactions.run(BY, (db) => connections.put(db, input, BY)));
    expect(moved).toEqual({ id, dropped: ['api_key'] });
    const [row] = await scene.query<object>(`SELECT auth_refs, control_ref FROM connection WHERE id = $1`, [
      id,
    ]);
    expect(row).toEqual({ auth_refs: {}, control_ref: null });
    const bad = await scene.transactions.run(BY, (db) =>
      connections.put(db, { ...input, auth: { nonsense: Secret.of('x') } }, BY),
    );
    expect(bad).toMatchObject({ ok: false, error: { fields: [{ field: '/auth/nonsense' }] } });
  });

  test('secrets are set and replaced, and nothing else of the connection changes', async () => {
    const connections = world.app.get(ConnectionsService);
    const id = await scene.connection(partyId, 'sendgrid', keys, { auth: {}, canary: null });
    const rest = () =>
      scene.query<object>(
        `SELECT source, external_key, party_id, name, preset_key, base_url, environment, max_concurrent, per_second, control_ref
           FROM connection WHERE id = $1`,
        [id],
      );
    const before = await rest();
    const set = (value: string) =>
      scene.transactions.run(BY, (db) =>
        connections.setSecrets(db, id, { auth: { api_key: Secret.of(value) } }, BY),
      );
    expectOk(await set('admin-key-0123456789'));
    expectOk(await set('another-admin-key-0123456789'));
    expect(await rest()).toEqual(before);
    const sealed = await scene.query<{ destroyed: boolean }>(
      `SELECT destroyed_at IS NOT NULL AS destroyed FROM sealed_secret WHERE bound_to = $1 ORDER BY id`,
      [`connection:${id}:api_key`],
    );
    expect(sealed.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    await scene.transactions.run(BY, (db) => connections.retire(db, id, BY));
    expect(await set('too late')).toMatchObject({ ok: false, error: { code: 'no-connection' } });
  });

  test('a reference moved to another row opens nothing, and nothing is sent', async () => {
    const [first, second] = [await leak(), await leak()];
    await scene.query(
      `UPDATE connection SET auth_refs = (SELECT auth_refs FROM connection WHERE id = $1) WHERE id = $2`,
      [first.connectionId, second.connectionId],
    );
    expect(await revocation.revoke(second.versionId, scene.call())).toMatchObject({
      outcome: 'rejected',
      why: 'not asked: no value for {auth.api_key}',
    });
    expect(keys.asked).toEqual([]);
  });
});
