import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.ts';
import { system } from '../../src/kernel/principal.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import type { Kek } from '../../src/platform/vault/envelope.ts';
import type { Store, StoredRef } from '../../src/platform/vault/store.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { EnvStore, envRef } from '../../src/plugins/stores/env/env.store.ts';
import { SealedStore } from '../../src/plugins/stores/sealed/sealed.store.ts';
import { storeProviders } from '../../src/plugins/stores/registry.ts';
import { OutsidePeers } from '../support/outside-stores.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

let database: TestDatabase;
let source: DataSource;
let transactions: Transactions;
let keks: Kek[] = [{ id: 'kek-1', key: Secret.ofBytes(randomBytes(32)) }];
const environment: Record<string, string> = {};
const sealed = new SealedStore({ keks: () => keks }, new SystemClock());
const env = new EnvStore((name) => environment[name]);
const VALUE = 'value-\u00e4-0123456789abcdef';

const peers = new OutsidePeers();
const BY = system('test', 'correlation-1');
const inKv = peers.opened('vault-kv2', sealed);
const inManager = peers.opened('aws-secrets-manager', sealed);

/** How a value comes into each store: those that cannot be written to are filled by the operator. */
const STORES: {
  store: Store;
  fill(db: Db, boundTo: string): Promise<StoredRef>;
  readOnly: boolean;
  /** What happens after the commit, where anything does. */
  settle?: () => Promise<unknown>;
}[] = [
  { store: sealed, fill: (db, boundTo) => sealed.put(boundTo, Secret.of(VALUE), db), readOnly: false },
  {
    store: env,
    fill: (_db, boundTo) => {
      environment.COUNTERSIGN_SECRET_ONE = VALUE;
      return Promise.resolve(envRef('COUNTERSIGN_SECRET_ONE', boundTo));
    },
    readOnly: true,
  },
  ...[inKv, inManager].map((store) => ({
    store,
    fill: (db: Db, boundTo: string) => store.put(boundTo, Secret.of(VALUE), db),
    readOnly: false,
    settle: () => store.bring(transactions, BY),
  })),
];

const inside = <T>(work: (db: Db) => Promise<T>): Promise<T> => transactions.run(BY, work);

beforeAll(async () => {
  database = await cloneDatabase();
  source = await new DataSource(dataSourceOptions(database.url)).initialize();
  transactions = new Transactions(source);
  await peers.start();
});
afterAll(async () => {
  await peers.stop();
  await source?.destroy();
  await database?.drop();
});

test('every registered store is here', () => {
  const ours = STORES.filter(({ settle }) => !settle).map(({ store }) => store.constructor);
  expect(ours).toEqual(storeProviders.map((one) => one.provide));
  const outside = STORES.filter(({ settle }) => settle).map(({ store }) => store.key);
  expect(outside).toEqual(peers.all().map((one) => one.key));
});

describe.each(STORES)('the store $store.key', ({ store, fill, readOnly, settle = async () => {} }) => {
  test('gives back what was put, to whom it belongs', async () => {
    const ref = await inside((db) => fill(db, 'connection:1:token'));
    expect(ref.startsWith(`${store.key}:`)).toBe(true);
    expect(ref).not.toContain(VALUE);
    for (const after of [() => Promise.resolve(), settle]) {
      await after();
      const got = await inside((db) => store.get(ref, 'connection:1:token', db));
      expect(got.use((value) => value)).toBe(VALUE);
      got.wipe();
      const again = await inside((db) => store.get(ref, 'connection:1:token', db));
      expect(again.use((value) => value)).toBe(VALUE);
    }
  });

  test('says what it can do', () => {
    expect(store.title.length).toBeGreaterThan(3);
    expect(store.capabilities.writable).toBe(!readOnly);
    const { writable: _, ...rest } = store.capabilities;
    for (const one of Object.values(rest)) expect(one.how.length).toBeGreaterThan(10);
  });

  test('gives it to nobody else', async () => {
    const ref = await inside((db) => fill(db, 'connection:1:token'));
    for (const after of [() => Promise.resolve(), settle]) {
      await after();
      await expect(inside((db) => store.get(ref, 'connection:2:token', db))).rejects.toThrow(
        'belongs to something else',
      );
    }
  });

  test('says nothing of a value in an error', async () => {
    const ref = await inside((db) => fill(db, 'a'));
    for (const bad of [
      ref.slice(0, -1),
      `${store.key}:`,
      `${store.key}:../../etc/passwd`,
      `${ref}x`,
      'other:1',
    ]) {
      const thrown = await inside((db) => store.get(bad, 'a', db)).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(Error);
      expect(String(thrown)).not.toContain(VALUE);
    }
  });

  test('destroys for good, and twice is once; or says that it cannot', async () => {
    const ref = await inside((db) => fill(db, 'a'));
    if (readOnly) {
      await expect(inside((db) => store.destroy(ref, db))).rejects.toThrow('read-only');
      await expect(inside((db) => store.put('a', Secret.of('x'), db))).rejects.toThrow('read-only');
      return;
    }
    await settle();
    const early = await inside((db) => fill(db, 'a'));
    for (const one of [ref, early]) {
      await inside((db) => store.destroy(one, db));
      await inside((db) => store.destroy(one, db));
      await expect(inside((db) => store.get(one, 'a', db))).rejects.toThrow('destroyed');
      await settle();
      await expect(inside((db) => store.get(one, 'a', db))).rejects.toThrow('destroyed');
    }
  });
});

