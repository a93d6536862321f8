import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { SignalSender } from '../../src/domain/signals/sender.ts';
import { SignalsService } from '../../src/domain/signals/signals.service.ts';
import type { SignalType } from '../../src/domain/signals/signal.rules.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { SignalPeer } from '../support/signal-peer.ts';

const by = system('test', 'test-shared-signals');
const PUSH = 'urn:ietf:rfc:8935';
const POLL = 'urn:ietf:rfc:8936';
const COMPROMISE = 'https://schemas.openid.net/secevent/risc/event-type/credential-compromise';
const CHANGE = 'https://schemas.openid.net/secevent/caep/event-type/credential-change';
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
const ISSUER = 'https://signals.operator.example';

let t: TestApp;
let scene: LeakScene;
let peer: SignalPeer;
let customer: string;
let supplier: string;
let integrationId: Id;
let credential: SceneCredential;

beforeAll(async () => {
  peer = await SignalPeer.start();
  t = await startApp({
    config: { outboundAllow: [peer.host], publicUrl: ISSUER },
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
  peer.answer(202);
});

const send = () => t.app.get(SignalSender).send(by, AbortSignal.timeout(60_000));

async function call(method: string, url: string, body?: object, token: string | null = customer) {
  const answer = await t.app.inject({
    method: method as 'GET',
    url,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json(), text: answer.body };
}
const streams = '/api/v1/ssf/streams';
const poll = (id: Id, body: object = {}, token = customer) =>
  call('POST', `/api/v1/ssf/poll/${id}`, { returnImmediately: true, ...body }, token);

async function stream(more: object = {}, token = customer): Promise<Id> {
  const made = await call('POST', streams, more, token);
  expect(made).toMatchObject({ status: 201 });
  return made.body.stream_id as Id;
}
const end = (id: Id, token = customer) => call('DELETE', `${streams}?stream_id=${id}`, undefined, token);

const publish = (type: SignalType = 'credential.dead', credentialId = credential.credentialId) =>
  scene.work((db) =>
    t.app.get(SignalsService).publish(db, { type, at: t.clock.now(), credentialId, facts: {} }),
  );

/** As a receiver does: the keys from the metadata, the issuer, the audience, the type. */
async function verified(token: string, streamId: Id) {
  const metadata = (await call('GET', '/.well-known/ssf-configuration', undefined, null)).body;
  const jwks = (await call('GET', new URL(metadata.jwks_uri as string).pathname, undefined, null)).body;
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks as JSONWebKeySet), {
    issuer: metadata.issuer as string,
    audience: streamId,
    typ: 'secevent+jwt',
    algorithms: ['RS256'],
    currentDate: t.clock.date(),
  });
  return { payload, header: protectedHeader };
}

test('the transmitter says who it is where the standard puts it', async () => {
  const found = await call('GET', '/.well-known/ssf-configuration', undefined, null);
  expect(found.body).toMatchObject({
    issuer: ISSUER,
    spec_version: '1_0',
    delivery_methods_supported: [PUSH, POLL],
    jwks_uri: `${ISSUER}/api/v1/ssf/jwks`,
    default_subjects: 'ALL',
  });
  for (const name of ['configuration', 'status', 'add_subject', 'remove_subject', 'verification'])
    expect(found.body[`${name}_endpoint`]).toMatch(new RegExp(`^${ISSUER}/api/v1/ssf/`));
  expect((await call('GET', '/.well-known/ssf-configuration/elsewhere', undefined, null)).status).toBe(404);
});

test('its key is there before the first stream and the first token, and stays the same', async () => {
  const jwks = async () => (await call('GET', '/api/v1/ssf/jwks', undefined, null)).body;
  const first = await jwks();
  expect(first.keys).toEqual([
    expect.objectContaining({ kty: 'RSA', alg: 'RS256', kid: expect.any(String) }),
  ]);
  expect(await jwks()).toEqual(first);
});

test('an address that nothing would ever be sent to is refused when it is given, with its field and what mends it', async () => {
  const whole = { name: 'Sync', events: ['case.opened'] };
  for (const url of [
    'https://localhost/x',
    'https://10.1.2.3/x',
    'https://[::1]/x',
    'http://hub.example/x',
  ]) {
    const webhook = await call('POST', '/api/v1/subscriptions', { ...whole, url });
    expect(webhook).toMatchObject({
      status: 400,
      body: { errors: [{ field: '/url', mend: expect.any(String) }] },
    });
    const pushed = await call('POST', streams, { delivery: { method: PUSH, endpoint_url: url } });
    expect(pushed).toMatchObject({ status: 400, body: { errors: [{ field: '/delivery/endpoint_url' }] } });
  }
  for (const url of ['https://u:p@hub.example/x', 'ftp://hub.example/x', 'https://hub.example/x#y'])
    expect((await call('POST', '/api/v1/subscriptions', { ...whole, url })).status).toBe(400);
  const id = await stream({ delivery: { method: PUSH, endpoint_url: `${peer.url}/events` } });
  const moved = { stream_id: id, delivery: { method: PUSH, endpoint_url: 'https://127.0.0.1/x' } };
  expect((await call('PATCH', streams, moved)).status).toBe(400);
  await end(id);
});

test('a new stream that names another issuer or audience is not made', async () => {
  const before = (await call('GET', streams)).body;
  for (const [member, value] of [
    ['iss', 'https://somebody-else.example'],
    ['aud', 'https://receiver.example'],
    ['events_supported', ['https://example.com/unknown']],
  ] as const) {
    const refused = await call('POST', streams, { [member]: value });
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ field: `/${member}`, mend: expect.any(String) }] },
    });
  }
  expect((await call('GET', streams)).body).toEqual(before);
  await end(await stream({ iss: ISSUER, events_supported: [CHANGE, COMPROMISE] }));
});

