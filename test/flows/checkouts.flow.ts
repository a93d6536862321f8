import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CheckoutGrants } from '../../src/domain/releases/checkout-grants.service.ts';
import { LapsedCheckoutsSweep } from '../../src/domain/releases/lapsed-checkouts.sweep.ts';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { person } from '../support/matrix-scene.ts';
import { personCalling } from '../support/people.ts';
import { jwt, ownKey } from '../support/jwt.ts';
import { Machine, ReleaseScene, type Scene } from '../support/release-scene.ts';
import { BY } from '../support/revocation-scene.ts';

/** A workload trades its identity for one credential, for a declared purpose and a short time. */

let world: TestApp;
let scene: ReleaseScene;
let issuer: Server;
let issuerUrl: string;
const platform = ownKey('RSA');

beforeAll(async () => {
  issuer = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration')
      response.end(JSON.stringify({ issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }));
    else response.end(JSON.stringify({ keys: [{ ...platform.jwk, kid: 'one', use: 'sig', alg: 'RS256' }] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  issuerUrl = `http://${host}`;
  world = await startApp({
    config: { outboundAllow: [host], queue: 'off' },
    settings: { duties: { serves: true, works: false } },
  });
  scene = await ReleaseScene.set(world);
}, 60_000);
afterAll(async () => {
  await world?.close();
  issuer.closeAllConnections();
  issuer.close();
});

async function ready(o: { value?: string } & Record<string, unknown> = {}): Promise<{
  at: Scene;
  machine: Machine;
  grantId: string;
}> {
  const { value, ...grant } = o;
  const at = await scene.integration(value === undefined ? {} : { value });
  const machine = await scene.machine(at);
  return { at, machine, grantId: await scene.grant(machine, at, grant) };
}

describe('a checkout', () => {
  test('gives the value once, as a lease that is renewed and returned, all of it on record', async () => {
    const { at, machine, grantId } = await ready({ value: 's3cret "quoted" value' });
    const opened = await machine.open(at, { seconds: 120 });
    expect(opened).toMatchObject({
      status: 201,
      headers: { 'cache-control': 'no-store' },
      body: { state: 'open', value: 's3cret "quoted" value', version: { number: 1, successor: null } },
    });
    const { id, expiresAt } = opened.body;
    expect(Date.parse(expiresAt) - world.clock.now()).toBe(120 * SECOND);
    const looked = await machine.call('GET', `/${id}`);
    expect(looked.body).toMatchObject({ id, state: 'open' });
    expect(looked.body.value).toBeUndefined();

    world.clock.advance(MINUTE);
    const renewed = await machine.call('POST', `/${id}/renewal`);
    expect(renewed).toMatchObject({ status: 200, body: { renewals: 1 } });
    expect(Date.parse(renewed.body.expiresAt)).toBe(world.clock.now() + 120 * SECOND);
    expect(renewed.body.value).toBeUndefined();

    expect((await machine.call('DELETE', `/${id}`)).status).toBe(204);
    expect((await machine.call('DELETE', `/${id}`)).status).toBe(204);
    expect((await machine.call('GET', `/${id}`)).body.state).toBe('returned');
    expect((await machine.call('POST', `/${id}/renewal`)).status).toBe(409);
    expect(await scene.ledger(id)).toEqual(['checkout.released', 'checkout.renewed', 'checkout.returned']);
    expect(await scene.ledger(grantId)).toEqual(['checkout_grant.requested', 'checkout_grant.approved']);
    expect(
      await scene.query(
        `SELECT e.outcome, e.environment, e.reported_by, a.actor = e.actor AS declared, s.uses::int
           FROM usage_event e JOIN known_actor a USING (credential_id) JOIN usage_seen s USING (version_id) WHERE e.credential_id = $1`,
        [at.credential],
      ),
    ).toEqual([
      { outcome: 'accepted', environment: 'production', reported_by: 'checkout', declared: true, uses: 1 },
    ]);
    expect(await scene.rows.everythingStored()).not.toContain('s3cret');
    expect(world.log.text).not.toContain('s3cret');
  });

  test('of a P-256 key works alike', async () => {
    const at = await scene.integration();
    const machine = await scene.machine(at, { key: ownKey('P-256') });
    await scene.grant(machine, at);
    expect((await machine.open(at)).status).toBe(201);
  });

  test('is never one more at once than was declared, however many ask together', async () => {
    const { at, machine } = await ready({ maxSimultaneous: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => machine.open(at, { seconds: 60 })));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(429)]).toEqual([3, 17]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1);
    const [{ open }] = (await scene.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM checkout WHERE credential_id = $1 AND state = 'open'`,
      [at.credential],
    )) as [{ open: number }];
    expect(open).toBe(3);
    const held = answers.find(({ status }) => status === 201)!.body.id as string;
    expect((await machine.call('DELETE', `/${held}`)).status).toBe(204);
    expect((await machine.open(at)).status).toBe(201);
    expect((await machine.open(at)).status).toBe(429);
    // What lapses makes room, before anybody has written down that it lapsed.
    world.clock.advance(61 * SECOND);
    expect((await machine.open(at)).status).toBe(201);
  });

  test('ends by the clock, and no renewal leads past its longest end', async () => {
    const { at, machine } = await ready({ maxSeconds: 100 });
    const { id, latestEnd } = (await machine.open(at, { seconds: 60 })).body;
    world.clock.advance(50 * SECOND);
    const renewed = await machine.call('POST', `/${id}/renewal`);
    expect(renewed.body.expiresAt).toBe(latestEnd);
    expect(await machine.call('POST', `/${id}/renewal`)).toMatchObject({
      status: 409,
      body: { code: 'longest-reached' },
    });
    world.clock.advance(51 * SECOND);
    expect((await machine.call('GET', `/${id}`)).body.state).toBe('expired');
    await world.app.get(LapsedCheckoutsSweep).sweep(BY);
    expect((await scene.ledger(id)).at(-1)).toBe('checkout.expired');
  });

  test('waits for the named person where that was declared, or passes in a window that they opened', async () => {
    const rosa = await personCalling(world, 'Rosa', 'responder');
    const { at, machine, grantId } = await ready({ consentPersonId: rosa.who.personId });
    const asked = await machine.open(at);
    expect(asked).toMatchObject({ status: 202, body: { state: 'waiting' } });
    expect(asked.body.value).toBeUndefined();
    const { id } = asked.body;
    const grants = world.app.get(CheckoutGrants);
    const consent = (who: typeof rosa.who, to: string, agree: boolean) =>
      world.app.get(Transactions).run(who, (db) => grants.consent(db, to, agree, who));
    expect(await consent(scene.lead.who, id, true)).toMatchObject({
      ok: false,
      error: { kind: 'not_found' },
    });
    expect(await consent(rosa.who, id, true)).toMatchObject({ ok: true });
    // HEAD could not carry the value: it must not use it up.
    const head = await world.app.inject({
      method: 'HEAD',
      url: `/api/v1/checkouts/${id}`,
      headers: { authorization: `Bearer ${machine.assertion()}` },
    });
    expect(head.statusCode).toBe(200);
    const released = await machine.call('GET', `/${id}`);
    expect(released.body).toMatchObject({ state: 'open', value: expect.any(String) });
    expect((await machine.call('GET', `/${id}`)).body.value).toBeUndefined();

    const refused = (await machine.open(at)).body.id as string;
    await consent(rosa.who, refused, false);
    expect((await machine.call('GET', `/${refused}`)).body).toMatchObject({ state: 'refused' });

    const late = (await machine.open(at)).body.id as string;
    world.clock.advance(16 * MINUTE);
    expect(await consent(rosa.who, late, true)).toMatchObject({
      ok: false,
      error: { code: 'no-longer-waiting' },
    });

    const window = (hours: number) =>
      world.app.get(Transactions).run(rosa.who, (db) => grants.openWindow(db, grantId, hours, rosa.who));
    expect(await window(1)).toMatchObject({ ok: true });
    expect((await machine.open(at)).status).toBe(201);
    world.clock.advance(HOUR + SECOND);
    expect((await machine.open(at)).status).toBe(202);
    expect(await window(1000)).toMatchObject({ ok: false });
  });
});

describe('a checkout that waits for consent', () => {
  test('is resumed by asking again: the same one, and one person is asked once, however often it is asked', async () => {
    const rosa = await personCalling(world, 'Rosa', 'responder');
    const { at, machine, grantId } = await ready({
      consentPersonId: rosa.who.personId,
      maxSimultaneous: 1,
    });
    const asked = await Promise.all(Array.from({ length: 6 }, () => machine.open(at)));
    const { id } = asked[0]!.body;
    expect(asked.map(({ status, body }) => [status, body.id, body.state, body.value])).toEqual(
      Array.from({ length: 6 }, () => [202, id, 'waiting', undefined]),
    );
    expect(await scene.ledger(id)).toEqual(['checkout.asked']);
    const consent = (to: string) =>
      world.app
        .get(Transactions)
        .run(rosa.who, (db) => world.app.get(CheckoutGrants).consent(db, to, true, rosa.who));
    await consent(id);
    const opened = await Promise.all([machine.open(at), machine.open(at)]);
    // One of the two resumes it and has the value; for the other one there is no room.
    expect(opened.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 429]);
    expect(opened.find(({ status }) => status === 201)!.body).toMatchObject({
      id,
      state: 'open',
      value: expect.any(String),
    });
    // Nobody is asked for what there is no room for.
    expect((await machine.open(at)).status).toBe(429);
    expect(await scene.query(`SELECT state FROM checkout WHERE grant_id = $1`, [grantId])).toEqual([
      { state: 'open' },
    ]);
    await machine.call('DELETE', `/${id}`);
    const next = await machine.open(at);
    expect([next.status, next.body.id === id]).toEqual([202, false]);
    // What nobody answered in time is not resumed.
    world.clock.advance(16 * MINUTE);
    expect((await machine.open(at)).body.id).not.toBe(next.body.id);
  });
});

describe('nothing is released', () => {
  const CASES: [code: string, sql: string, of: (at: Scene, machine: Machine, grantId: string) => string][] = [
    [
      'integration-not-live',
      `UPDATE integration SET state = 'suspended' WHERE id = $1`,
      (at) => at.integration,
    ],
    ['pass-lost', `UPDATE integration SET pass = 'refused' WHERE id = $1`, (at) => at.integration],
    [
      'pass-lost',
      `UPDATE integration SET pass = 'lost', pass_grace_until = now() - interval '1 hour' WHERE id = $1`,
      (at) => at.integration,
    ],
    ['credential-retired', `UPDATE credential SET retired_at = now() WHERE id = $1`, (at) => at.credential],
    [
      'no-active-version',
      `UPDATE credential_version SET phase = 'retired' WHERE id = $1`,
      (at) => at.version,
    ],
    [
      'version-expired',
      `UPDATE credential_version SET expires_at = now() - interval '1 hour' WHERE id = $1`,
      (at) => at.version,
    ],
    ['not-kept', `UPDATE credential_version SET store_ref = NULL WHERE id = $1`, (at) => at.version],
    [
      'being-revoked',
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, updated_at)
         SELECT id, credential_id, integration_id, 'requested', now() FROM credential_version WHERE id = $1`,
      (at) => at.version,
    ],
    [
      'other-environment',
      `UPDATE credential SET environment = 'staging' WHERE id = $1`,
      (at) => at.credential,
    ],
    [
      'grant-expired',
      `UPDATE checkout_grant SET expires_at = now() - interval '1 day' WHERE id = $1`,
      (_at, _machine, grantId) => grantId,
    ],
  ];
  test.each(CASES)('where it is %s', async (code, sql, of) => {
    const { at, machine, grantId } = await ready();
    const held = (await machine.open(at)).body.id as string;
    await scene.query(sql, [of(at, machine, grantId)]);
    expect(await machine.open(at)).toMatchObject({ status: 403, body: { code } });
    expect(await machine.call('POST', `/${held}/renewal`)).toMatchObject({ status: 403, body: { code } });
    expect((await scene.ledger(grantId)).slice(-2)).toEqual(['checkout.refused', 'checkout.refused']);
  });

  test('while a pass that was lost is in its grace it is', async () => {
    const { at, machine } = await ready();
    await scene.query(
      `UPDATE integration SET pass = 'lost', pass_grace_until = now() + interval '1 day' WHERE id = $1`,
      [at.integration],
    );
    expect((await machine.open(at)).status).toBe(201);
  });

  test('once the credential was reported as leaked', async () => {
    const { at, machine } = await ready({ value: 'leaked-value-0123456789' });
    const responder = await world.token('responder');
    const report = await world.app.inject({
      method: 'POST',
      url: '/api/v1/exposures',
      headers: { authorization: `Bearer ${responder}`, 'content-type': 'application/json' },
      payload: JSON.stringify({ reports: [{ ref: newId(), value: 'leaked-value-0123456789' }] }),
    });
    expect([report.statusCode, report.body]).toEqual([202, expect.anything()]);
    expect(await machine.open(at)).toMatchObject({ status: 403, body: { code: 'exposed' } });
  });

  test('what is held on lease ends as its version leaks or is revoked, and whose machine it is hears of it', async () => {
    const { at, machine } = await ready({ value: 'leaks-while-held-0123456789' });
    const other = await ready();
    const held = (await machine.open(at)).body.id as string;
    const kept = (await other.machine.open(other.at)).body.id as string;
    const [{ party }] = (await scene.query<{ party: string }>(
      `SELECT party_id AS party FROM machine_identity WHERE integration_id = $1`,
      [at.integration],
    )) as [{ party: string }];
    await scene.query(
      `INSERT INTO contact (id, party_id, name, email, role, language, created_at, updated_at) VALUES ($1, $2, 'Sal', 'sal@machines.example', 'security', 'en', $3, $3)`,
      [newId(), party, world.clock.date()],
    );
    const ended = () => world.app.get(LapsedCheckoutsSweep).sweep(BY);
    await ended();
    expect((await machine.call('GET', `/${held}`)).body.state).toBe('open');
    const report = await world.app.inject({
      method: 'POST',
      url: '/api/v1/exposures',
      headers: {
        authorization: `Bearer ${await world.token('responder')}`,
        'content-type': 'application/json',
      },
      payload: JSON.stringify({ reports: [{ ref: newId(), value: 'leaks-while-held-0123456789' }] }),
    });
    expect(report.statusCode).toBe(202);
    await ended();
    expect((await machine.call('GET', `/${held}`)).body.state).toBe('revoked');
    expect((await machine.call('POST', `/${held}/renewal`)).status).toBe(409);
    expect((await other.machine.call('GET', `/${kept}`)).body.state).toBe('open');
    expect(await scene.ledger(held)).toEqual(['checkout.released', 'checkout.revoked']);
    const notices = () =>
      scene.query<{ name: string; leaked: boolean }>(
        `SELECT k.name, n.facts->>'leaked' = 'true' AS leaked FROM notice n JOIN contact k ON k.id = n.contact_id WHERE n.category = 'checkout-ended' ORDER BY n.id`,
      );
    expect(await notices()).toContainEqual({ name: 'Sal', leaked: true });
    const alerts = (severity: string, credential: string) =>
      scene.query(
        `SELECT FROM alert WHERE kind = 'checkout.version-ended' AND severity = $1 AND subject_id = $2`,
        [severity, credential],
      );
    expect(await alerts('critical', at.credential)).toHaveLength(1);
    const before = (await notices()).length;
    await ended();
    expect(await notices()).toHaveLength(before);

    // Asked for its end at the supplier: as good as ended.
    await scene.query(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, revoke_sent_at, updated_at) VALUES ($1, $2, $3, 'requested', $4, $4)`,
      [other.at.version, other.at.credential, other.at.integration, world.clock.date()],
    );
    await ended();
    expect((await other.machine.call('GET', `/${kept}`)).body.state).toBe('revoked');
    expect(await alerts('warning', other.at.credential)).toHaveLength(1);
  });

  test('during a rotation the active version is given, and its end announced', async () => {
    const { at, machine } = await ready({ value: 'old-value-0123456789' });
    const held = (await machine.open(at)).body.id as string;
    const next = newId();
    await scene.query(
      `INSERT INTO credential_version (id, credential_id, integration_id, number, phase, created_at) VALUES ($1, $2, $3, 2, 'pending', $4)`,
      [next, at.credential, at.integration, world.clock.date()],
    );
    await scene.put(next, 'new-value-0123456789');
    expect((await machine.open(at)).body).toMatchObject({
      value: 'old-value-0123456789',
      version: { number: 1, successor: 2 },
    });
    await scene.query(`UPDATE credential_version SET phase = 'overlap' WHERE id = $1`, [at.version]);
    await scene.query(`UPDATE credential_version SET phase = 'active' WHERE id = $1`, [next]);
    expect(await machine.call('POST', `/${held}/renewal`)).toMatchObject({
      status: 409,
      body: { code: 'superseded' },
    });
    expect((await machine.open(at)).body).toMatchObject({ value: 'new-value-0123456789' });
  });
});

describe('at the door', () => {
  test('an assertion is good for one call, and only as it has to be', async () => {
    const { at, machine } = await ready();
    const body = { credentialId: at.credential, purpose: 'nightly export' };
    const used = machine.assertion();
    expect((await machine.call('POST', '', body, used)).status).toBe(201);
    const now = Math.floor(world.clock.now() / 1000);
    const stranger = ownKey();
    const bad: [string, string][] = [
      ['used before', used],
      ['signed by somebody else', jwt(stranger, machine.claims())],
      ['without a signature', `${jwt(machine.key, machine.claims()).split('.').slice(0, 2).join('.')}.AAAA`],
      ['of no algorithm', machine.assertion({}, { alg: 'none' })],
      ['of another algorithm', machine.assertion({}, { alg: 'HS256' })],
      ['with what must be understood', machine.assertion({}, { crit: ['b64'], b64: false })],
      ['for somebody else', machine.assertion({ aud: 'https://elsewhere.example' })],
      [
        'for somebody else as well',
        machine.assertion({ aud: [machine.audience, 'https://elsewhere.example'] }),
      ],
      ['expired', machine.assertion({ iat: now - 120, exp: now - 60 })],
      ['not valid yet', machine.assertion({ nbf: now + 120 })],
      ['from the future', machine.assertion({ iat: now + 120, exp: now + 180 })],
      ['too long', machine.assertion({ exp: now + 3600 })],
      ['without an end', machine.assertion({ exp: undefined })],
      ['without an id', machine.assertion({ jti: undefined })],
      ['about another', machine.assertion({ sub: newId() })],
      ['of nobody', machine.assertion({ iss: newId(), sub: newId() })],
      ['no assertion', 'x'.repeat(40)],
    ];
    for (const [what, assertion] of bad) {
      const answer = await machine.call('POST', '', body, assertion);
      expect([what, answer.status, answer.body.code]).toEqual([what, 401, 'assertion-refused']);
    }
    const [{ count }] = (await scene.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ledger_entry WHERE subject_id = $1 AND kind = 'machine.turned-away'`,
      [machine.id],
    )) as [{ count: number }];
    expect(count).toBe(14);
    expect(
      await scene.query(`SELECT occurrences FROM alert WHERE dedupe_key = $1`, [
        `machine.turned-away:${machine.id}`,
      ]),
    ).toEqual([{ occurrences: 14 }]);
  });

  test('the same assertion sent many times at once is let in once', async () => {
    const { at, machine } = await ready();
    const one = machine.assertion();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        machine.call('POST', '', { credentialId: at.credential, purpose: 'nightly export' }, one),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(7);
  });

  test('another machine, another purpose, another credential: none of it is there', async () => {
    const { at, machine } = await ready();
    const other = await ready();
    const { id } = (await machine.open(at)).body;
    expect((await other.machine.call('GET', `/${id}`)).status).toBe(404);
    expect((await other.machine.call('DELETE', `/${id}`)).status).toBe(404);
    expect((await other.machine.call('POST', `/${id}/renewal`)).status).toBe(404);
    expect((await machine.open(other.at)).status).toBe(404);
    expect((await machine.open(at, { purpose: 'something else' })).status).toBe(404);
    expect((await machine.call('GET', `/${newId()}`)).status).toBe(404);
    expect((await machine.call('GET', '/nonsense')).status).toBeGreaterThanOrEqual(400);
    expect((await machine.call('POST', '', { credentialId: 'x' })).status).toBe(400);
    expect((await machine.open(at, { seconds: 5 })).status).toBe(400);
    expect((await machine.call('GET', `/${id}`)).status).toBe(200);
  });

  test('a platform vouches for a workload by its own tokens', async () => {
    const at = await scene.integration();
    const subject = 'repo:aurora/shop:environment:production';
    const made = await scene.engineer.call('POST', '/api/v1/machine-identities', {
      body: {
        integrationId: at.integration,
        partyId: at.aurora,
        name: 'deploy job',
        environment: 'production',
        oidc: { issuer: issuerUrl, subject },
      },
    });
    expect(made.status).toBe(201);
    await scene.decide(`machine-identities/${made.body.id}`);
    const machine = new Machine(world, made.body.id as string, platform);
    await scene.grant(machine, at);
    const token = (more: object = {}) =>
      jwt(
        platform,
        { ...machine.claims({ iss: issuerUrl, sub: subject, jti: undefined }), ...more },
        { kid: 'one' },
      );
    const body = { credentialId: at.credential, purpose: 'nightly export' };
    const first = token();
    expect((await machine.call('POST', '', body, first)).status).toBe(201);
    expect((await machine.call('POST', '', body, first)).status).toBe(401);
    expect((await machine.call('POST', '', body, token({ sub: `${subject}x` }))).status).toBe(401);
    const forged = jwt(ownKey('RSA'), machine.claims({ iss: issuerUrl, sub: subject }), { kid: 'one' });
    expect((await machine.call('POST', '', body, forged)).status).toBe(401);
  });
});

