import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeAtTheHost } from '../../src/cli/token-create.command.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, iso, MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { LeakScene, REPORTS_KEY, type SceneCredential } from '../support/leak-scene.ts';

/** What people decide about an incident: that it is the credential, when it was, that a risk is carried, that it is over. */

const PASSWORD = 'correct horse battery staple';
let world: TestApp;
let scene: LeakScene;
let rita: ConsoleSession;
let omar: ConsoleSession;
let people: Record<'rita' | 'omar', { userId: Id; personId: Id }>;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
  people = { rita: await person('Rita', 'responder'), omar: await person('Omar', 'responder') };
  rita = await ConsoleSession.signIn(world, 'rita@operator.example', PASSWORD);
  omar = await ConsoleSession.signIn(world, 'omar@operator.example', PASSWORD);
});
afterAll(() => world?.close());

async function person(name: string, role: Role): Promise<{ userId: Id; personId: Id }> {
  const email = `${name.toLowerCase()}@operator.example`;
  return expectOk(
    await world.app
      .get(AccessService)
      .createUser({ email, name, roles: [role], password: Secret.of(PASSWORD) }, system('test', 'test')),
  );
}

/** A token that acts as somebody, made at the host's terminal. */
async function tokenOf(userId: Id, role: Role): Promise<string> {
  const input = { name: 'mine', role, userId, expiresAt: world.clock.now() + 1000 * HOUR };
  return expectOk(await makeAtTheHost(world.app, input, system('cli', 'test'))).value.use((value) => value);
}

/** What a page says was wrong. */
const errorsIn = (html: string) =>
  [...html.matchAll(/<p class="(?:error|notice live)"[^>]*>([^<]*)/g)].map(([, text]) => text);

let integrations = 0;
/** A report names a credential without its value: a person has to say whether it is the one. */
async function suspected(
  o: { agreed?: boolean } = {},
): Promise<{ credential: SceneCredential; incidentId: Id; reference: string }> {
  const integration = await scene.integration(`Decided ${(integrations += 1)}`, {
    parties: [scene.customerId],
    ...o,
  });
  const credential = await scene.credential(integration, { authority: 'revoke_now' });
  const ref = newId();
  await scene.signed([{ ref, supplierId: credential.supplierId }]);
  await scene.settled();
  const incident = await scene.one<{ id: Id; reference: string }>(
    `SELECT i.id, i.reference FROM incident i JOIN incident_credential x ON x.incident_id = i.id WHERE x.version_id = $1`,
    [credential.versionId],
  );
  return { credential, incidentId: incident.id, reference: incident.reference };
}

const parked = (incidentId: Id, step: string) =>
  scene.rows<{ id: Id }>(
    `SELECT s.id FROM step s JOIN run r ON r.id = s.run_id JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
      WHERE r.subject_id = $1 AND n.step = $2 AND s.state = 'parked'`,
    [incidentId, step],
  );
async function parkedStep(incidentId: Id, step: string): Promise<Id> {
  await until(async () => (await parked(incidentId, step)).length === 1, `${step} parked`);
  return (await parked(incidentId, step))[0]!.id;
}
/** Suspected, and a person has said that it is the one. */
async function confirmed() {
  const made = await suspected();
  const step = await parkedStep(made.incidentId, 'decide');
  await rita.send(`/steps/${step}`, `/steps/${step}/approve`, { decision: 'approve' });
  await scene.settled();
  return made;
}
const instantsOf = (incidentId: Id, kind: string) =>
  scene.rows<{ case_id: Id | null; asserted_by_kind: string; asserted_by: string; basis: string }>(
    `SELECT case_id, asserted_by_kind, asserted_by, basis FROM instant WHERE incident_id = $1 AND kind = $2 ORDER BY case_id NULLS FIRST`,
    [incidentId, kind],
  );
