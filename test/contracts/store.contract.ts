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
import { newId } from '../../src/kernel/ids.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { KeptOutside } from '../../src/platform/vault/kept-outside.ts';
import { outsideStores, storeProviders } from '../../src/plugins/stores/registry.ts';
import { OUR_KEY, ScriptedSecrets } from '../support/scripted-aws.ts';
import { ScriptedSupplier } from '../support/scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

let database: TestDatabase;
let source: DataSource;
let transactions: Transactions;
let keks: Kek[] = [{ id: 'kek-1', key: Secret.ofBytes(randomBytes(32)) }];
const environment: Record<string, string> = {};
const sealed = new SealedStore({ keks: () => keks }, new SystemClock());
const env = new EnvStore((name) => environment[name]);
const VALUE = 'value-\u00e4-0123456789abcdef';

const clock = new SystemClock();
const kv = new ScriptedKv();
const manager = new ScriptedSecrets();
const kvPeer = new ScriptedSupplier(kv);
const managerPeer = new ScriptedSupplier(manager);
let outbound: Outbound;

/** Each store outside, of which only the address is not known before its peer listens. */
function opened(key: string): KeptOutside {
  const open = () => {
    const found = outsideStores
      .flatMap((one) => one(places(), outbound) ?? [])
      .find((one) => one.key === key);
    if (!found) throw new Error(`no store ${key}`);
    return found;
  };
  const { title, capabilities, longest } = outsideStores
    .flatMap((one) => one(places(), new Outbound({ outboundAllow: [] }, clock)) ?? [])
    .find((one) => one.key === key)!;
  const late = {
    key,
    title,
    capabilities,
    longest,
    keep: (...args: Parameters<ReturnType<typeof open>['keep']>) => open().keep(...args),
    fetch: (...args: Parameters<ReturnType<typeof open>['fetch']>) => open().fetch(...args),
    remove: (...args: Parameters<ReturnType<typeof open>['remove']>) => open().remove(...args),
  };
  return new KeptOutside(late, sealed, clock);
}
const places = () => ({
  writeTo: 'sealed' as const,
  vault: { url: kvPeer.baseUrl, token: Secret.of(OUR_TOKEN), mount: 'secret', prefix: 'countersign' },
  aws: {
    endpoint: managerPeer.baseUrl,
    region: 'eu-central-1',
    accessKeyId: Secret.of(OUR_KEY.id),
    secretAccessKey: Secret.of(OUR_KEY.secret),
    prefix: 'countersign',
  },
});
const BY = system('test', 'correlation-1');
const inKv = opened('vault-kv2');
const inManager = opened('aws-secrets-manager');

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
  await Promise.all([kvPeer.start(), managerPeer.start()]);
  outbound = new Outbound({ outboundAllow: [kvPeer.hostPort, managerPeer.hostPort] }, clock);
});
afterAll(async () => {
  await outbound?.close();
  await Promise.all([kvPeer.stop(), managerPeer.stop()]);
  await source?.destroy();
  await database?.drop();
});