describe('the sealed store', () => {
  let tampered = '';
  const rows = () =>
    inside((db) => db.query<{ row: string }[]>(`SELECT s::text AS row FROM sealed_secret s`));

  test('keeps nothing in the clear, and goes with its transaction', async () => {
    await inside((db) => sealed.put('a', Secret.of(VALUE), db));
    const text = (await rows()).map((one) => one.row).join('\n');
    for (const form of [VALUE, Buffer.from(VALUE).toString('hex'), Buffer.from(VALUE).toString('base64')])
      expect(text).not.toContain(form);
    const before = (await rows()).length;
    await inside(async (db) => {
      await sealed.put('a', Secret.of(VALUE), db);
      throw new Error('roll back');
    }).catch(() => undefined);
    expect(await rows()).toHaveLength(before);
  });

  test('a row that was given to another owner in the database does not open', async () => {
    const ref = await inside((db) => sealed.put('mine', Secret.of(VALUE), db));
    tampered = ref.slice('sealed:'.length);
    await inside((db) =>
      db.query(`UPDATE sealed_secret SET bound_to = 'theirs' WHERE id = $1`, [ref.slice(7)]),
    );
    await expect(inside((db) => sealed.get(ref, 'theirs', db))).rejects.toThrow('does not open');
  });

  test('a new key-encryption key: old values open, are rewrapped, and the old key can go', async () => {
    const ref = await inside((db) => sealed.put('a', Secret.of(VALUE), db));
    const old = keks;
    const next = { id: 'kek-2', key: Secret.ofBytes(randomBytes(32)) };
    keks = [next, ...old];
    expect((await inside((db) => sealed.get(ref, 'a', db))).use((value) => value)).toBe(VALUE);
    const fresh = await inside((db) => sealed.put('b', Secret.of(VALUE), db));
    const unreadable: string[] = [];
    let moved = 0;
    let after: string | null = null;
    do {
      const batch = await inside((db) => sealed.rewrap(db, after, 2));
      moved += batch.moved;
      unreadable.push(...batch.unreadable);
      after = batch.last;
      // Some are under the new key by now, some still under the old one: all open, and new ones are sealed.
      const between = await inside((db) => sealed.put('b', Secret.of(VALUE), db));
      for (const [one, boundTo] of [
        [ref, 'a'],
        [fresh, 'b'],
        [between, 'b'],
      ] as const)
        expect((await inside((db) => sealed.get(one, boundTo, db))).use((value) => value)).toBe(VALUE);
    } while (after !== null);
    expect(unreadable).toEqual([tampered]);
    expect(moved).toBeGreaterThan(2);
    keks = [next];
    for (const [one, boundTo] of [
      [ref, 'a'],
      [fresh, 'b'],
    ] as const) {
      expect((await inside((db) => sealed.get(one, boundTo, db))).use((value) => value)).toBe(VALUE);
    }
    keks = old;
    await expect(inside((db) => sealed.get(ref, 'a', db))).rejects.toThrow('kek-2 is not at hand');
    keks = [next, ...old];
  });
});

test('the vault finds the store by its reference, and writes to the chosen one', async () => {
  const vault = new Vault([sealed, env], 'sealed');
  const ref = await inside((db) => vault.put(db, 'a', Secret.of(VALUE)));
  expect(ref).toMatch(/^sealed:/);
  expect((await inside((db) => vault.get(db, ref, 'a'))).use((value) => value)).toBe(VALUE);
  environment.COUNTERSIGN_SECRET_TWO = 'two';
  expect(
    (await inside((db) => vault.get(db, envRef('COUNTERSIGN_SECRET_TWO', 'a'), 'a'))).use((value) => value),
  ).toBe('two');
  expect(vault.knows('vault:kv/x')).toBe(false);
  await expect(
    inside((db) => Promise.resolve().then(() => vault.get(db, 'vault:kv/x', 'a'))),
  ).rejects.toThrow('no secret store');
  expect(() => new Vault([sealed, sealed], 'sealed')).toThrow('same key');
  expect(() => new Vault([env], 'sealed')).toThrow('no secret store sealed');
  expect(() => new Vault([sealed, env], 'env')).toThrow('read-only');
  expect(vault.mayDestroy(ref)).toBe(true);
  expect(vault.mayDestroy(envRef('COUNTERSIGN_SECRET_TWO', 'a'))).toBe(false);
});
