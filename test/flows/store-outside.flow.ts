import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { Deaths } from '../../src/domain/revocation/deaths.service.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { Targets } from '../../src/domain/revocation/targets.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { BringOutsideSweep } from '../../src/platform/vault/bring-outside.sweep.ts';
import { StoreAccessSweep } from '../../src/plugins/stores/access/store-access.sweep.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { BY, RevocationScene } from '../support/revocation-scene.ts';
import { ScriptedSupplier, sendgrid } from '../support/scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';

/** The whole work with every secret in a store on another machine, chosen by configuration alone. */

const keys = new ScriptedSupplier(sendgrid);
const kv = new ScriptedKv();
const store = new ScriptedSupplier(kv);
let world: TestApp;
let scene: RevocationScene;
let revocation: RevocationService;
let partyId: Id;

beforeAll(async () => {
  await Promise.all([keys.start(), store.start()]);
  world = await startApp({
    config: {
      outboundAllow: [keys.hostPort, store.hostPort],
      queue: 'off',
      stores: {
        writeTo: 'vault-kv2',
        vault: { url: store.baseUrl, token: Secret.of(OUR_TOKEN), mount: 'secret', prefix: 'countersign' },
      },
    },
    settings: { duties: { serves: false, works: false } },
  });
  scene = new RevocationScene(world.app);
  revocation = world.app.get(RevocationService);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await Promise.all([keys.stop(), store.stop()]);
});
beforeEach(() => {
  store.faults.length = 0;
  world.clock.advance(10 * MINUTE);
});

const bring = () => world.app.get(BringOutsideSweep).sweep(BY);
const sealedHere = () =>
  scene.query(
    `SELECT 1 FROM sealed_secret WHERE bound_to LIKE 'outside_secret:%' AND ciphertext IS NOT NULL`,
  );

test('a leak is revoked and proven dead with authentication, value and canary fetched from outside', async () => {
  const leak = await scene.leak(partyId, 'sendgrid', keys);
  await bring();
  expect(await sealedHere()).toEqual([]);
  expect(kv.paths.size).toBe(3);
  expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'live' });
  expect(await revocation.revoke(leak.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
  expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'dead' });

  const stored = (await scene.everythingStored()) + world.log.text;
  for (const secret of [leak.issued.value, leak.canary!.value, 'admin-key-0123456789', OUR_TOKEN])
    for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, -4)])
      expect(stored).not.toContain(form);

  const deaths = world.app.get(Deaths);
  await scene.transactions.run(BY, (db) => deaths.forgetValue(db, leak.versionId, BY));
  expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'unprovable' });
  await bring();
  expect(kv.paths.size).toBe(2);
});

test('a store that is down is said to be, and nothing is taken for dead', async () => {
  const leak = await scene.leak(partyId, 'sendgrid', keys);
  await bring();
  keys.byId(leak.issued.id)!.live = false;
  store.goesWrong('server_error');
  const loaded = await scene.transactions.run(BY, (db) => world.app.get(Targets).load(db, leak.versionId));
  expect(loaded?.problems.join(' ')).toContain('the store vault-kv2 did not give it');
  expect((await revocation.verifyDead(leak.versionId, scene.call())).outcome).not.toBe('dead');
  store.faults.length = 0;
  world.clock.advance(MINUTE);
  expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
});

test('a connection that is taken out of use leaves nothing outside', async () => {
  const leak = await scene.leak(partyId, 'sendgrid', keys);
  await bring();
  const before = kv.paths.size;
  const retired = await scene.transactions.run(BY, (db) =>
    world.app.get(ConnectionsService).retire(db, leak.connectionId!, BY),
  );
  expectOk(retired);
  await bring();
  expect(kv.paths.size).toBe(before - 2);
});

test('our own token is prolonged before it ends; where it cannot be, somebody is told in time', async () => {
  const sweep = () => world.app.get(StoreAccessSweep).sweep(BY);
  const alerts = () =>
    scene.query<{ message: string }>(
      `SELECT message FROM alert WHERE kind = 'store.access' AND handled_at IS NULL`,
    );
  const start = world.clock.now();
  const token = { now: () => world.clock.now(), ends: start + 24 * HOUR, lasts: 24 * HOUR, renewable: true };
  kv.token = { ...token, most: start + 40 * HOUR };
  await sweep();
  expect(kv.renewals).toBe(0);
  world.clock.advance(13 * HOUR);
  await sweep();
  expect(kv.renewals).toBe(1);
  expect(kv.token.ends).toBe(start + 37 * HOUR);
  expect(await alerts()).toEqual([]);
  // It comes to its greatest age: prolonged once more, which brings little.
  world.clock.advance(20 * HOUR);
  await sweep();
  expect((await alerts())[0]?.message).toContain('at its greatest age');
  // Another one was set.
  kv.token = { ...token, ends: world.clock.now() + 24 * HOUR, most: Infinity };
  await sweep();
  expect(await alerts()).toEqual([]);
  kv.token = { ...kv.token, renewable: false };
  world.clock.advance(17 * HOUR);
  await sweep();
  expect((await alerts())[0]?.message).toContain('cannot be prolonged');
  world.clock.advance(8 * HOUR);
  await sweep();
  expect((await alerts())[0]?.message).toContain('403');
  expect(JSON.stringify(await alerts()) + world.log.text).not.toContain(OUR_TOKEN);
  kv.token = null;
});