describe('a pushed stream', () => {
  test('gets one signed token an event, with its own authorization, under the same jti when it is repeated', async () => {
    const id = await stream({
      delivery: {
        method: PUSH,
        endpoint_url: `${peer.url}/events`,
        authorization_header: 'Bearer receiver-secret-token',
      },
      events_requested: [CHANGE, 'https://example.com/unknown'],
      description: 'Identity hub',
    });
    const read = await call('GET', `${streams}?stream_id=${id}`);
    expect(read.body).toMatchObject({
      iss: ISSUER,
      aud: id,
      events_requested: [CHANGE, 'https://example.com/unknown'],
      events_delivered: [CHANGE],
      events_supported: [CHANGE, COMPROMISE],
      delivery: { method: PUSH, endpoint_url: `${peer.url}/events` },
    });
    expect(read.text).not.toContain('receiver-secret');
    await publish();
    await publish('credential.compromised');
    peer.answer(503);
    await send();
    t.clock.advance(30 * SECOND);
    peer.answer(202);
    await send();
    const [first, again, ...rest] = peer.taken();
    expect(rest).toEqual([]);
    expect(first!.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer receiver-secret-token',
    });
    const { payload, header } = await verified(again!.body, id);
    expect(header).toMatchObject({ alg: 'RS256', typ: 'secevent+jwt', kid: expect.any(String) });
    expect(payload).not.toHaveProperty('sub');
    expect(payload).not.toHaveProperty('exp');
    expect(payload).toMatchObject({
      jti: (await verified(first!.body, id)).payload.jti,
      txn: expect.any(String),
      sub_id: { format: 'iss_sub', iss: ISSUER, sub: credential.credentialId },
      events: {
        [CHANGE]: {
          credential_type: 'api-key',
          change_type: 'revoke',
          initiating_entity: 'system',
          reason_admin: { en: expect.any(String) },
        },
      },
    });
    expect(Object.keys(payload['events'] as object)).toEqual([CHANGE]);
    await end(id);
  });

  test.each([
    ['invalid_request', 'failed', 1],
    ['invalid_key', 'pending', 1],
    ['invalid_issuer', 'pending', 1],
    ['invalid_audience', 'pending', 1],
    ['authentication_failed', 'pending', 1],
    ['access_denied', 'pending', 1],
  ])('that refuses with %s: the token is %s', async (err, state, attempts) => {
    const id = await stream({ delivery: { method: PUSH, endpoint_url: `${peer.url}/events` } });
    peer.answer(
      400,
      { 'content-type': 'application/json', 'content-language': 'en' },
      JSON.stringify({ err, description: 'no' }),
    );
    await publish();
    await send();
    const log = await call('GET', `/api/v1/subscriptions/${id}/deliveries`);
    expect(log.body.deliveries[0]).toMatchObject({ state, attempts, lastStatus: 400 });
    expect(log.body.deliveries[0].lastAnswer).toContain(err);
    // What a receiver says of keys or of itself may be mended: the token goes out again, and arrives.
    t.clock.advance(10 * SECOND);
    peer.answer(202);
    await send();
    expect(peer.taken()).toHaveLength(state === 'failed' ? 1 : 2);
    await end(id);
  });
});

