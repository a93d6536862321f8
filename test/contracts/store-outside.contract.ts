import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import type { StoredRef } from '../../src/platform/vault/store.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { SealedStore } from '../../src/plugins/stores/sealed/sealed.store.ts';
import { OutsidePeers } from '../support/outside-stores.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

/** What a store on another machine owes beyond what every store does: no transaction waits, nothing is lost on the way. */

let database: TestDatabase;
let source: DataSource;
let transactions: Transactions;
const BY = system('test', 'correlation-1');
const VALUE = 'value-\u00e4-0123456789abcdef';
const kek = { id: 'kek-1', key: Secret.ofBytes(randomBytes(32)) };
const sealed = new SealedStore({ keks: () => [kek] }, new SystemClock());
const peers = new OutsidePeers();
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

const OUTSIDE = [
  {
    store: peers.opened('vault-kv2', sealed),
    peer: peers.kvPeer,
    holds: () => JSON.stringify([...peers.kv.paths]),
    count: () => peers.kv.paths.size,
    swap: (from: string, to: string) =>
      peers.kv.paths.set(`countersign/${to}`, peers.kv.paths.get(`countersign/${from}`)!),
  },
  {
    store: peers.opened('aws-secrets-manager', sealed),
    peer: peers.managerPeer,
    holds: () => JSON.stringify([...peers.manager.secrets]),
    count: () => peers.manager.secrets.size,
    swap: (from: string, to: string) =>
      peers.manager.secrets.set(`countersign/${to}`, peers.manager.secrets.get(`countersign/${from}`)!),
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

  test('many are put at once, each for whom it belongs to; what is too long stays sealed', async () => {
    const values = ['one', 'x'.repeat(400_000), 'three'];
    const refs = await inside((db) =>
      store.putAll(
        values.map((value, n) => ({ boundTo: `b${n}`, value: Secret.of(value) })),
        db,
      ),
    );
    expect(refs.map((ref) => ref.split(':')[0])).toEqual([store.key, 'sealed', store.key]);
    const vault = new Vault([sealed, store], store.key);
    for (const _ of [1, 2]) {
      for (const [n, ref] of refs.entries())
        expect((await inside((db) => vault.get(db, ref, `b${n}`))).use((value) => value)).toBe(values[n]);
      await bring();
    }
  });

  test('many that want one value ask the store once', async () => {
    const ref = await put();
    await bring();
    const asked = peer.asked.length;
    await Promise.all([1, 2, 3, 4, 5].map(() => inside((db) => store.get(ref, 'a', db))));
    expect(peer.asked.length).toBe(asked + 1);
  });

  test('a value that is too long for the store stays sealed here', async () => {
    const ref = await inside((db) => store.put('a', Secret.of('x'.repeat(400_000)), db));
    expect(ref).toMatch(/^sealed:/);
  });
});
