import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession, fieldsOf } from '../support/console-session.ts';
import { MailServer } from '../support/mail-server.ts';
import { ownKey } from '../support/jwt.ts';
import { Machine, ReleaseScene, type Scene } from '../support/release-scene.ts';

/** A person sees one value for a minute: given by somebody else, or by breaking the glass; and everybody is told. */

const PASSWORD = 'correct horse battery staple';
const REASON = 'The supplier asks which key signed their request.';

let world: TestApp;
let mail: MailServer;
let scene: ReleaseScene;
let asker: ConsoleSession;
let giver: ConsoleSession;
let responder: ConsoleSession;

beforeAll(async () => {
  mail = await MailServer.start();
  world = await startApp({
    config: { outboundAllow: [mail.host], queue: 'off', smtpUrl: `smtp://${mail.host}` },
  });
  scene = await ReleaseScene.set(world);
  asker = await signedIn('Enno', 'integration_engineer');
  giver = await signedIn('Vera', 'vendor_risk');
  responder = await signedIn('Rita', 'responder');
}, 60_000);
afterAll(async () => {
  await world?.close();
  await mail.close();
});

async function signedIn(name: string, role: Role, partyId: Id | null = null): Promise<ConsoleSession> {
  const email = `${name.toLowerCase()}@operator.example`;
  expectOk(
    await world.app
      .get(AccessService)
      .createUser(
        { email, name, roles: [role], partyId, password: Secret.of(PASSWORD) },
        system('test', 'reveals'),
      ),
  );
  return ConsoleSession.signIn(world, email, PASSWORD);
}

const pageOf = (at: Scene) => `/credentials/CRD-2026-${at.reference.slice(-4)}/value`;

async function known(value: string): Promise<Scene & { page: string }> {
  const at = await scene.integration({ value });
  await scene.query(`UPDATE credential SET owner_contact_id = $2 WHERE id = $1`, [at.credential, at.nora]);
  await scene.query(
    `INSERT INTO credential_holder (credential_id, integration_id, party_id) VALUES ($1, $2, $3)`,
    [at.credential, at.integration, at.aurora],
  );
  return { ...at, page: pageOf(at) };
}

/** Enno asks, Vera gives. */
async function given(at: { page: string }): Promise<void> {
  const asked = await asker.send(at.page, `${at.page}/ask`, { reason: REASON, minutes: '30' });
  expect([asked.status, asked.location]).toEqual([303, at.page]);
  const { html } = await giver.page('/releases');
  expect(html).toContain(REASON);
  const [, action] = [...html.matchAll(/action="(\/releases\/permissions\/[^"]+)"/g)].at(-1)!;
  expect((await giver.send('/releases', action!, { answer: 'yes' })).status).toBe(303);
}

async function fields(session: ConsoleSession, at: { page: string; version: Id }, action: string) {
  const shown = Object.fromEntries(fieldsOf((await session.page(at.page)).html, `${at.page}/${action}`));
  return { ...shown, version: at.version, reason: REASON, password: PASSWORD };
}

