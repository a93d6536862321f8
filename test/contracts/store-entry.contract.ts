import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Call, Connector, StoreEntry } from '../../src/domain/revocation/connector.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { connectorClasses } from '../../src/plugins/connectors/registry.ts';
import { OUR_KEY, ScriptedSecrets } from '../support/scripted-aws.ts';
import { ScriptedSupplier, type Dialect } from '../support/scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';

/**
 * Entries of stores, at peers written from their documentation: written once however often it is asked, beside the other
 * fields, and read with every version that somebody might still get.
 */

interface Peer {
  dialect: Dialect;
  settings: unknown;
  auth: Record<string, Secret>;
  entry: string;
  /** What the store keeps, oldest first. */
  versions(): string[];
  put(text: string): void;
}

const PEERS: Record<string, () => Peer> = {
  vault: () => {
    const dialect = new ScriptedKv();
    const path = 'apps/shop/stripe';
    return {
      dialect,
      settings: { what: 'kv_copy', mount: 'secret' },
      auth: { token: Secret.of(OUR_TOKEN) },
      entry: path,
      versions: () => (dialect.paths.get(path) ?? []).map(({ data }) => JSON.stringify(data)),
      put: (text) => {
        const all = dialect.paths.get(path) ?? [];
        all.push({ data: JSON.parse(text) as unknown, deletedAt: '', destroyed: false });
        dialect.paths.set(path, all);
      },
    };
  },
  'aws-secret': () => {
    const dialect = new ScriptedSecrets();
    const name = 'apps/shop/stripe';
    return {
      dialect,
      settings: { region: 'eu-central-1' },
      auth: {
        access_key_id: Secret.of(OUR_KEY.id),
        secret_access_key: Secret.of(OUR_KEY.secret),
      },
      entry: name,
      versions: () => {
        const now = dialect.secrets.get(name);
        return now ? [...[...(dialect.earlier.get(name) ?? [])].reverse(), now].map(({ text }) => text) : [];
      },
      put: (text) => {
        const before = dialect.secrets.get(name);
        if (before) dialect.earlier.set(name, [before, ...(dialect.earlier.get(name) ?? [])]);
        dialect.secrets.set(name, {
          text,
          token: `t-${dialect.earlier.get(name)?.length ?? 0}-${'0'.repeat(30)}`,
        });
      },
    };
  },
};

test('every connector that writes entries is tried', () => {
  const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
  const writing = connectorClasses
    .map((one) => new one(outbound) as Connector)
    .filter(({ writeEntry, readEntry }) => writeEntry ?? readEntry)
    .map(({ key }) => key);
  expect(writing.sort()).toEqual(Object.keys(PEERS).sort());
});

