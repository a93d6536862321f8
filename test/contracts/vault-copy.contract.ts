import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Call, Target } from '../../src/domain/revocation/connector.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { VaultConnector } from '../../src/plugins/connectors/vault/vault.connector.ts';
import { vaultSettings, type VaultSettings } from '../../src/plugins/connectors/vault/vault-things.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';
import { ScriptedSupplier } from '../support/scripted-supplier.ts';

/** A copy in a store is taken from its readers, and proves nothing about the credential. */

let kv: ScriptedKv;
let peer: ScriptedSupplier;
let outbound: Outbound;
let connector: VaultConnector;

beforeEach(async () => {
  kv = new ScriptedKv();
  peer = await new ScriptedSupplier(kv).start();
  outbound = new Outbound({ outboundAllow: [peer.hostPort] }, new SystemClock());
  connector = new VaultConnector(outbound);
  kv.paths.set('apps/shop/stripe', [
    { data: { value: 'one' }, deletedAt: '', destroyed: false },
    { data: { value: 'two' }, deletedAt: '', destroyed: false },
  ]);
});
afterEach(async () => {
  await outbound.close();
  await peer.stop();
});

const call = (): Call => ({ idempotencyKey: 'k', signal: AbortSignal.timeout(5000), now: Date.now });
const target = (supplierId: string, token = OUR_TOKEN): Target<VaultSettings> => ({
  settings: vaultSettings.parse({ what: 'kv_copy' }),
  baseUrl: peer.baseUrl,
  auth: { token: Secret.of(token) },
  credentialKind: 'kv_copy',
  supplierId,
  value: null,
});

test('destroys the version that it names and no other, and says what became of it without a verdict', async () => {
  const first = target('apps/shop/stripe@1');
  expect(await connector.probe(first, call())).toMatchObject({
    verdict: 'indeterminate',
    why: expect.stringContaining('can be read'),
  });
  expect(await connector.revoke(first, call())).toMatchObject({ outcome: 'accepted' });
  expect(kv.paths.get('apps/shop/stripe')?.map((one) => one.destroyed)).toEqual([true, false]);
  expect(await connector.probe(first, call())).toMatchObject({
    verdict: 'indeterminate',
    why: expect.stringContaining('destroyed for good'),
  });
});

test('a copy that is only deleted can be brought back, and is said to be', async () => {
  kv.paths.get('apps/shop/stripe')![1]!.deletedAt = '2026-11-22T10:00:00Z';
  expect(await connector.probe(target('apps/shop/stripe@2'), call())).toMatchObject({
    verdict: 'indeterminate',
    why: expect.stringContaining('brought back'),
  });
});

test('a token that is refused is about us', async () => {
  const stranger = target('apps/shop/stripe@1', 'hvs.stranger');
  expect(await connector.revoke(stranger, call())).toMatchObject({
    outcome: 'rejected',
    ownAuthentication: true,
  });
  expect(await connector.checkOwnAuthentication(stranger, call())).toMatchObject({ verdict: 'dead' });
  expect(await connector.checkOwnAuthentication(target('x@1'), call())).toMatchObject({ verdict: 'live' });
});

test.each(['apps/../sys/leases@1', 'apps//x@1', '../x@1', 'x@0', 'x', 'a/./b@1', 'a%2fb@1', 'a b@1', '@1'])(
  'asks nothing about %s',
  async (id) => {
    expect(await connector.revoke(target(id), call())).toMatchObject({ outcome: 'rejected' });
    expect(await connector.probe(target(id), call())).toMatchObject({ verdict: 'indeterminate' });
    expect(peer.asked).toEqual([]);
  },
);