describe('a polled stream', () => {
  test('gives what waits until it is acknowledged or refused, as many as were asked for', async () => {
    const id = await stream({ credential_types: { api_key: 'app' } });
    for (const type of ['credential.compromised', 'credential.dead', 'credential.rotated'] as const) {
      t.clock.advance(SECOND);
      await publish(type);
    }
    const two = (await poll(id, { maxEvents: 2 })).body;
    expect(Object.keys(two.sets)).toHaveLength(2);
    expect(two.moreAvailable).toBe(true);
    expect((await poll(id, { maxEvents: 0 })).body).toEqual({ sets: {} });
    const [first, second] = Object.keys(two.sets) as [string, string];
    const { payload } = await verified(two.sets[first], id);
    expect(payload).toMatchObject({
      jti: first,
      events: { [COMPROMISE]: { credential_type: 'app', event_timestamp: expect.any(Number) } },
    });
    // Neither acknowledged nor refused: they come again, byte for byte of what they claim.
    const again = (await poll(id)).body;
    expect(Object.keys(again.sets)).toEqual([first, second, expect.any(String)]);
    expect((await verified(again.sets[first], id)).payload).toEqual(payload);
    const left = (
      await poll(id, {
        ack: [first, 'nobody'],
        setErrs: { [second]: { err: 'invalid_key', description: 'unknown kid' } },
      })
    ).body;
    expect(Object.keys(left.sets)).toHaveLength(1);
    expect(left.moreAvailable).toBeUndefined();
    const log = (await call('GET', `/api/v1/subscriptions/${id}/deliveries`)).body.deliveries as {
      id: string;
      state: string;
      lastAnswer: string;
    }[];
    const state = (jti: string) => log.find((one) => one.id === jti);
    expect(state(first)).toMatchObject({ state: 'delivered', lastAnswer: 'acknowledged' });
    expect(state(second)).toMatchObject({ state: 'failed', lastAnswer: 'invalid_key unknown kid' });
    await end(id);
  });

  test('of another party is nobody’s', async () => {
    const id = await stream();
    await publish();
    expect((await poll(id, {}, supplier)).status).toBe(404);
    expect((await call('GET', `${streams}?stream_id=${id}`, undefined, supplier)).status).toBe(404);
    expect((await call('GET', streams, undefined, supplier)).body).toEqual([]);
    expect((await end(id, supplier)).status).toBe(404);
    expect(
      (await call('POST', '/api/v1/ssf/status', { stream_id: id, status: 'disabled' }, supplier)).status,
    ).toBe(404);
    expect(Object.keys((await poll(id)).body.sets)).toHaveLength(1);
    expect((await end(id)).status).toBe(204);
    expect((await poll(id)).status).toBe(404);
  });

  test('waits for something when it may, and is answered as soon as there is', async () => {
    const id = await stream();
    const waiting = poll(id, { returnImmediately: false });
    await publish();
    expect(Object.keys((await waiting).body.sets)).toHaveLength(1);
    await end(id);
  });

  test('belongs to a party: a token of the whole installation makes none', async () => {
    const made = await call('POST', streams, {}, await t.token('admin'));
    expect(made).toMatchObject({ status: 403, body: { code: 'no-party' } });
  });
});