describe.each(Object.keys(PEERS))('entries by %s', (key) => {
  const [OLD, NEW] = ['sk_old_0123456789', 'sk_new_9876543210'];
  let peer: Peer;
  let supplier: ScriptedSupplier;
  let outbound: Outbound;
  let connector: Connector;
  let calls = 0;
  const call = (): Call => ({
    idempotencyKey: `step-${calls++}:1`,
    signal: AbortSignal.timeout(10_000),
    now: Date.now,
  });
  const entry = (more: Partial<StoreEntry<unknown>> = {}): StoreEntry<unknown> => ({
    settings: peer.settings,
    baseUrl: supplier.baseUrl,
    auth: peer.auth,
    entry: peer.entry,
    field: 'api_key',
    ...more,
  });
  const valuesOf = async () => {
    const told = await connector.readEntry!(entry(), call());
    if (told.outcome !== 'read') throw new Error(told.why);
    return told.held.map(({ value, current }) => [value?.use((text) => text) ?? null, current]);
  };

  beforeEach(async () => {
    peer = PEERS[key]!();
    supplier = await new ScriptedSupplier(peer.dialect).start();
    outbound = new Outbound({ outboundAllow: [supplier.hostPort] }, new SystemClock());
    connector = connectorClasses.map((one) => new one(outbound) as Connector).find((one) => one.key === key)!;
    peer.put(JSON.stringify({ api_key: OLD, other: 'stays' }));
  });
  afterEach(async () => {
    await outbound.close();
    await supplier.stop();
  });

  test('writes the value beside the other fields, once however often it is asked', async () => {
    const written = await connector.writeEntry!(entry(), Secret.of(NEW), call());
    expect(written.outcome).toBe('written');
    const again = await connector.writeEntry!(entry(), Secret.of(NEW), call());
    expect(again.outcome).toBe('held');
    expect(peer.versions().map((text) => JSON.parse(text) as unknown)).toEqual([
      { api_key: OLD, other: 'stays' },
      { api_key: NEW, other: 'stays' },
    ]);
    expect(JSON.stringify([written, again])).not.toMatch(/sk_new|sk_old|stays/);
  });

  test('reads every version that somebody may still get, and which one readers get', async () => {
    peer.put(JSON.stringify({ api_key: NEW, other: 'stays' }));
    peer.put(JSON.stringify({ other: 'stays' }));
    expect(await valuesOf()).toEqual([
      [null, true],
      [NEW, false],
      [OLD, false],
    ]);
  });

  test('says what it cannot do, and shows nothing of what it holds', async () => {
    const strange = Object.fromEntries(Object.keys(peer.auth).map((name) => [name, Secret.of('not-ours')]));
    expect(await connector.writeEntry!(entry({ auth: strange }), Secret.of(NEW), call())).toMatchObject({
      outcome: 'rejected',
    });
    expect(await connector.writeEntry!(entry({ auth: {} }), Secret.of(NEW), call())).toMatchObject({
      outcome: 'rejected',
      why: expect.stringContaining('not at hand'),
    });
    expect(await connector.readEntry!(entry({ entry: '../x y' }), call())).toMatchObject({
      outcome: 'unknown',
    });
    const nothing = await connector.readEntry!(entry({ entry: 'apps/other' }), call());
    expect(nothing).toMatchObject({ outcome: 'read', held: [], unread: 0 });
    expect(peer.versions()).toHaveLength(1);
    await supplier.stop();
    expect(await connector.writeEntry!(entry(), Secret.of(NEW), call())).toMatchObject({ outcome: 'retry' });
    expect(await connector.readEntry!(entry(), call())).toMatchObject({ outcome: 'unknown' });
    supplier = await new ScriptedSupplier(peer.dialect).start();
  });
});

test('a KV engine: who writes in the same moment is not overwritten, and what is only deleted cannot be ruled out', async () => {
  const peer = PEERS['vault']!();
  const kv = peer.dialect as ScriptedKv;
  const supplier = await new ScriptedSupplier(kv).start();
  const outbound = new Outbound({ outboundAllow: [supplier.hostPort] }, new SystemClock());
  const connector = connectorClasses
    .map((one) => new one(outbound) as Connector)
    .find((one) => one.key === 'vault')!;
  const call: Call = { idempotencyKey: 'k', signal: AbortSignal.timeout(10_000), now: Date.now };
  const entry = {
    settings: peer.settings,
    baseUrl: supplier.baseUrl,
    auth: peer.auth,
    entry: peer.entry,
    field: 'api_key',
  };
  try {
    peer.put('{"api_key":"one"}');
    kv.meanwhile = (versions) =>
      versions.push({ data: { api_key: 'one', theirs: 'too' }, deletedAt: '', destroyed: false });
    const first = await connector.writeEntry!(entry, Secret.of('two'), call);
    expect(first).toMatchObject({ outcome: 'retry', why: expect.stringContaining('at the same time') });
    expect(await connector.writeEntry!(entry, Secret.of('two'), call)).toMatchObject({ outcome: 'written' });
    expect(JSON.parse(peer.versions().at(-1)!)).toEqual({ api_key: 'two', theirs: 'too' });
    Object.assign(kv.paths.get(peer.entry)![0]!, { deletedAt: '2026-11-22T10:00:00Z' });
    expect(await connector.readEntry!(entry, call)).toMatchObject({ outcome: 'read', unread: 1 });
    Object.assign(kv.paths.get(peer.entry)![0]!, { destroyed: true });
    expect(await connector.readEntry!(entry, call)).toMatchObject({ outcome: 'read', unread: 0 });
  } finally {
    await outbound.close();
    await supplier.stop();
  }
});
