import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SignalDeathsJob } from '../../src/domain/revocation/signal-deaths.job.ts';
import { SignalSender } from '../../src/domain/signals/sender.ts';
import { SignalsService } from '../../src/domain/signals/signals.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { alertsRaised, SignalPeer, verifiedAt, type ReceivedSignal } from '../support/signal-peer.ts';

const by = system('test', 'test-signals');

let t: TestApp;
let scene: LeakScene;
let peer: SignalPeer;
let customer: string;
let supplier: string;
let integrationId: Id;
let credential: SceneCredential;

beforeAll(async () => {
  peer = await SignalPeer.start();
  // Nothing works in the background: each test says itself when messages are sent.
  t = await startApp({
    config: { outboundAllow: [peer.host] },
    settings: { duties: { serves: true, works: false } },
  });
  scene = await LeakScene.set(t);
  customer = await t.token('party_contact', scene.customerId);
  supplier = await t.token('party_contact', scene.supplierId);
  integrationId = await scene.integration('Payments', { parties: [scene.customerId] });
  credential = await scene.credential(integrationId);
});
afterAll(async () => {
  await t.close();
  await peer.close();
});
beforeEach(() => {
  peer.taken();
  peer.answer(204);
});

const send = () => t.app.get(SignalSender).send(by, AbortSignal.timeout(60_000));

async function call(token: string, method: string, url: string, body?: object, headers: object = {}) {
  const answer = await t.app.inject({
    method: method as 'GET',
    url,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json(), text: answer.body };
}

async function subscribed(more: object = {}, token = customer): Promise<{ id: Id; secret: string }> {
  const made = await call(token, 'POST', '/api/v1/subscriptions', {
    name: 'Sync',
    url: `${peer.url}/hook`,
    events: ['credential.dead', 'case.opened'],
    ...more,
  });
  expect(made).toMatchObject({ status: 201 });
  return { id: made.body.subscription.id, secret: made.body.secret };
}

const publish = (facts: object = {}, type = 'credential.dead' as const) =>
  scene.work((db) =>
    t.app.get(SignalsService).publish(db, {
      type,
      at: t.clock.now(),
      credentialId: credential.credentialId,
      facts: { version: { id: credential.versionId, number: 1 }, ...facts },
    }),
  );
const logOf = async (id: Id, token = customer) =>
  (await call(token, 'GET', `/api/v1/subscriptions/${id}/deliveries`)).body.deliveries;
const verified = (secret: string, one: ReceivedSignal) => verifiedAt(t.clock.now(), secret, one);
const end = (id: Id, token = customer) => call(token, 'DELETE', `/api/v1/subscriptions/${id}`);
test.each(['nonsense', 'https://', 'https://a b/', 'https://u:p@a.example/', 'https://a.example/#x'])(
  'no endpoint has the address %s',
  async (url) => {
    const body = { name: 'An endpoint', url, events: ['case.opened'] };
    const answer = await call(customer, 'POST', '/api/v1/subscriptions', body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: '/url' }] } });
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: url };
    expect((await call(customer, 'POST', '/api/v1/ssf/streams', { delivery })).status).toBe(400);
  },
);