describe('what we change of a stream', () => {
  const UPDATED = 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated';
  const set = async (id: Id, to: string, token: string) =>
    call('POST', '/api/v1/ssf/status', { stream_id: id, status: to, reason: 'maintenance' }, token);

  test('its receiver is told, pushed or polled, and hears nothing else until it is enabled again', async () => {
    const admin = await t.token('admin');
    const pushed = await stream({ delivery: { method: PUSH, endpoint_url: `${peer.url}/events` } });
    const polled = await stream();
    for (const id of [pushed, polled]) expect((await set(id, 'paused', admin)).status).toBe(200);
    await publish();
    await send();
    const [one, ...rest] = peer.taken();
    expect(rest).toEqual([]);
    const told = (await verified(one!.body, pushed)).payload;
    expect(told).toMatchObject({
      sub_id: { format: 'opaque', id: pushed },
      events: { [UPDATED]: { status: 'paused', reason: 'maintenance' } },
    });
    const sets: string[] = Object.values((await poll(polled)).body.sets);
    expect(sets).toHaveLength(1);
    expect((await verified(sets[0]!, polled)).payload['events']).toMatchObject({
      [UPDATED]: { status: 'paused' },
    });
    await poll(polled, { ack: Object.keys((await poll(polled)).body.sets) });
    expect((await poll(polled)).body.sets).toEqual({});

    expect((await set(pushed, 'enabled', admin)).status).toBe(200);
    await send();
    const events = await Promise.all(
      peer
        .taken()
        .map(async ({ body }) => Object.keys((await verified(body, pushed)).payload['events'] as object)),
    );
    expect(events.flat().toSorted()).toEqual([CHANGE, UPDATED]);
    await end(pushed);
    await end(polled);
  });

  test('what the receiver itself changes is no news to it', async () => {
    const id = await stream();
    await set(id, 'paused', customer);
    expect((await poll(id)).body.sets).toEqual({});
    await end(id);
  });

  test('one that took nothing for five days is disabled, and the last thing it is told is that', async () => {
    const id = await stream({ delivery: { method: PUSH, endpoint_url: `${peer.url}/events` } });
    peer.answer(500);
    await publish();
    await send();
    t.clock.advance(6 * ELAPSED_DAY);
    await publish();
    await send();
    peer.answer(202);
    peer.taken();
    t.clock.advance(MINUTE);
    await send();
    const [one, ...rest] = peer.taken();
    expect(rest).toEqual([]);
    expect((await verified(one!.body, id)).payload['events']).toEqual({
      [UPDATED]: { status: 'disabled', reason: 'it took nothing for five days' },
    });
    expect((await call('GET', `/api/v1/ssf/status?stream_id=${id}`)).body.status).toBe('disabled');
    await end(id);
  });
});

test('while the circuit is open one message tries the endpoint, however many processes send', async () => {
  const id = await stream({ delivery: { method: PUSH, endpoint_url: `${peer.url}/events` } });
  peer.answer(500);
  for (let n = 0; n < 12; n++) await publish();
  await send();
  // Four at once at first; each further try finds its own hold.
  for (let n = 0; n < 3; n++) {
    t.clock.advance(6 * MINUTE);
    peer.taken();
    await Promise.all([send(), send(), send()]);
    expect(peer.taken()).toHaveLength(1);
  }
  const read = await call('GET', `/api/v1/subscriptions/${id}`);
  expect(read.body).toMatchObject({ circuit: 'open', waiting: 12, failingSince: expect.any(String) });
  expect(Date.parse(read.body.heldUntil as string)).toBeGreaterThan(t.clock.now());
  peer.answer(202);
  t.clock.advance(10 * HOUR);
  await Promise.all([send(), send()]);
  expect(new Set(peer.taken().map(({ body }) => body)).size).toBe(12);
  expect((await call('GET', `/api/v1/subscriptions/${id}`)).body).toMatchObject({
    circuit: 'closed',
    waiting: 0,
  });
  await end(id);
});