const noticesOf = (incidentId: Id) =>
  scene.rows<{ trigger: string }>(
    `SELECT n.trigger FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1`,
    [incidentId],
  );

describe('a match that a person confirms', () => {
  test('is on record as an instant of theirs, and who was promised to hear of certainty is owed a notice', async () => {
    const { incidentId, reference } = await suspected();
    expect(await instantsOf(incidentId, 'confirmed')).toEqual([]);
    expect(await noticesOf(incidentId)).toEqual([]);
    const step = await parkedStep(incidentId, 'decide');
    const answer = await rita.send(`/steps/${step}`, `/steps/${step}/approve`, {
      decision: 'approve',
      note: 'the owner recognised it',
    });
    expect(errorsIn(answer.html)).toEqual([]);
    expect(answer.status).toBe(303);
    await scene.settled();
    const confirmed = await instantsOf(incidentId, 'confirmed');
    expect(confirmed).toEqual([
      {
        case_id: null,
        asserted_by_kind: 'user',
        asserted_by: people.rita.userId,
        basis: expect.stringContaining('the owner recognised it'),
      },
      expect.objectContaining({ case_id: expect.any(String), asserted_by: people.rita.userId }),
    ]);
    const { html } = await rita.page(`/incidents/${reference}`);
    expect(html).toMatch(/Rita(<!-- -->)?: a person decided/);
    expect(html).toContain('by Rita');
    expect(await noticesOf(incidentId)).toEqual([{ trigger: 'confirmed' }]);
    expect(
      await scene.rows(
        `SELECT FROM run WHERE subject_id = $1 AND runbook = 'notification' AND input->>'batchId' =
           (SELECT n.batch_id::text FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1)`,
        [incidentId],
      ),
    ).toHaveLength(1);
  });

  test('that is rejected confirms nothing', async () => {
    const { incidentId } = await suspected();
    const step = await parkedStep(incidentId, 'decide');
    const rejected = await rita.send(`/steps/${step}`, `/steps/${step}/approve`, {
      decision: 'reject',
      note: 'another one',
      back: '/work',
    });
    expect(rejected.status).toBe(303);
    await scene.settled();
    expect(await instantsOf(incidentId, 'confirmed')).toEqual([]);
    expect(await noticesOf(incidentId)).toEqual([]);
  });
});

