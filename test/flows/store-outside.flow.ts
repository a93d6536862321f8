import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { Deaths } from '../../src/domain/revocation/deaths.service.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { Targets } from '../../src/domain/revocation/targets.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { BringOutsideSweep } from '../../src/platform/vault/bring-outside.sweep.ts';
import { listConnections } from '../../src/console/settings/settings.queries.ts';
import { ConnectionAccessSweep } from '../../src/domain/revocation/connection-access.sweep.ts';
import { StoreAccessSweep } from '../../src/plugins/stores/access/store-access.sweep.ts';
import { holdersIn, OTHERWISE, StoreMove } from '../../src/plugins/stores/moving/store-move.ts';
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

describe('when the installation chooses another store', () => {
  const another = (writeTo: 'sealed' | 'vault-kv2') =>
    startApp({
      database: world.database,
      config: {
        outboundAllow: [keys.hostPort, store.hostPort],
        queue: 'off',
        dataFolder: world.config.dataFolder,
        stores: { ...world.config.stores, writeTo },
      },
      settings: { duties: { serves: false, works: false } },
    });

  test('nothing that holds a reference is forgotten', async () => {
    const columns = await scene.query<{ name: string }>(
      `SELECT c.table_name || '.' || c.column_name AS name FROM information_schema.columns c
        WHERE c.table_schema = 'public' AND c.column_name ~ '_refs?$' ORDER BY 1`,
    );
    const holders = await scene.transactions.run(BY, (db) => holdersIn(db));
    const known = [...OTHERWISE, ...holders.map(({ table, column }) => `${table}.${column}`)];
    expect(columns.map(({ name }) => name)).toEqual(known.sort());
    for (const name of ['connection.auth_refs', 'connection.control_ref', 'credential_version.store_ref'])
      expect(known).toContain(name);
  });

  test('what was kept before moves there, one by one; killed, it goes on; run again, it finds nothing', async () => {
    const leak = await scene.leak(partyId, 'sendgrid', keys);
    await bring();
    const outsideNow = () => [...kv.paths.keys()].length;
    const before = outsideNow();
    expect(before).toBeGreaterThanOrEqual(3);
    const other = await another('sealed');
    try {
      const move = other.app.get(StoreMove);
      const shares = async () =>
        Object.fromEntries((await move.status(BY)).map((one) => [one.store, one.secrets]));
      const first = await shares();
      expect(first['vault-kv2']).toBeGreaterThanOrEqual(3);
      // The store fails in the midst of it: what was moved is moved, the rest stays and can be read where it is.
      kv.token = { now: () => world.clock.now(), ends: 0, lasts: 1, most: 0, renewable: false };
      let batches = 0;
      const killed = move.move(BY, {
        batch: 1,
        onBatch: () => {
          batches++;
          if (batches === 1) throw new Error('killed');
        },
      });
      await expect(killed).rejects.toThrow('killed');
      kv.token = null;
      other.clock.advance(MINUTE);
      const done = await move.move(BY, { batch: 2 });
      expect(done).toMatchObject({ to: 'sealed', failed: [], tooLong: 0 });
      expect(done.moved).toBeGreaterThanOrEqual(first['vault-kv2']! - 1);
      expect(await shares()).toMatchObject({ 'vault-kv2': 0 });
      expect(await move.move(BY)).toMatchObject({ moved: 0, failed: [] });
      // Removed where they were, and everything works as before with nothing outside.
      expect(outsideNow()).toBe(0);
      expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'live' });
      expect(await revocation.revoke(leak.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    } finally {
      await other.close();
    }
    // And back, by the application that writes outside.
    const back = await world.app.get(StoreMove).move(BY);
    expect(back).toMatchObject({ to: 'vault-kv2', failed: [], onTheWay: 0 });
    expect(outsideNow()).toBe(back.moved);
    expect(await revocation.verifyDead(leak.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect((await scene.everythingStored()) + world.log.text).not.toContain(leak.issued.value);
  });

  test('what cannot be read stays where it is, and is named', async () => {
    await scene.leak(partyId, 'sendgrid', keys);
    await bring();
    const [path] = [...kv.paths.keys()];
    kv.paths.delete(path!);
    const other = await another('sealed');
    try {
      const moved = await other.app.get(StoreMove).move(BY);
      expect(moved.failed).toEqual([
        { ref: `vault-kv2:${path!.split('/').at(-1)}`, why: expect.stringContaining('404') },
      ]);
      expect(moved.stores.find((one) => one.store === 'vault-kv2')?.secrets).toBe(1);
    } finally {
      await other.close();
    }
  });
});

test('our own token of a connection is prolonged as well; the connection says in time what cannot be', async () => {
  const start = world.clock.now();
  const token = { now: () => world.clock.now(), lasts: 24 * HOUR, most: start + 900 * HOUR, renewable: true };
  kv.token = { ...token, ends: start + 24 * HOUR };
  const auth = { auth: { token: OUR_TOKEN } };
  const id = await scene.connection(partyId, 'vault-kv-copy', { baseUrl: store.baseUrl, dialect: kv }, auth);
  const sweep = () => world.app.get(ConnectionAccessSweep).sweep(BY);
  const alerts = () =>
    scene.query<{ message: string }>(
      `SELECT message FROM alert WHERE kind = 'connection.access' AND handled_at IS NULL`,
    );
  const shown = async () => {
    const lines = await scene.transactions.run(BY, (db) => listConnections(db));
    return lines.find((line) => line.id === id);
  };
  const before = kv.renewals;
  await sweep();
  expect(kv.renewals).toBe(before);
  expect(await shown()).toMatchObject({ tokenEndsAt: start + 24 * HOUR, tokenProblem: null });
  world.clock.advance(13 * HOUR);
  await sweep();
  expect(kv.renewals).toBe(before + 1);
  expect(await shown()).toMatchObject({ tokenEndsAt: start + 37 * HOUR, tokenProblem: null });
  expect(await alerts()).toEqual([]);
  kv.token.renewable = false;
  world.clock.advance(17 * HOUR);
  await sweep();
  expect((await alerts())[0]?.message).toContain('vault-kv-copy: our own token ends at');
  expect((await shown())?.tokenProblem).toContain('cannot be prolonged. Set another one.');
  // Another one is set: nothing is wrong any more. It is revoked behind our back: that is told at once.
  kv.token.ends = world.clock.now() + 24 * HOUR;
  await sweep();
  expect(await alerts()).toEqual([]);
  kv.token.ends = world.clock.now();
  await sweep();
  expect((await alerts())[0]?.message).toContain('our token is refused');
  const retired = await scene.transactions.run(BY, (db) =>
    world.app.get(ConnectionsService).retire(db, id, BY),
  );
  expectOk(retired);
  await sweep();
  expect(await alerts()).toEqual([]);
});
