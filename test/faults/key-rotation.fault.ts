import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { system } from '../../src/kernel/principal.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import type { StoredRef } from '../../src/platform/vault/store.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { SealedStore } from '../../src/plugins/stores/sealed/sealed.store.ts';
import { KeyRotation } from '../../src/plugins/stores/sealed/key-rotation.ts';
import { startApp, type TestApp } from '../support/app.ts';

/**
 * The key-encryption key is changed by the command, while a server runs, and the command is killed between two batches:
 * every secret opens before, in between and after, and the old key is said to be free only when it is.
 */

const SECRETS = 1200;
const BY = system('test', 'test-correlation');
const cli = join(import.meta.dirname, '..', '..', 'dist/src/cli.js');

let world: TestApp;
const stored: { ref: StoredRef; boundTo: string; value: string }[] = [];
const inside = <T>(work: (db: Db) => Promise<T>) => world.app.get(Transactions).run(BY, work);
const keyFiles = () =>
  readdirSync(join(world.config.dataFolder, 'keys'))
    .filter((name) => name.startsWith('kek'))
    .sort();

beforeAll(async () => {
  world = await startApp({ config: { queue: 'off' } });
  await put(SECRETS);
});
afterAll(() => world?.close());

async function put(count: number): Promise<void> {
  const vault = world.app.get(Vault);
  await inside(async (db) => {
    for (let nth = 0; nth < count; nth++) {
      const [boundTo, value] = [`thing:${stored.length}`, `value-${stored.length}-0123456789`];
      stored.push({ ref: await vault.put(db, boundTo, Secret.of(value)), boundTo, value });
    }
  });
}

async function expectAllToOpen(): Promise<void> {
  const vault = world.app.get(Vault);
  await inside(async (db) => {
    for (const { ref, boundTo, value } of stored)
      expect((await vault.get(db, ref, boundTo)).use((text) => text)).toBe(value);
  });
}

const wrappedBy = async () =>
  new Map(
    (
      await inside((db) =>
        db.query<{ kek_id: string; n: number }[]>(
          `SELECT kek_id, count(*)::int AS n FROM sealed_secret WHERE destroyed_at IS NULL GROUP BY kek_id`,
        ),
      )
    ).map((row) => [row.kek_id, row.n]),
  );
const entries = async () =>
  (
    await inside((db) =>
      db.query<{ kind: string }[]>(`SELECT kind FROM ledger_entry WHERE subject_kind = 'kek' ORDER BY n`),
    )
  ).map(({ kind }) => kind);

/** @param killAt  ends the process without warning as soon as its output matches */
async function countersign(args: string[], killAt?: RegExp): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: world.database.url,
      COUNTERSIGN_DATA: world.config.dataFolder,
      COUNTERSIGN_QUEUE: 'off',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (killAt?.test(out)) child.kill('SIGKILL');
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out };
}

test('killed between two batches, it goes on where it stopped; the old key may go when nothing uses it', async () => {
  const keys = world.app.get(Keys);
  const [old] = keys.keks();
  expect(keyFiles()).toEqual(['kek-1.key']);
  await inside((db) => world.app.get(Vault).destroy(db, stored[0]!.ref));
  stored.shift();
  await expectAllToOpen();

  const killed = await countersign(['keys', 'rotate'], /secrets moved/);
  expect(killed.code).toBeNull();
  const halfway = await wrappedBy();
  expect(halfway.size).toBe(2);
  expect(halfway.get(old!.id)).toBeGreaterThan(0);
  expect(keyFiles()).toEqual(['kek-1.key', 'kek-2.key']);
  // The server that was running all the time knows the new key, reads under both and seals under the new one.
  await expectAllToOpen();
  await put(5);
  const [current] = keys.keks();
  expect(current?.id).not.toBe(old?.id);
  expect((await wrappedBy()).get(current!.id)).toBe(halfway.get(current!.id)! + 5);
  expect(await entries()).toEqual(['kek.made-current']);

  const resumed = await countersign(['keys', 'rotate']);
  expect(resumed).toMatchObject({
    code: 0,
    out: expect.stringMatching(/An earlier rotation, to the key [0-9a-f]+, was brought to its end/),
  });
  expect(resumed.out).toMatch(/kek-1\.key {2}nothing uses it any more: take it away/);
  expect(keyFiles()).toEqual(['kek-1.key', 'kek-2.key']);
  expect(await wrappedBy()).toEqual(new Map([[current!.id, stored.length]]));
  expect(await entries()).toEqual(['kek.made-current', 'kek.rotation-finished']);
  await expectAllToOpen();
  for (const name of keyFiles()) {
    const key = readFileSync(join(world.config.dataFolder, 'keys', name), 'utf8').trim();
    for (const { out } of [killed, resumed]) expect(out).not.toContain(key);
  }

  rmSync(join(world.config.dataFolder, 'keys', 'kek-1.key'));
  await expectAllToOpen();
  const listed = await countersign(['keys', 'list', '--json']);
  expect(JSON.parse(listed.out)).toEqual({
    keys: [
      {
        id: current!.id,
        where: join(world.config.dataFolder, 'keys', 'kek-2.key'),
        current: true,
        values: stored.length,
      },
    ],
  });
}, 240_000);

test('a secret that does not open is named, kept, and holds no further rotation up', async () => {
  const rotation = world.app.get(KeyRotation);
  const { ref } = stored[7]!;
  const id = ref.slice('sealed:'.length);
  await inside((db) =>
    db.query(
      `UPDATE sealed_secret SET wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1) WHERE id = $1`,
      [id],
    ),
  );
  const first = await rotation.rotate(BY, { batch: 500 });
  expect(first).toMatchObject({ made: true, moved: stored.length - 1, unreadable: [id] });
  const second = await rotation.rotate(BY, { batch: 500 });
  expect(second).toMatchObject({ made: true, moved: stored.length - 1, unreadable: [id] });
  expect(second.keys.map(({ values, current }) => [current, values])).toEqual([
    [true, stored.length - 1],
    [false, 0],
    [false, 1],
  ]);
}, 240_000);

test('the old key is not called free while somebody is about to commit a value under it', async () => {
  const old = new SealedStore({ keks: () => world.app.get(Keys).keks().slice() }, world.clock);
  const before = world.app.get(Keys).keks()[0]!;
  let commit = () => {};
  let sealed: () => void = () => {};
  const isSealed = new Promise<void>((resolve) => (sealed = resolve));
  const late = inside(async (db) => {
    await old.put('late', Secret.of('late value'), db);
    sealed();
    await new Promise<void>((resolve) => (commit = resolve));
  });
  await isSealed;
  const rotating = world.app.get(KeyRotation).rotate(BY, { batch: 500, onBatch: () => commit() });
  const rotated = await rotating;
  await late;
  expect(rotated.keys.find(({ id }) => id === before.id)?.values).toBe(0);
  expect((await wrappedBy()).get(before.id) ?? 0).toBe(0);
}, 240_000);