describe('an instant', () => {
  test('is recorded in the room, in the zone of whoever knows it, and owes what it owes', async () => {
    const { incidentId, reference } = await suspected();
    const room = `/incidents/${reference}`;
    expect((await rita.page(room)).html).toContain(`action="${room}/instants"`);
    const typed = { kind: 'confirmed', at: '2026-11-01T10:00', basis: 'the log of the supplier' };
    const refused = await rita.send(room, `${room}/instants`, { ...typed, zone: 'Mars/X' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('No time zone that is known');
    expect(refused.html).toContain('value="the log of the supplier"');
    expect(refused.html).toContain('value="2026-11-01T10:00"');
    expect(await rita.send(room, `${room}/instants`, { ...typed, zone: 'Europe/Berlin' })).toMatchObject({
      status: 303,
      location: room,
    });
    expect(
      await scene.rows(
        `SELECT at, zone, asserted_by FROM instant WHERE incident_id = $1 AND kind = 'confirmed'`,
        [incidentId],
      ),
    ).toEqual(
      Array.from({ length: 2 }, () => ({
        at: new Date('2026-11-01T09:00:00Z'),
        zone: 'Europe/Berlin',
        asserted_by: people.rita.userId,
      })),
    );
    expect(await noticesOf(incidentId)).toEqual([{ trigger: 'confirmed' }]);
  });

  test('is refused when it has not come yet, or names no zone; the field and the mend are said', async () => {
    const { incidentId } = await suspected();
    const state = (more: object) =>
      scene.call('POST', `/api/v1/incidents/${incidentId}/instants`, {
        body: { kind: 'occurred', at: iso(world.clock.now()), zone: 'UTC', basis: 'a log', ...more },
      });
    const problem = (field: string) => ({
      status: 400,
      body: { errors: [{ field, mend: expect.stringMatching(/^Name /) }] },
    });
    expect(await state({ at: '2099-01-01T00:00:00Z' })).toMatchObject(problem('/at'));
    expect(await state({ at: iso(world.clock.now() + 6 * MINUTE) })).toMatchObject(problem('/at'));
    expect(await state({ zone: 'Mars/X' })).toMatchObject(problem('/zone'));
    expect(await instantsOf(incidentId, 'occurred')).toEqual([]);
    expect((await state({ at: iso(world.clock.now() + 4 * MINUTE), zone: 'Europe/Berlin' })).status).toBe(
      201,
    );
  });
});

/** A copy whose end nothing can show. */
async function unprovableCopy(of: SceneCredential, path: string): Promise<Id> {
  const id = newId();
  const now = world.clock.date();
  await scene.rows(
    `INSERT INTO location (id, credential_id, integration_id, kind, name, path, party_id, provable, created_at, updated_at)
     VALUES ($1, $2, $3, 'screenshot', 'Screenshot in the team channel', $4, $5, 'no', $6, $6)`,
    [id, of.credentialId, of.integrationId, path, scene.operatorId, now],
  );
  await scene.rows(
    `INSERT INTO location_proof (id, location_id, integration_id, version_id, verdict, method, at)
     VALUES ($1, $2, $3, $4, 'cannot_be_proven', 'declared', $5)`,
    [newId(), id, of.integrationId, of.versionId, now],
  );
  return id;
}
const day = (at: number) => iso(at).slice(0, 10);

describe('what cannot be proven', () => {
  test('is answered for line by line: signed by one person, carried by two until a date, and then it closes', async () => {
    const { credential, incidentId, reference } = await confirmed();
    const copy = await unprovableCopy(credential, 'team-channel/2026-11-03');
    const decide = `/incidents/${reference}/decide`;
    const close = () =>
      rita.send(decide, `/incidents/${reference}/close`, { reason: 'nothing is left that we could do' });
    const item = (kind: string, id: Id) => `/incidents/${reference}/items/${kind}/${id}`;

    const refused = await close();
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('nothing is left that we could do');
    expect(refused.html).toMatch(
      /Screenshot in the team channel \(screenshot, team-channel\/2026-11-03\) of Key 1, version 1/,
    );
    for (const path of [item('version', credential.versionId), item('copy', copy)])
      expect(refused.html).toContain(`href="${path}"`);

    // One person signs for the credential itself.
    const version = item('version', credential.versionId);
    for (const kind of ['revoked', 'sessions_ended'])
      expect(
        await rita.send(version, `${version}/sign`, { kind, signsFor: 'Rita, response', text: 'I saw it.' }),
      ).toMatchObject({ status: 303 });
    await scene.settled();

    // A screenshot can be signed for by nobody: two carry the risk.
    const page = await rita.page(item('copy', copy));
    expect(page.html).toContain('team-channel/2026-11-03');
    expect(page.html).not.toContain('Sign a statement');
    const risk = `${item('copy', copy)}/risk`;
    const until = day(world.clock.now() + 30 * 24 * HOUR);
    const reason = 'the channel is closed to others';
    for (const never of ['', '9999-12-31', day(world.clock.now() + 370 * 24 * HOUR)]) {
      const forever = await rita.send(item('copy', copy), risk, { until: never, reason });
      expect(forever.status).toBe(422);
      expect(forever.html).toContain(reason);
    }
    expect((await rita.send(item('copy', copy), risk, { until, reason })).status).toBe(303);
    expect(errorsIn((await rita.send(item('copy', copy), risk, { until, reason })).html)).toEqual([
      'You asked for this acceptance; a second person has to give it.',
    ]);
    // Whoever is to be the second one finds it, from the alerts and from the room.
    const asked = 'A second person has to accept it, until then or sooner.';
    const alerts = (await omar.page('/alerts')).html;
    expect(alerts).toContain(asked);
    for (const html of [alerts, (await omar.page(`/incidents/${reference}`)).html])
      expect(html).toContain(`href="${item('copy', copy)}"`);
    // Whoever asked may take it back, and a second person may refuse it; each says why.
    const end = `${risk}-request`;
    const ending = (who: typeof rita) =>
      Object.fromEntries(
        ['request', 'how'].map((field) => [
          field,
          new RegExp(`name="${field}" value="([^"]+)"`).exec(pages.get(who)!)?.[1] ?? '',
        ]),
      );
    const pages = new Map<typeof rita, string>();
    for (const [who, how] of [
      [rita, 'Withdraw it'],
      [omar, 'Refuse it'],
    ] as const) {
      pages.set(who, (await who.page(item('copy', copy))).html);
      expect(pages.get(who)).toContain(how);
      const fields = ending(who);
      expect((await who.send(item('copy', copy), end, { ...fields, reason: '' })).status).toBe(422);
      expect(await who.send(item('copy', copy), end, { ...fields, reason: 'not like this' })).toMatchObject({
        status: 303,
      });
      expect((await omar.page('/alerts')).html).not.toContain(asked);
      expect((await rita.send(item('copy', copy), risk, { until, reason })).status).toBe(303);
    }
    expect((await close()).status).toBe(422);
    const later = day(world.clock.now() + 40 * 24 * HOUR);
    expect((await omar.send(item('copy', copy), risk, { until: later, reason: 'agreed' })).status).toBe(422);
    expect((await omar.send(item('copy', copy), risk, { until, reason: 'agreed' })).status).toBe(303);
    expect(
      await scene.rows(`SELECT requested_by, accepted_by FROM risk_acceptance WHERE subject_id = $1`, [copy]),
    ).toEqual([{ requested_by: people.rita.userId, accepted_by: people.omar.userId }]);
    expect((await omar.page('/alerts')).html).not.toContain(asked);

    expect(await close()).toMatchObject({ status: 303 });
    expect(await scene.one(`SELECT state FROM incident WHERE id = $1`, [incidentId])).toEqual({
      state: 'closed',
    });
  });

  test('over the API, a token answers only for the person that it belongs to', async () => {
    const { credential, incidentId } = await confirmed();
    const [ritas, omars] = [
      await tokenOf(people.rita.userId, 'responder'),
      await tokenOf(people.omar.userId, 'responder'),
    ];
    const sign = (kind: string, token?: string) =>
      scene.call('POST', '/api/v1/statements', {
        ...(token ? { token } : {}),
        body: {
          kind,
          subjectKind: 'credential_version',
          subjectId: credential.versionId,
          signsFor: 'Somebody',
          text: 'So it was.',
        },
      });
    expect(await sign('revoked')).toMatchObject({ status: 403, body: { code: 'person-needed' } });
    const signed = await sign('revoked', ritas);
    expect(signed).toMatchObject({ status: 201 });
    expect(
      await scene.one(`SELECT user_id FROM statement WHERE id = $1`, [(signed.body as { id: Id }).id]),
    ).toEqual({ user_id: people.rita.userId });
    expect(await sign('not_affected', omars)).toMatchObject({
      status: 409,
      body: {
        code: 'statement-contradicts',
        detail: expect.stringContaining((signed.body as { id: Id }).id),
      },
    });

    const carry = (token?: string) =>
      scene.call('POST', '/api/v1/risk-acceptances', {
        ...(token ? { token } : {}),
        body: {
          subjectKind: 'credential_version',
          subjectId: credential.versionId,
          incidentId,
          reason: 'nothing can end its sessions',
          until: iso(world.clock.now() + HOUR),
        },
      });
    expect(await carry()).toMatchObject({ status: 403, body: { code: 'person-needed' } });
    expect(await carry(ritas)).toMatchObject({ status: 201, body: { state: 'asked' } });
    expect(await carry(ritas)).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await carry(omars)).toMatchObject({ status: 201, body: { state: 'accepted' } });
    expect(
      await scene.call('POST', `/api/v1/incidents/${incidentId}/close`, {
        body: { reason: 'everything is answered for' },
      }),
    ).toMatchObject({ status: 200, body: { state: 'closed' } });
  });

  test('whoever owns a copy gives their word about it, and about nothing else', async () => {
    const [tomas, ugo] = [
      await person('Tomas', 'integration_engineer'),
      await person('Ugo', 'integration_engineer'),
    ];
    const integration = await scene.integration('Owned copies', { parties: [scene.customerId] });
    const credential = await scene.credential(integration, { authority: 'revoke_now' });
    const owned = async (name: string, email: string, personId: Id | null) => {
      const [contact, location] = [newId(), newId()];
      await scene.rows(
        `INSERT INTO contact (id, party_id, name, role, email, person_id, created_at, updated_at) VALUES ($1, $2, $3, 'security', $4, $5, $6, $6)`,
        [contact, scene.operatorId, name, email, personId, world.clock.date()],
      );
      await scene.rows(
        `INSERT INTO location (id, credential_id, integration_id, kind, name, party_id, owner_contact_id, provable, created_at, updated_at)
         VALUES ($1, $2, $3, 'ci_variable', $4, $5, $6, 'owner_statement', $7, $7)`,
        [
          location,
          credential.credentialId,
          credential.integrationId,
          `Of ${name}`,
          scene.operatorId,
          contact,
          world.clock.date(),
        ],
      );
      return { contact, location };
    };
    const byAddress = await owned('Tomas', 'Tomas@operator.example', null);
    const byPerson = await owned('Tomas elsewhere', 'elsewhere@operator.example', tomas.personId);
    // The address is his, and the contact is somebody else all the same.
    const notHis = await owned('Ugo', 'tomas@operator.example', ugo.personId);
    const [tomasToken, ugoToken] = [
      await tokenOf(tomas.userId, 'integration_engineer'),
      await tokenOf(ugo.userId, 'integration_engineer'),
    ];
    const sign = (token: string, subject: Record<string, string>) =>
      scene.call('POST', '/api/v1/statements', {
        token,
        body: { signsFor: 'Tomas Reyes, integrations', text: 'The variable is deleted.', ...subject },
      });
    const copy = (locationId: Id) => ({
      kind: 'copy_gone',
      subjectKind: 'location',
      subjectId: locationId,
      versionId: credential.versionId,
    });
    const no = { status: 403, body: { code: 'not-your-copy', errors: [{ field: '/subjectId' }] } };
    expect(await sign(ugoToken, copy(byAddress.location))).toMatchObject(no);
    expect(await sign(tomasToken, copy(notHis.location))).toMatchObject(no);
    const ofVersion = {
      kind: 'revoked',
      subjectKind: 'credential_version',
      subjectId: credential.versionId,
    };
    expect(await sign(tomasToken, ofVersion)).toMatchObject(no);
    expect(await sign(tomasToken, copy(byAddress.location))).toMatchObject({ status: 201 });
    expect(
      await scene.rows(
        `SELECT p.verdict, s.user_id FROM location_proof p JOIN statement s ON s.id = p.statement_id WHERE p.location_id = $1`,
        [byAddress.location],
      ),
    ).toEqual([{ verdict: 'gone', user_id: tomas.userId }]);
    // Whoever left owns nothing any more.
    await scene.rows(`UPDATE contact SET active = false WHERE id = $1`, [byPerson.contact]);
    expect(await sign(tomasToken, copy(byPerson.location))).toMatchObject(no);
    await scene.rows(`UPDATE contact SET active = true WHERE id = $1`, [byPerson.contact]);
    expect(await sign(tomasToken, copy(byPerson.location))).toMatchObject({ status: 201 });
    // What reads and changes nothing states nothing either, and a responder goes on stating of every copy.
    expect(await sign(await tokenOf(ugo.userId, 'auditor'), copy(notHis.location))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect(await sign(await tokenOf(people.rita.userId, 'responder'), copy(notHis.location))).toMatchObject({
      status: 201,
    });
  });

  test('signed in, a person makes their own token; it is shown once and acts as them', async () => {
    const ina = await person('Ina', 'integration_engineer');
    const session = await ConsoleSession.signIn(world, 'ina@operator.example', PASSWORD);
    const make = (fields: Record<string, string>) => session.send('/profile', '/profile/tokens', fields);
    expect(await make({ name: 'cli', role: 'integration_engineer', days: '0' })).toMatchObject({
      status: 422,
      html: expect.stringContaining('At least one day.'),
    });
    // Nobody gives themselves more than they hold.
    expect((await make({ name: 'cli', role: 'admin', days: '9' })).status).toBe(422);
    const made = await make({ name: 'cli', role: 'integration_engineer', days: '9' });
    expect(made.status).toBe(200);
    const token = /<code>(cs_[\w-]{43})<\/code>/.exec(made.html)![1]!;
    expect(await scene.call('GET', '/api/v1/me', { token })).toMatchObject({
      status: 200,
      body: { id: ina.userId },
    });
    expect((await session.page('/profile')).html).not.toContain(token);
    expect(
      await scene.rows(`SELECT name, role, made_by FROM api_token WHERE user_id = $1`, [ina.userId]),
    ).toEqual([{ name: 'cli', role: 'integration_engineer', made_by: ina.personId }]);
  });

  test('a token of an account that was closed is worth nothing; it gives no more than its person may', async () => {
    const ivo = await person('Ivo', 'integration_engineer');
    const token = await tokenOf(ivo.userId, 'admin');
    expect((await scene.call('GET', '/api/v1/users', { token })).status).toBe(403);
    expect((await scene.call('GET', '/api/v1/integrations', { token })).status).toBe(200);
    await scene.rows(`UPDATE user_account SET state = 'disabled' WHERE id = $1`, [ivo.userId]);
    expect((await scene.call('GET', '/api/v1/integrations', { token })).status).toBe(401);
    const another = await makeAtTheHost(
      world.app,
      { name: 'ivo', role: 'admin', userId: ivo.userId, expiresAt: world.clock.now() + HOUR },
      system('cli', 'test'),
    );
    expect(another).toMatchObject({ ok: false, error: { kind: 'invalid', fields: [{ field: '/userId' }] } });
  });
});

test('two copies of one name are told apart wherever somebody is asked about them', async () => {
  const integration = await scene.integration('Twice named', { parties: [scene.customerId] });
  const credential = await scene.credential(integration, { authority: 'revoke_now' });
  for (const path of ['octo/shop:lost-branch', 'octo/till:lost-branch'])
    await scene.rows(
      `INSERT INTO location (id, credential_id, integration_id, kind, name, path, party_id, provable, created_at, updated_at)
       VALUES ($1, $2, $3, 'source', 'A branch that was never merged', $4, $5, 'owner_statement', $6, $6)`,
      [newId(), credential.credentialId, integration, path, scene.operatorId, world.clock.date()],
    );
  await scene.signed([{ ref: newId(), supplierId: credential.supplierId }]);
  await scene.settled();
  const { id, reference } = await scene.one<{ id: Id; reference: string }>(
    `SELECT i.id, i.reference FROM incident i JOIN incident_credential x ON x.incident_id = i.id WHERE x.version_id = $1`,
    [credential.versionId],
  );
  const decide = await parkedStep(id, 'decide');
  await rita.send(`/steps/${decide}`, `/steps/${decide}/approve`, { decision: 'approve' });
  for (const step of ['revoke', 'verify']) {
    const held = await parkedStep(id, step);
    await rita.send(`/steps/${held}`, `/steps/${held}/skip`, { reason: 'not what is tried here' });
  }
  await until(async () => (await parked(id, 'copies')).length === 2, 'both copies are asked about');
  const room = (await rita.page(`/incidents/${reference}`)).html;
  const label = (path: string) => `A branch that was never merged (source, ${path}) of Key 1, version 1`;
  for (const path of ['octo/shop:lost-branch', 'octo/till:lost-branch']) expect(room).toContain(label(path));
  const [one] = await parked(id, 'copies');
  expect((await rita.page(`/steps/${one!.id}`)).html).toMatch(
    /never merged \(source, octo\/(shop|till):lost-branch\) of Key 1, version 1/,
  );
});

describe('a dismissal', () => {
  test('is what the clock of the room then tells, and nobody has to be told any more', async () => {
    const { incidentId, reference } = await confirmed();
    expect((await rita.page(`/incidents/${reference}`)).html).toContain('must be told');
    for (const role of ['admin', 'responder'] as const)
      await scene.call('POST', `/api/v1/incidents/${incidentId}/dismiss`, {
        token: await scene.token(role),
        body: { reason: 'a rehearsal' },
      });
    const { html } = await rita.page(`/incidents/${reference}`);
    expect(html).toContain('from knowing to dismissed');
    expect(html).not.toContain('must be told');
  });

  test('is possible while a person was only asked to revoke, and refused with what was done once they did', async () => {
    const { credential, incidentId } = await confirmed();
    await parkedStep(incidentId, 'revoke');
    const death = () =>
      scene.one(`SELECT revocation, revoke_sent_at FROM version_death WHERE version_id = $1`, [
        credential.versionId,
      ]);
    await scene.rows(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, revocation_at, updated_at)
       VALUES ($1, $2, $3, 'requested', $4, $4) ON CONFLICT (version_id) DO UPDATE SET revocation = 'requested'`,
      [credential.versionId, credential.credentialId, credential.integrationId, world.clock.date()],
    );
    expect(await death()).toEqual({ revocation: 'requested', revoke_sent_at: null });
    const dismiss = (token?: string) =>
      scene.call('POST', `/api/v1/incidents/${incidentId}/dismiss`, {
        ...(token ? { token } : {}),
        body: { reason: 'a rehearsal' },
      });
    expect(await dismiss()).toMatchObject({ status: 200, body: { state: 'containing' } });
    const version = `/incidents/${(await scene.one<{ reference: string }>(`SELECT reference FROM incident WHERE id = $1`, [incidentId])).reference}/items/version/${credential.versionId}`;
    await rita.send(version, `${version}/sign`, { kind: 'revoked', signsFor: 'Rita', text: 'I did it.' });
    expect(await dismiss(await scene.token('responder'))).toMatchObject({
      status: 409,
      body: {
        code: 'already-acted',
        detail: expect.stringContaining('somebody signed that Key 1, version 1 was revoked'),
      },
    });
  });
});

describe('a form that is refused', () => {
  test('comes back with what was typed', async () => {
    const ref = newId();
    await scene.signed([{ ref, supplierId: `nobody-${newId()}` }]);
    await scene.settled();
    const { reference } = await scene.one<{ reference: string }>(
      `SELECT reference FROM exposure WHERE external_ref = $1`,
      [ref],
    );
    const path = `/exposures/${reference}`;
    const match = await rita.send(path, `${path}/match`, {
      credential: 'CRD-2026-9999',
      version: '7',
      reason: 'the owner recognised it',
    });
    expect(match.status).toBe(422);
    for (const typed of ['CRD-2026-9999', '7', 'the owner recognised it'])
      expect(match.html).toContain(`value="${typed}"`);
  });
});