describe('machines', () => {
  test('are registered by one person and approved by another; a retired one has nothing any more', async () => {
    const at = await scene.integration();
    const machine = await scene.machine(at, { approve: false });
    expect((await machine.open(at)).status).toBe(401);
    const decision = { body: { decision: 'approve' } };
    expect(
      await scene.engineer.call('POST', `/api/v1/machine-identities/${machine.id}/decision`, decision),
    ).toMatchObject({ status: 403 });
    const twice = await personCalling(world, 'Ada', 'admin');
    const own = await twice.call('POST', '/api/v1/machine-identities', {
      body: {
        integrationId: at.integration,
        partyId: at.aurora,
        name: 'own',
        environment: 'production',
        publicKey: ownKey().jwk,
      },
    });
    expect(
      await twice.call('POST', `/api/v1/machine-identities/${own.body.id}/decision`, decision),
    ).toMatchObject({ status: 403, body: { code: 'own-request' } });
    await scene.decide(`machine-identities/${machine.id}`);
    const grantId = await scene.grant(machine, at);
    const { id } = (await machine.open(at)).body;
    const retired = await scene.engineer.call('POST', `/api/v1/machine-identities/${machine.id}/retirement`);
    expect(retired).toMatchObject({ status: 200, body: { ended: 1 } });
    expect((await machine.call('GET', `/${id}`)).status).toBe(401);
    expect(await scene.query(`SELECT state FROM checkout WHERE id = $1`, [id])).toEqual([
      { state: 'revoked' },
    ]);
    expect(await scene.query(`SELECT state FROM checkout_grant WHERE id = $1`, [grantId])).toEqual([
      { state: 'ended' },
    ]);
    expect(await scene.ledger(machine.id)).toEqual([
      'machine.registered',
      'machine.turned-away',
      'machine.approved',
      'machine.retired',
      'machine.turned-away',
    ]);
  });

  test('a person ends what one holds: it is told so and renews no more', async () => {
    const { at, machine } = await ready();
    const { id } = (await machine.open(at)).body;
    const list = await scene.engineer.call(
      'GET',
      `/api/v1/checkouts?credentialId=${at.credential}&open=true`,
    );
    expect(list.body.checkouts).toMatchObject([{ id, state: 'open', identityName: 'billing worker' }]);
    expect((await scene.lead.call('POST', `/api/v1/checkouts/${id}/revocation`)).status).toBe(204);
    expect((await machine.call('GET', `/${id}`)).body.state).toBe('revoked');
    expect((await machine.call('POST', `/${id}/renewal`)).status).toBe(409);
    expect((await scene.lead.call('POST', `/api/v1/checkouts/${newId()}/revocation`)).status).toBe(404);
  });

  test('bad input is refused, field by field', async () => {
    const at = await scene.integration();
    const key = ownKey();
    const good = {
      integrationId: at.integration,
      partyId: at.aurora,
      name: 'worker',
      environment: 'production',
      publicKey: key.jwk,
    };
    const post = (body: object) => scene.engineer.call('POST', '/api/v1/machine-identities', { body });
    const priv = key.privateKey.export({ format: 'jwk' });
    for (const [status, body] of [
      [400, { ...good, publicKey: priv }],
      [400, { ...good, publicKey: { ...key.jwk, x: 'short' } }],
      [400, { ...good, publicKey: { kty: 'EC', crv: 'P-256', x: key.jwk['x'], y: key.jwk['x'] } }],
      [400, { ...good, publicKey: undefined }],
      [400, { ...good, oidc: { issuer: issuerUrl, subject: 'x' } }],
      [400, { ...good, partyId: newId() }],
      [400, { ...good, integrationId: newId() }],
      [400, { ...good, environment: 'nowhere' }],
      [201, good],
      [409, good],
    ] as const) {
      const answer = await post(body);
      expect([body, answer.status]).toEqual([body, status]);
      expect(JSON.stringify(answer.body)).not.toContain((priv as { d: string }).d);
    }
  });

  test('what is declared names a credential that is used, a person who may approve, and limits', async () => {
    const at = await scene.integration();
    const other = await scene.integration();
    const machine = await scene.machine(at);
    const good = {
      credentialId: at.credential,
      purpose: 'export',
      maxSimultaneous: 1,
      maxSeconds: 60,
      expiresAt: new Date(world.clock.now() + HOUR).toISOString(),
    };
    const auditor = await person(world, 'Otto', 'auditor');
    for (const [status, body] of [
      [400, { ...good, credentialId: other.credential }],
      [400, { ...good, maxSimultaneous: 0 }],
      [400, { ...good, maxSeconds: 100_000 }],
      [400, { ...good, expiresAt: new Date(world.clock.now() - HOUR).toISOString() }],
      [400, { ...good, expiresAt: '2099-01-01T00:00:00Z' }],
      [400, { ...good, consentPersonId: auditor.personId }],
      [400, { ...good, consentPersonId: scene.engineer.who.personId }],
      [201, good],
      [409, good],
    ] as const) {
      const answer = await scene.engineer.call('POST', `/api/v1/machine-identities/${machine.id}/grants`, {
        body,
      });
      expect([body, answer.status]).toEqual([body, status]);
    }
    // Who declares it finds who may consent: an account's id is none, and the refusal says where the right one is.
    const declare = (consentPersonId: string, purpose: string) =>
      scene.engineer.call('POST', `/api/v1/machine-identities/${machine.id}/grants`, {
        body: { ...good, purpose, consentPersonId },
      });
    const rosa = await personCalling(world, 'Rosalind', 'responder');
    const listed = await scene.engineer.call('GET', '/api/v1/checkout-consenters');
    const found = listed.body.consenters.find(({ name }: { name: string }) => name === 'Rosalind');
    expect(found).toEqual({ name: 'Rosalind', personId: rosa.who.personId });
    expect(listed.body.consenters.map(({ name }: { name: string }) => name)).not.toContain('Otto');
    expect(await declare(rosa.who.id, 'by account')).toMatchObject({
      status: 400,
      body: {
        errors: [{ field: '/consentPersonId', mend: expect.stringContaining('/checkout-consenters') }],
      },
    });
    expect((await declare(found.personId, 'by person')).status).toBe(201);
    const admin = await personCalling(world, 'Ida', 'admin');
    const users = (await admin.call('GET', '/api/v1/users?limit=200')).body.users;
    expect(users.find(({ id }: { id: string }) => id === rosa.who.id)).toMatchObject({
      personId: rosa.who.personId,
    });
  });

  test('are the integration’s: its parties see their rows, another party none', async () => {
    const { at, machine } = await ready();
    await machine.open(at);
    const rows = (partyId: string) =>
      world.app
        .get(Transactions)
        .run({ ...BY, kind: 'user', partyId }, async (db) => [
          (await db.query<unknown[]>(`SELECT FROM machine_identity WHERE id = $1`, [machine.id])).length,
          (await db.query<unknown[]>(`SELECT FROM checkout_grant WHERE identity_id = $1`, [machine.id]))
            .length,
          (await db.query<unknown[]>(`SELECT FROM checkout WHERE identity_id = $1`, [machine.id])).length,
          (await db.query<unknown[]>(`SELECT FROM used_assertion`)).length,
        ]);
    const other = await scene.integration();
    expect(await rows(at.northwind)).toEqual([1, 1, 1, 0]);
    expect(await rows(other.northwind)).toEqual([0, 0, 0, 0]);
  });
});