describe('an endpoint', () => {
  test('is sent what happened to its party, as the official package verifies it', async () => {
    const { id, secret } = await subscribed();
    await publish();
    await send();
    const [one, ...rest] = peer.taken();
    expect(rest).toEqual([]);
    expect(verified(secret, one!)).toEqual({
      type: 'credential.dead',
      timestamp: new Date(t.clock.now()).toISOString(),
      data: {
        integration: { id: integrationId, reference: expect.any(String), name: 'Payments' },
        credential: { id: credential.credentialId, kind: 'api_key', label: expect.any(String) },
        version: { id: credential.versionId, number: 1 },
      },
    });
    expect(one!.body).not.toContain(credential.value);
    expect(Buffer.byteLength(one!.body)).toBeLessThan(20_000);
    const [logged] = await logOf(id);
    expect(logged).toMatchObject({ state: 'delivered', attempts: 1, lastStatus: 204 });
    expect(one!.headers['webhook-id']).toBe(logged.messageId);
    await end(id);
  });

  test('of another party hears nothing of it, and nobody but its own party sees it', async () => {
    const elsewhere = await scene.integration('Elsewhere');
    const other = await scene.credential(elsewhere);
    const { id } = await subscribed();
    const theirs = await subscribed({ name: 'Theirs' }, supplier);
    await scene.work((db) =>
      t.app.get(SignalsService).publish(db, {
        type: 'credential.dead',
        at: t.clock.now(),
        credentialId: other.credentialId,
        facts: {},
      }),
    );
    await send();
    // The supplier is in both integrations, the customer in one.
    expect(await logOf(id)).toEqual([]);
    expect(await logOf(theirs.id, supplier)).toHaveLength(1);
    for (const url of ['', '/deliveries']) {
      expect((await call(supplier, 'GET', `/api/v1/subscriptions/${id}${url}`)).status).toBe(404);
    }
    for (const [method, url, body] of [
      ['DELETE', '', undefined],
      ['POST', '/test', {}],
      ['POST', '/keys', {}],
    ] as const) {
      expect((await call(supplier, method, `/api/v1/subscriptions/${id}${url}`, body)).status).toBe(404);
    }
    const listed = await call(supplier, 'GET', '/api/v1/subscriptions');
    expect(listed.body.subscriptions.map((one: { id: Id }) => one.id)).toEqual([theirs.id]);
    const foreign = { partyId: scene.customerId, name: 'x', url: `${peer.url}/x`, events: ['case.opened'] };
    expect((await call(supplier, 'POST', '/api/v1/subscriptions', foreign)).status).toBe(403);
    await end(id);
    await end(theirs.id, supplier);
  });

  test('a shared credential is heard of by each party under its own integration alone', async () => {
    const second = await scene.integration('Second', { parties: [scene.operatorId] });
    const shared = await scene.credential(integrationId, { uses: [second] });
    const { id, secret } = await subscribed();
    await scene.work((db) =>
      t.app.get(SignalsService).publish(db, {
        type: 'credential.dead',
        at: t.clock.now(),
        credentialId: shared.credentialId,
        facts: {},
      }),
    );
    await send();
    const heard = peer.taken().map((one) => verified(secret, one).data['integration']);
    expect(heard).toMatchObject([{ id: integrationId }]);
    await end(id);
  });

  test('that fails is tried again under the same id, newly signed, and its answers are on record', async () => {
    const { id, secret } = await subscribed();
    peer.answer(500, {}, `stack trace with ${secret} in it`);
    await publish();
    await send();
    const [first] = peer.taken();
    await send();
    expect(peer.taken()).toEqual([]);
    t.clock.advance(7 * SECOND);
    peer.answer(302, { location: `${peer.url}/elsewhere` });
    await send();
    const [second, followed] = peer.taken();
    expect(followed).toBeUndefined();
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(second!.headers['webhook-timestamp']).not.toBe(first!.headers['webhook-timestamp']);
    expect(second!.body).toBe(first!.body);
    t.clock.advance(6 * MINUTE + SECOND);
    peer.answer(200);
    await send();
    expect(peer.taken()).toHaveLength(1);
    const [logged] = await logOf(id);
    expect(logged).toMatchObject({ state: 'delivered', attempts: 3, lastStatus: 200 });
    const detail = (await call(customer, 'GET', `/api/v1/subscriptions/${id}/deliveries/${logged.id}`)).body;
    expect(detail.tries.map((one: { status: number }) => one.status)).toEqual([500, 302, 200]);
    expect(detail.tries[0].answer).toContain('stack trace');
    expect(JSON.stringify(detail)).not.toContain(secret.slice(6));
    await end(id);
  });

  test('is given up on after the whole schedule, which somebody is told, and one more attempt can be asked for', async () => {
    const { id } = await subscribed();
    peer.answer(500);
    await publish();
    for (let n = 0; n < 40; n++) {
      await send();
      t.clock.advance(n < 3 ? 10 * MINUTE : 4 * HOUR);
    }
    const [logged] = await logOf(id);
    expect(logged).toMatchObject({ state: 'failed', attempts: 10 });
    expect(peer.taken()).toHaveLength(10);
    await alertsRaised(scene, id);
    expect(await scene.alerts('signals.endpoint-missed')).toMatchObject([{ severity: 'critical' }]);
    peer.answer(200);
    const again = `/api/v1/subscriptions/${id}/deliveries/${logged.id}/send`;
    expect((await call(customer, 'POST', again, {})).status).toBe(202);
    await send();
    expect(peer.taken()[0]!.headers['webhook-id']).toBe(logged.messageId);
    expect((await logOf(id))[0]).toMatchObject({ state: 'delivered', attempts: 11 });
    await alertsRaised(scene, id);
    expect(await scene.alerts('signals.endpoint-missed')).toEqual([]);
    await end(id);
  });

  test('that answers 410 is disabled, with an alert, and can be enabled again', async () => {
    const { id } = await subscribed();
    peer.answer(410);
    await publish();
    await send();
    await publish();
    await send();
    expect(peer.taken()).toHaveLength(1);
    const read = await call(customer, 'GET', `/api/v1/subscriptions/${id}`);
    expect(read.body).toMatchObject({ state: 'disabled', stateWhy: expect.stringContaining('410') });
    await alertsRaised(scene, id);
    expect(await scene.alerts('signals.endpoint-disabled')).toMatchObject([{ severity: 'critical' }]);
    peer.answer(200);
    const enabled = await call(
      customer,
      'PATCH',
      `/api/v1/subscriptions/${id}`,
      { state: 'enabled' },
      {
        'if-match': `"${read.body.rowVersion}"`,
      },
    );
    expect(enabled).toMatchObject({ status: 200, body: { state: 'enabled', failures: 0 } });
    t.clock.advance(10 * SECOND);
    await send();
    expect(peer.taken()).toHaveLength(1);
    await alertsRaised(scene, id);
    expect(await scene.alerts('signals.endpoint-disabled')).toEqual([]);
    await end(id);
  });

  test('that asks for a pause gets it, for everything that waits there', async () => {
    const { id } = await subscribed();
    peer.answer(429, { 'retry-after': '3600' });
    await publish();
    await send();
    await publish({ second: true });
    t.clock.advance(30 * MINUTE);
    await send();
    expect(peer.taken()).toHaveLength(1);
    t.clock.advance(31 * MINUTE);
    peer.answer(200);
    await send();
    expect(peer.taken()).toHaveLength(2);
    await end(id);
  });

  test('changes its keys without a gap: both sign until the overlap ends, of both kinds', async () => {
    const { id, secret } = await subscribed();
    const rotated = await call(customer, 'POST', `/api/v1/subscriptions/${id}/keys`, { overlapHours: 2 });
    const fresh = rotated.body.secret as string;
    const open = await call(customer, 'POST', `/api/v1/subscriptions/${id}/keys`, {
      signing: 'v1a',
      overlapHours: 2,
    });
    expect(open.body).toMatchObject({ secret: null, publicKey: expect.stringMatching(/^whpk_/) });
    await publish();
    await send();
    const [during] = peer.taken();
    verified(secret, during!);
    verified(fresh, during!);
    const signatures = String(during!.headers['webhook-signature']).split(' ');
    expect(signatures.map((one) => one.split(',')[0])).toEqual(['v1a', 'v1', 'v1']);
    const x = Buffer.from(open.body.publicKey.slice(5), 'base64').toString('base64url');
    const content = `${String(during!.headers['webhook-id'])}.${String(during!.headers['webhook-timestamp'])}.${during!.body}`;
    expect(
      verify(
        null,
        Buffer.from(content),
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
        Buffer.from(signatures[0]!.slice(4), 'base64'),
      ),
    ).toBe(true);
    t.clock.advance(2 * HOUR + 1);
    await publish();
    await send();
    const [after] = peer.taken();
    expect(String(after!.headers['webhook-signature'])).toMatch(/^v1a,\S+$/);
    // Nothing that was ever shown stands anywhere in the open.
    for (const value of [secret, fresh]) {
      expect(t.log.text).not.toContain(value.slice(6));
      const kept = await scene.rows(`SELECT 1 FROM subscription s WHERE s::text LIKE '%' || $1 || '%'`, [
        value.slice(6),
      ]);
      expect(kept).toEqual([]);
    }
    await end(id);
  });

  test('can be tried with a test message, paused, and ended', async () => {
    const { id, secret } = await subscribed();
    const tested = await call(customer, 'POST', `/api/v1/subscriptions/${id}/test`, {});
    expect(tested.status).toBe(202);
    await send();
    expect(verified(secret, peer.taken()[0]!).type).toBe('subscription.tested');
    const { body } = await call(customer, 'GET', `/api/v1/subscriptions/${id}`);
    const ifMatch = { 'if-match': `"${body.rowVersion}"` };
    expect(
      (await call(customer, 'PATCH', `/api/v1/subscriptions/${id}`, { state: 'paused' }, ifMatch)).status,
    ).toBe(200);
    expect(
      (await call(customer, 'PATCH', `/api/v1/subscriptions/${id}`, { state: 'enabled' }, ifMatch)).status,
    ).toBe(412);
    await publish();
    await send();
    expect(peer.taken()).toEqual([]);
    expect((await logOf(id))[0]).toMatchObject({ state: 'pending', attempts: 0 });
    expect((await end(id)).status).toBe(204);
    expect((await call(customer, 'GET', `/api/v1/subscriptions/${id}`)).status).toBe(404);
    await send();
    expect(peer.taken()).toEqual([]);
  });

  test.each([
    ['http://127.0.0.1:1/x', 400],
    ['https://user:pass@example.com/x', 400],
    ['ftp://example.com/x', 400],
    ['https://example.com/x#part', 400],
  ])('%s is no address', async (url, status) => {
    const asked = { name: 'x', url, events: ['case.opened'] };
    expect((await call(customer, 'POST', '/api/v1/subscriptions', asked)).status).toBe(status);
  });

  test('inside the house is never dialled, however it got there, and what an address carries is not shown', async () => {
    const { id } = await subscribed({ url: `${peer.url}/hook?code=verysecretcode` });
    expect((await call(customer, 'GET', `/api/v1/subscriptions/${id}`)).text).not.toContain('verysecretcode');
    // Kept before it was asked about, or a name that leads elsewhere by now.
    await scene.work(async (db) => {
      const inside = Secret.of('https://169.254.169.254/hook');
      const ref = await t.app.get(Vault).put(db, `subscription:${id}:url`, inside);
      await db.query(`UPDATE subscription SET url_ref = $2 WHERE id = $1`, [id, ref]);
    });
    await publish();
    await send();
    expect((await logOf(id))[0].lastAnswer).toMatch(/not a public address/);
    await end(id);
  });
});