test('every registered store is here', () => {
  const ours = STORES.filter(({ settle }) => !settle).map(({ store }) => store.constructor);
  expect(ours).toEqual(storeProviders.map((one) => one.provide));
  const outside = STORES.filter(({ settle }) => settle).map(({ store }) => store.key);
  expect(outside).toEqual(outsideStores.flatMap((open) => open(places(), outbound)?.key ?? []));
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

const OUTSIDE = [
  {
    store: inKv,
    peer: kvPeer,
    holds: () => JSON.stringify([...kv.paths]),
    count: () => kv.paths.size,
    swap: (from: string, to: string) =>
      kv.paths.set(`countersign/${to}`, kv.paths.get(`countersign/${from}`)!),
  },
  {
    store: inManager,
    peer: managerPeer,
    holds: () => JSON.stringify([...manager.secrets]),
    count: () => manager.secrets.size,
    swap: (from: string, to: string) =>
      manager.secrets.set(`countersign/${to}`, manager.secrets.get(`countersign/${from}`)!),
  },
];

describe.each(OUTSIDE)('the store outside $store.key', ({ store, peer, holds, count, swap }) => {
  const idOf = (ref: StoredRef) => ref.slice(store.key.length + 1);
  const put = (boundTo = 'a') => inside((db) => store.put(boundTo, Secret.of(VALUE), db));
  const bring = () => store.bring(transactions, BY);
  const row = async (ref: StoredRef) => {
    const rows = await inside((db) =>
      db.query<{ sealed_ref: string | null; problem: string | null; destroyed_at: Date | null }[]>(
        `SELECT sealed_ref, problem, destroyed_at FROM outside_secret WHERE id = $1`,
        [idOf(ref)],
      ),
    );
    return rows[0];
  };
  const sealedOf = (ref: StoredRef) =>
    inside((db) =>
      db.query<{ ciphertext: Buffer | null }[]>(`SELECT ciphertext FROM sealed_secret WHERE bound_to = $1`, [
        `outside_secret:${idOf(ref)}:a`,
      ]),
    );

  test('nothing leaves within a transaction, and one that fails leaves nothing behind', async () => {
    const [asked, before] = [peer.asked.length, count()];
    await inside(async (db) => {
      await store.put('a', Secret.of(VALUE), db);
      throw new Error('roll back');
    }).catch(() => undefined);
    await bring();
    expect([peer.asked.length, count()]).toEqual([asked, before]);
  });

  test('after the commit the value is outside, and no longer here', async () => {
    const ref = await put();
    expect(await sealedOf(ref)).toHaveLength(1);
    expect((await bring()).kept).toBeGreaterThan(0);
    expect(await row(ref)).toMatchObject({ sealed_ref: null, problem: null });
    expect((await sealedOf(ref))[0]?.ciphertext).toBeNull();
    expect(holds()).toContain(Buffer.from(VALUE).toString('base64'));
  });

  test('a store that is down holds nobody up: the value serves from here until it is back', async () => {
    const ref = await put();
    peer.goesWrong('server_error', 'any', 1);
    await bring();
    expect(await row(ref)).toMatchObject({ problem: expect.stringContaining('500') });
    expect((await inside((db) => store.get(ref, 'a', db))).use((value) => value)).toBe(VALUE);
    await bring();
    expect(await row(ref)).toMatchObject({ sealed_ref: null, problem: null });
  });

  test('a lost answer to keeping is kept once', async () => {
    const ref = await put();
    const before = count();
    peer.goesWrong('lost', 'any', 1);
    await bring();
    expect((await row(ref))?.sealed_ref).not.toBeNull();
    await bring();
    expect((await row(ref))?.sealed_ref).toBeNull();
    expect(count()).toBe(before + 1);
  });

  test('destroyed is removed outside, also when the store was down', async () => {
    const ref = await put();
    await bring();
    const before = count();
    await inside((db) => store.destroy(ref, db));
    peer.goesWrong('server_error', 'any', 1);
    await bring();
    expect((await row(ref))?.destroyed_at).toBeNull();
    await bring();
    expect((await row(ref))?.destroyed_at).not.toBeNull();
    expect(count()).toBe(before - 1);
  });

  test('destroyed before it left needs nothing outside', async () => {
    const ref = await put();
    const asked = peer.asked.length;
    await inside((db) => store.destroy(ref, db));
    await bring();
    expect(peer.asked.length).toBe(asked);
    expect((await row(ref))?.destroyed_at).not.toBeNull();
  });

  test('a value that somebody put under another id in the store does not open', async () => {
    const [mine, theirs] = [await put(), await put()];
    await bring();
    swap(idOf(theirs), idOf(mine));
    await expect(inside((db) => store.get(mine, 'a', db))).rejects.toThrow('belongs to something else');
  });

  test('a failure to fetch says which store, and nothing of a value', async () => {
    const ref = await put();
    await bring();
    peer.goesWrong('refuse_all', 'any', 1);
    const thrown = await inside((db) => store.get(ref, 'a', db)).catch((error: unknown) => error);
    expect(String(thrown)).toContain(store.key);
    expect(String(thrown)).not.toContain(VALUE);
  });

  test('work that needs a value outside runs again, and stores what it writes once', async () => {
    const ref = await put();
    await bring();
    const id = newId();
    let runs = 0;
    await inside(async (db) => {
      runs++;
      await db.query(
        `INSERT INTO sealed_secret (id, bound_to, kek_id, nonce, created_at, destroyed_at) VALUES ($1, 'x', 'k', '', now(), now())`,
        [id],
      );
      const got = await store.get(ref, 'a', db);
      expect(got.use((value) => value)).toBe(VALUE);
    });
    expect(runs).toBe(2);
    const rows = await inside((db) => db.query<unknown[]>(`SELECT FROM sealed_secret WHERE id = $1`, [id]));
    expect(rows).toHaveLength(1);
  });

  test('a value that is too long for the store stays sealed here', async () => {
    const ref = await inside((db) => store.put('a', Secret.of('x'.repeat(400_000)), db));
    expect(ref).toMatch(/^sealed:/);
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