describe('a value', () => {
  test('is masked until somebody else gives it, is shown once, and everybody who answers for it is told', async () => {
    const value = 'plain-value-<&>"0123456789';
    const at = await known(value);
    const before = await asker.page(at.page);
    expect(before.status).toBe(200);
    expect(before.html).toContain('••••');
    expect(before.html).not.toContain(`${at.page}/reveal`);
    // Without the permission the route itself is shut.
    const early = await asker.send(at.page, `${at.page}/reveal`, { reason: REASON });
    expect(early.status).toBe(403);

    await given(at);
    const form = await fields(asker, at, 'reveal');
    const wrong = await asker.send(at.page, `${at.page}/reveal`, { ...form, password: 'not my password' });
    expect([wrong.status, wrong.html.includes('That is not') || wrong.html.includes('Is not yours')]).toEqual(
      [422, true],
    );
    expect(wrong.html).not.toContain('not my password');
    const short = await asker.send(at.page, `${at.page}/reveal`, { ...form, reason: 'because' });
    expect(short.status).toBe(422);

    const shown = await asker.send(at.page, `${at.page}/reveal`, form);
    expect(shown.status).toBe(200);
    expect(shown.html).toContain('plain-value-&lt;&amp;>&quot;0123456789');
    expect(shown.html).toContain('data-hide-after="60"');
    const again = await asker.send(at.page, `${at.page}/reveal`, form);
    expect([again.status, again.html.includes('plain-value')]).toEqual([422, false]);
    expect((await asker.page(at.page)).html).not.toContain('plain-value');

    expect(await scene.ledger(at.credential)).toEqual([
      'permission.asked',
      'permission.given',
      'credential.revealed',
    ]);
    await until(() => {
      world.clock.advance(1000);
      return ['nora', 'ann'].every((who) =>
        mail.received.some(
          ({ to, subject }) => to[0]!.startsWith(who) && subject.includes('a value was seen'),
        ),
      );
    }, 'the owner and the holder to be told');
    expect(mail.received.map(({ raw }) => raw).join('')).not.toContain('plain-value');
    expect(world.log.text).not.toContain('plain-value');
    expect(await scene.rows.everythingStored()).not.toContain('plain-value');
  }, 60_000);

  test('is shown on a page that nothing keeps', async () => {
    const at = await known('header-value-0123456789');
    await given(at);
    const form = await fields(asker, at, 'reveal');
    const page = (await asker.page(at.page)).html;
    const answer = await world.app.inject({
      method: 'POST',
      url: `${at.page}/reveal`,
      headers: {
        cookie: (asker as unknown as { cookie: string }).cookie,
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        ...form,
        _csrf: /name="_csrf" value="([^"]+)"/.exec(page)![1]!,
      }).toString(),
    });
    expect(answer.body).toContain('header-value-0123456789');
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', refresh: `60; url=${at.page}` });
    const script = await world.app.inject({ url: '/assets/hide.js' });
    expect([script.statusCode, script.headers['content-type']]).toEqual([
      200,
      'text/javascript; charset=utf-8',
    ]);
  });

  test('is given for one credential and a while, by somebody else, and no token carries it', async () => {
    const [at, other] = [await known('given-value-0123456789'), await known('other-value-0123456789')];
    await given(at);
    const form = await fields(asker, at, 'reveal');
    const elsewhere = await asker.send(other.page, `${other.page}/reveal`, {
      ...form,
      version: other.version,
    });
    expect([elsewhere.status, elsewhere.html.includes('Nobody has given you')]).toEqual([422, true]);
    const foreign = await asker.send(at.page, `${at.page}/reveal`, { ...form, version: other.version });
    expect([foreign.status, foreign.html.includes('other-value')]).toEqual([422, false]);
    world.clock.advance(31 * MINUTE);
    expect((await asker.send(at.page, `${at.page}/reveal`, form)).status).toBe(403);

    // Vera asks, and cannot give it to herself.
    await giver.send(other.page, `${other.page}/ask`, { reason: REASON, minutes: '30' });
    const { html } = await giver.page('/releases');
    expect(html).toContain('somebody else decides');
    const [{ id }] = (await scene.query<{ id: Id }>(
      `SELECT id FROM temporary_permission WHERE subject_id = $1`,
      [other.credential],
    )) as [{ id: Id }];
    const own = await giver.send('/releases', `/releases/permissions/${id}`, { answer: 'yes' });
    expect([own.status, own.html.includes('your own request')]).toEqual([422, true]);
    const twice = await giver.send(other.page, `${other.page}/ask`, { reason: REASON, minutes: '30' });
    expect(twice.status).toBe(422);
    expect(
      (await giver.send('/releases', `/releases/permissions/${newId()}`, { answer: 'yes' })).status,
    ).toBe(404);
  });

  test('that is wanted too often in an hour is not shown', async () => {
    world.clock.advance(2 * HOUR);
    const at = await known('often-value-0123456789');
    await given(at);
    for (let n = 0; n < 5; n++) {
      const shown = await asker.send(at.page, `${at.page}/reveal`, await fields(asker, at, 'reveal'));
      expect([n, shown.status]).toEqual([n, 200]);
    }
    const sixth = await asker.send(at.page, `${at.page}/reveal`, await fields(asker, at, 'reveal'));
    expect([sixth.status, sixth.html.includes('in an hour'), sixth.html.includes('often-value')]).toEqual([
      422,
      true,
      false,
    ]);
    world.clock.advance(2 * HOUR);
  });

  test('that was leaked is shown only by breaking the glass: everybody who was passed over is told, and a badge stays', async () => {
    const at = await known('broken-value-0123456789');
    await scene.query(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, updated_at) VALUES ($1, $2, $3, 'requested', $4)`,
      [at.version, at.credential, at.integration, world.clock.date()],
    );
    await given(at);
    const refused = await asker.send(at.page, `${at.page}/reveal`, await fields(asker, at, 'reveal'));
    expect([refused.status, refused.html.includes('It is being revoked')]).toEqual([422, true]);
    // An engineer may not break it.
    expect((await asker.send(at.page, `${at.page}/break-glass`, { reason: REASON })).status).toBe(403);
    mail.received.length = 0;
    const form = await fields(responder, at, 'break-glass');
    const shown = await responder.send(at.page, `${at.page}/break-glass`, form);
    expect([shown.status, shown.html.includes('broken-value-0123456789')]).toEqual([200, true]);
    expect(shown.html).toContain('the glass was broken');
    for (const path of [at.page, at.page.replace('/value', '')])
      expect((await responder.page(path)).html).toContain('the glass was broken');
    expect((await responder.page('/alerts')).html).toContain('broke the glass');
    expect((await scene.ledger(at.credential)).at(-1)).toBe('credential.glass-broken');
    const [reveal] = await scene.query<{ skipped: string[]; told: number }>(
      `SELECT skipped, told FROM reveal WHERE credential_id = $1`,
      [at.credential],
    );
    expect(reveal!.skipped).toEqual(['approval', 'being-revoked']);
    await until(() => {
      world.clock.advance(1000);
      return ['vera@', 'nora'].every((who) =>
        mail.received.some(
          ({ to, subject }) => to[0]!.startsWith(who) && subject.includes('the glass was broken'),
        ),
      );
    }, 'those who were passed over to be told');
    expect(mail.received.some(({ to }) => to[0]!.startsWith('rita'))).toBe(false);
    expect(mail.received.map(({ raw }) => raw).join('')).not.toContain('broken-value');
  }, 60_000);

  test('is held back where a policy says so', async () => {
    const at = await known('policy-value-0123456789');
    await scene.query(`UPDATE integration SET data_class = 'financial', risk_tier = 1 WHERE id = $1`, [
      at.integration,
    ]);
    const { html } = await asker.page(at.page);
    expect(html).toContain('seen only by breaking the glass');
    expect(html).toContain('The policy that it falls under lets nobody ask');
    expect(html).not.toContain('Ask to see it');
    const broken = await responder.send(
      at.page,
      `${at.page}/break-glass`,
      await fields(responder, at, 'break-glass'),
    );
    expect(broken.status).toBe(200);
  });

  test('of a party’s contact is not there at all', async () => {
    const at = await known('party-value-0123456789');
    const nora = await signedIn('Nora', 'party_contact', at.northwind);
    expect((await nora.page(at.page)).status).toBe(403);
    expect((await nora.page(at.page.replace('/value', ''))).html).not.toContain('/value"');
  });
});

describe('placing a value', () => {
  const put = (version: Id, body: object) =>
    scene.lead.call('PUT', `/api/v1/credential-versions/${version}/value`, { body });

  test('seals it once, fingerprints it, and answers nothing', async () => {
    const at = await scene.integration({ value: null });
    const answer = await put(at.version, { value: 'placed-value-0123456789' });
    expect([answer.status, answer.body]).toEqual([204, undefined]);
    expect((await put(at.version, { value: 'placed-value-0123456789' })).status).toBe(204);
    const other = await put(at.version, { value: 'quite-another-value' });
    expect(other).toMatchObject({ status: 409, body: { code: 'another-value' } });
    expect(JSON.stringify(other.body)).not.toContain('quite-another');
    expect(await scene.ledger(at.version)).toEqual(['credential_version.value-placed']);
    expect(await scene.query(`SELECT part FROM fingerprint WHERE version_id = $1`, [at.version])).toEqual([
      { part: 'value' },
    ]);
    expect(await scene.rows.everythingStored()).not.toContain('placed-value');
  });

  test('refuses what leaked, what stands in another environment, what is retired, and nonsense', async () => {
    const at = await scene.integration({ value: null });
    const token = await world.token('responder');
    await world.app.inject({
      method: 'POST',
      url: '/api/v1/exposures',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      payload: JSON.stringify({ reports: [{ ref: newId(), value: 'leaked-before-0123456789' }] }),
    });
    expect(await put(at.version, { value: 'leaked-before-0123456789' })).toMatchObject({
      status: 409,
      body: { code: 'known-as-leaked' },
    });
    const staging = await scene.integration({ value: 'staging-value-0123456789', environment: 'staging' });
    expect(staging.version).toBeDefined();
    expect(await put(at.version, { value: 'staging-value-0123456789' })).toMatchObject({
      status: 409,
      body: { code: 'reused-across-environments' },
    });
    expect((await put(newId(), { value: 'x' })).status).toBe(404);
    for (const bad of [
      {},
      { value: '' },
      { value: 7 },
      { value: 'x', more: 1 },
      { value: 'x'.repeat(70_000) },
    ])
      expect((await put(at.version, bad)).status).toBe(400);
    await scene.query(`UPDATE credential_version SET phase = 'retired' WHERE id = $1`, [at.version]);
    expect(await put(at.version, { value: 'late-value-0123456789' })).toMatchObject({
      status: 409,
      body: { code: 'version-retired' },
    });
  });

  test('in the console never shows what was typed', async () => {
    const at = await scene.integration({ value: null });
    const page = pageOf(at);
    const place = `${page}/place/${at.version}`;
    const empty = await asker.send(page, place, { value: '' });
    expect(empty.status).toBe(422);
    const done = await asker.send(page, place, { value: 'typed-value-0123456789' });
    expect(done.status).toBe(303);
    const { html } = await asker.page(page);
    expect(html).toContain('sealed here');
    expect(html).not.toContain('typed-value');
    const other = await scene.integration({ value: null });
    const wrong = await asker.send(page, `${page}/place/${other.version}`, {
      value: 'wrong-place-0123456789',
    });
    expect(wrong.status).toBe(404);
  });
});

describe('the pages of machines', () => {
  test('register, approve, declare, consent and end, with what is held in sight', async () => {
    const at = await scene.integration();
    const page = `/integrations/${at.reference}/machines`;
    const key = ownKey();
    const fieldsTyped = {
      name: 'nightly worker',
      partyId: at.aurora,
      environment: 'production',
      publicKey: JSON.stringify(key.jwk),
      issuer: '',
      subject: '',
    };
    const bad = await asker.send(page, page, { ...fieldsTyped, publicKey: '{' });
    expect([bad.status, bad.html.includes('It is no JSON')]).toEqual([422, true]);
    expect((await asker.send(page, page, fieldsTyped)).status).toBe(303);
    const [{ id }] = (await scene.query<{ id: Id }>(
      `SELECT id FROM machine_identity WHERE integration_id = $1`,
      [at.integration],
    )) as [{ id: Id }];
    expect((await asker.page(page)).html).not.toContain(`${id}/decide`);
    expect((await giver.send(page, `${page}/${id}/decide`, { decision: 'approve' })).status).toBe(303);
    const [{ personId }] = (await scene.query<{ personId: Id }>(
      `SELECT person_id AS "personId" FROM user_account WHERE email = 'rita@operator.example'`,
    )) as [{ personId: Id }];
    const declared = await asker.send(page, `${page}/${id}/grants`, {
      credentialId: at.credential,
      purpose: 'nightly export',
      maxSimultaneous: '2',
      maxMinutes: '15',
      days: '30',
      consentPersonId: personId,
    });
    expect(declared.status).toBe(303);
    const [grant] = await scene.query<{ id: Id }>(`SELECT id FROM checkout_grant WHERE identity_id = $1`, [
      id,
    ]);
    expect(
      (await giver.send(page, `${page}/grants/${grant!.id}/decide`, { decision: 'approve' })).status,
    ).toBe(303);
    const machine = new Machine(world, id, key);
    const asked = await machine.open(at);
    expect(asked.status).toBe(202);
    expect((await responder.page('/work')).html).toMatch(
      /\d releases? of (a value waits|values wait) for you/,
    );
    const consents = '/releases';
    expect((await responder.page(consents)).html).toContain('nightly worker');
    expect(
      (await responder.send(consents, `${consents}/checkouts/${asked.body.id}`, { answer: 'yes' })).status,
    ).toBe(303);
    expect((await machine.call('GET', `/${asked.body.id}`)).body.value).toBeDefined();
    for (const where of [page, pageOf(at)]) expect((await asker.page(where)).html).toContain('held now');
    const end = `${page}/checkouts/${asked.body.id}/end`;
    expect((await asker.send(page, end, {})).status).toBe(303);
    expect((await asker.page(page)).html).toContain('ended by a person');
    expect(
      (await responder.send(consents, `${consents}/grants/${grant!.id}/window`, { hours: '8' })).status,
    ).toBe(303);
    expect((await machine.open(at)).status).toBe(201);
    const other = await scene.integration();
    const elsewhere = `/integrations/${other.reference}/machines`;
    expect((await asker.send(elsewhere, `${elsewhere}/${id}/retire`, {})).status).toBe(404);
    expect((await asker.send(page, `${page}/${id}/retire`, {})).status).toBe(303);
    expect((await machine.open(at)).status).toBe(401);
  });
});