test('what waits too long behind an endpoint that takes nothing is given up', async () => {
  const { id } = await subscribed();
  const { body } = await call(customer, 'GET', `/api/v1/subscriptions/${id}`);
  await call(
    customer,
    'PATCH',
    `/api/v1/subscriptions/${id}`,
    { state: 'paused' },
    {
      'if-match': `"${body.rowVersion}"`,
    },
  );
  await publish();
  t.clock.advance(4 * ELAPSED_DAY + 2 * MINUTE);
  await t.app.get(SignalSender).isDue(by);
  expect((await logOf(id))[0]).toMatchObject({ state: 'failed', attempts: 0 });
  await end(id);
});

test('what becomes of a credential is told once, however often its telling is repeated', async () => {
  const { id, secret } = await subscribed({ events: ['credential.revocation_moved'] });
  const one = await scene.credential(integrationId);
  await scene.rows(
    `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, updated_at) VALUES ($1, $2, $3, 'accepted', $4)`,
    [one.versionId, one.credentialId, integrationId, t.clock.date()],
  );
  const changed = {
    versionId: one.versionId,
    credentialId: one.credentialId,
    integrationId,
    facet: 'revocation' as const,
    from: 'requested',
    to: 'accepted',
    locationId: null,
  };
  const job = t.app.get(SignalDeathsJob);
  for (let n = 0; n < 3; n++)
    await job.handle(changed, { by, attempt: 1, signal: AbortSignal.timeout(5000) });
  await send();
  const heard = peer.taken();
  expect(heard).toHaveLength(1);
  expect(verified(secret, heard[0]!)).toMatchObject({
    type: 'credential.revocation_moved',
    data: { credential: { id: one.credentialId }, version: { number: 1 }, from: 'requested', to: 'accepted' },
  });
  await end(id);
});