describe('what a receiver may set', () => {
  test('status: paused tokens wait, disabled ones are not made', async () => {
    const id = await stream();
    const status = (to: string) => call('POST', '/api/v1/ssf/status', { stream_id: id, status: to });
    expect((await status('paused')).body).toEqual({ stream_id: id, status: 'paused' });
    await publish();
    expect((await poll(id)).body.sets).toEqual({});
    await status('enabled');
    expect(Object.keys((await poll(id)).body.sets)).toHaveLength(1);
    await status('disabled');
    await publish();
    await status('enabled');
    expect(Object.keys((await poll(id)).body.sets)).toHaveLength(1);
    expect((await call('GET', `/api/v1/ssf/status?stream_id=${id}`)).body.status).toBe('enabled');
    await end(id);
  });

  test('subjects: one that was removed is silent until it is added again', async () => {
    const id = await stream();
    const other = await scene.credential(integrationId);
    const subject = { format: 'iss_sub', iss: ISSUER, sub: credential.credentialId };
    const set = (what: string, who: object) =>
      call('POST', `/api/v1/ssf/subjects/${what}`, { stream_id: id, subject: who });
    expect((await set('remove', subject)).status).toBe(204);
    await publish();
    await publish('credential.dead', other.credentialId);
    expect(Object.keys((await poll(id)).body.sets)).toHaveLength(1);
    expect((await set('add', { format: 'opaque', id: credential.credentialId })).status).toBe(200);
    await publish();
    expect(Object.keys((await poll(id)).body.sets)).toHaveLength(2);
    expect((await set('add', { format: 'email', email: 'a@example.com' })).status).toBe(404);
    expect((await set('add', { format: 'email' })).status).toBe(400);
    expect(
      (await set('add', { format: 'iss_sub', iss: 'https://else', sub: credential.credentialId })).status,
    ).toBe(404);
    const foreign = await scene.credential(await scene.integration('Elsewhere'));
    expect((await set('remove', { format: 'opaque', id: foreign.credentialId })).status).toBe(404);
    await end(id);
  });

  test('verification: its own state comes back, and not too often', async () => {
    const id = await stream();
    const verify = () => call('POST', '/api/v1/ssf/verification', { stream_id: id, state: 'VGhpcyBpcw==' });
    expect((await verify()).status).toBe(204);
    const again = await verify();
    expect(again.status).toBe(429);
    const sets = (await poll(id)).body.sets as Record<string, string>;
    const { payload } = await verified(Object.values(sets)[0]!, id);
    expect(payload).toMatchObject({
      sub_id: { format: 'opaque', id },
      events: { [VERIFICATION]: { state: 'VGhpcyBpcw==' } },
    });
    t.clock.advance(MINUTE);
    expect((await verify()).status).toBe(204);
    await end(id);
  });

  test('delivery: PATCH changes what it names, PUT puts the rest back', async () => {
    const id = await stream({ description: 'First', events_requested: [CHANGE] });
    const delivery = {
      method: PUSH,
      endpoint_url: `${peer.url}/events`,
      authorization_header: 'Bearer abcdefghijkl',
    };
    const patched = await call('PATCH', streams, { stream_id: id, delivery });
    expect(patched.body).toMatchObject({
      description: 'First',
      events_requested: [CHANGE],
      delivery: { method: PUSH },
    });
    await publish();
    await send();
    expect(peer.taken()).toHaveLength(1);
    // What is the transmitter's comes back as it was read, or not at all.
    const { body: read } = await call('GET', `${streams}?stream_id=${id}`);
    expect((await call('PATCH', streams, read)).status).toBe(200);
    for (const [member, value] of [
      ['iss', 'https://elsewhere.example'],
      ['aud', 'https://elsewhere.example'],
      ['events_supported', []],
      ['min_verification_interval', 1],
    ] as const)
      for (const method of ['PATCH', 'PUT'] as const) {
        const refused = await call(method, streams, { ...read, [member]: value });
        expect([refused.status, refused.body]).toMatchObject([400, { errors: [{ field: `/${member}` }] }]);
      }
    expect((await call('PATCH', streams, { ...read, aud: [read.aud] })).status).toBe(200);
    const put = await call('PUT', streams, { stream_id: id, events_requested: [COMPROMISE] });
    expect(put.body.delivery).toEqual({ method: POLL, endpoint_url: `${ISSUER}/api/v1/ssf/poll/${id}` });
    expect(put.body).not.toHaveProperty('description');
    const bad = { method: PUSH, endpoint_url: 'http://127.0.0.1:1/' };
    expect((await call('PATCH', streams, { stream_id: id, delivery: bad })).status).toBe(400);
    await end(id);
  });
});

test('a key that is rotated leaves what it signed verifiable', async () => {
  const id = await stream();
  await publish();
  const before = Object.values((await poll(id)).body.sets as Record<string, string>)[0]!;
  const admin = await t.token('admin');
  expect((await call('POST', '/api/v1/ssf/keys', {}, customer)).status).toBe(403);
  const rotated = await call('POST', '/api/v1/ssf/keys', {}, admin);
  expect(rotated.status).toBe(201);
  const after = Object.values((await poll(id)).body.sets as Record<string, string>)[0]!;
  expect((await verified(after, id)).header.kid).toBe(rotated.body.kid);
  expect((await verified(before, id)).header.kid).not.toBe(rotated.body.kid);
  const published = await call('GET', '/api/v1/ssf/jwks', undefined, null);
  expect(published.text).not.toMatch(/"(d|p|q|dp|dq|qi)"/);
  await end(id);
});
