import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { AccessReviewsSweep } from '../../src/domain/policy/access-reviews.sweep.ts';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ELAPSED_DAY, HOUR, MINUTE } from '../../src/kernel/time.ts';
import { Relay } from '../../src/platform/queue/relay.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { MailServer } from '../support/mail-server.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';
import { caller } from '../support/portfolio.ts';

interface Item {
  id: Id;
  number: number;
  partId: Id;
  integration: object | null;
  credential: { name: string } | null;
  subject: { kind: string; id: Id; name: string };
  basis: string;
  role: string;
  access: string[];
  decision: string | null;
  work: string | null;
  workNote: string | null;
  runId: Id | null;
}

let world: TestApp;
let mail: MailServer;
let scene: GateScene;
const PASSWORD = 'correct horse battery staple';
const users = new Map<string, { userId: Id; personId: Id }>();

/** Somebody with an account, and a caller of the API who acts as that person. */
async function account(email: string, ...roles: Role[]): Promise<void> {
  const made = await world.app
    .get(AccessService)
    .createUser({ email, name: email.split('@')[0]!, roles, password: Secret.of(PASSWORD) }, scene.by);
  users.set(email, expectOk(made));
}
async function as(email: string, role?: Role): Promise<ReturnType<typeof caller>> {
  const { userId } = users.get(email)!;
  const made = await world.app.get(AccessService).createToken(
    {
      name: `of ${email}`,
      ...(role ? { role } : { permissions: ['reviews:read', 'reviews:decide'] }),
      userId,
      expiresAt: world.clock.now() + 900 * ELAPSED_DAY,
    },
    scene.by,
  );
  return caller(
    world,
    expectOk(made).value.use((value) => value),
  );
}
const sweep = () => world.app.get(AccessReviewsSweep).sweep(scene.by);
const reviews = async () => (await risk('GET', '/api/v1/access-reviews')).body.reviews;
const itemsOf = async (id: Id, query = ''): Promise<Item[]> =>
  (await risk('GET', `/api/v1/access-reviews/${id}/items?limit=200${query}`)).body.items;
const line = ({ credential, subject, basis, access }: Item) =>
  `${credential?.name ?? 'account'}: ${subject.kind} ${subject.name} by ${basis}: ${access.join(' ')}`;
const ledger = (kind: string) =>
  scene.query<{ body: { facts: Record<string, unknown> } }>(
    `SELECT body::jsonb AS body FROM ledger_entry WHERE kind = $1 ORDER BY id`,
    [kind],
  );
const alerts = (kind: string) =>
  scene.query<{ severity: string; handled: boolean }>(
    `SELECT severity, handled_at IS NOT NULL AS handled FROM alert WHERE kind = $1 ORDER BY first_at`,
    [kind],
  );

let risk: ReturnType<typeof caller>;
let olga: ReturnType<typeof caller>;
let vera: ReturnType<typeof caller>;

beforeAll(async () => {
  mail = await MailServer.start();
  world = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  // Early in a month, so that what is due ten business days later is due in the same one.
  const today = world.clock.date();
  world.clock.advance(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 2, 9) - today.getTime());
  scene = await GateScene.set(world, (text) => text.replace('riskTier: 2', 'riskTier: 1'));
  await scene.query(`UPDATE integration SET state = 'live', pass = 'held' WHERE id = $1`, [
    scene.integrationId,
  ]);
  // The desk that owns the integration is Olga.
  await account('desk@northwind.example', 'contract_owner');
  await account('vera@northwind.example', 'vendor_risk');
  await account('root@northwind.example', 'admin');
  await account('rita@northwind.example', 'responder', 'auditor');
  risk = caller(world, await world.token('vendor_risk'));
  olga = await as('desk@northwind.example');
  vera = await as('vera@northwind.example', 'vendor_risk');
}, 60_000);
afterAll(async () => {
  await world.close();
  await mail.close();
});

describe('every month, where most would be lost', () => {
  let review: { id: Id; reference: string; dueAt: string };

  test('a campaign opens by itself, once, with everything on record in it', async () => {
    await Promise.all([sweep(), sweep()]);
    await sweep();
    const [one, ...others] = await reviews();
    expect(others).toEqual([]);
    review = one;
    expect(one).toMatchObject({
      reference: expect.stringMatching(/^ARV-\d{4}-\d{4}$/),
      cause: 'monthly',
      period: new Date(world.clock.now()).toISOString().slice(0, 7),
      parts: 2,
      decided: 0,
      overdue: 0,
    });
    const items = await itemsOf(one.id);
    expect(
      items
        .filter(({ credential }) => credential)
        .map(line)
        .sort(),
    ).toEqual([
      'Checkout access token: connection Paylane (live account) by path: revoke',
      'Checkout access token: contact Incident desk by matrix: rotate revoke',
      'Checkout access token: contact Incident desk by path: revoke',
      'Checkout access token: contact Shop desk by owner: rotate revoke',
      'Checkout access token: party Northwind Retail by holder: view',
      'Checkout access token: party Northwind Retail by location: view',
      'Checkout access token: party Northwind Retail by matrix: view rotate revoke',
      'Checkout access token: party Paylane Payments by matrix: rotate revoke',
    ]);
    expect(
      items
        .filter(({ basis }) => basis === 'role')
        .map(({ subject, role, access }) => `${subject.name} ${role}: ${access.join(' ')}`)
        .sort(),
    ).toEqual([
      'desk contract_owner: view revoke',
      'rita auditor: view',
      'rita responder: view revoke',
      'root admin: view rotate revoke',
      'vera vendor_risk: view rotate revoke',
    ]);
    expect(items.filter(({ basis }) => basis === 'token').length).toBeGreaterThan(0);
    expect(one.items).toBe(items.length);
  });

  test('its owner reviews it, in the zone where the owner is', async () => {
    const { body } = await risk('GET', `/api/v1/access-reviews/${review.id}/parts`);
    expect(body.parts.find((part: { integration: object | null }) => part.integration)).toMatchObject({
      integration: { name: 'Checkout payments', riskTier: 1 },
      reviewer: { name: 'desk', personId: users.get('desk@northwind.example')!.personId },
      reasonToKeep: true,
      zone: 'UTC',
      dueAt: expect.stringMatching(/T23:59:59\.999Z$/),
      missedAt: null,
    });
  });

  test('and is told so, with what waits and until when', async () => {
    world.clock.advance(2 * MINUTE);
    await mailed(/^review who has access/);
    const [one, ...others] = mail.received;
    expect(others).toEqual([]);
    expect(one).toMatchObject({ to: ['desk@northwind.example'] });
    expect(one!.text).toContain(`${scene.reference} Checkout payments: 8 open`);
    expect(one!.text).toContain(`/access-reviews/${review.reference}`);
    const desk = await ConsoleSession.signIn(world, 'desk@northwind.example', PASSWORD);
    const { html } = await desk.page('/work');
    // Reviewers without a browser that says more are written to in English; one who chose reads their own.
    expect(one!.subject).toMatch(/, by \d{1,2} \w+ \d{4}, \d\d:\d\d UTC$/);
    expect(html).toContain('Access that you review');
    expect(html).toContain(`/access-reviews/${review.reference}`);
    expect((await desk.page('/profile')).html).toContain('Mails to you');
    expect(await desk.send('/profile', '/profile', { language: 'fr' })).toMatchObject({ status: 422 });
    expect(await desk.send('/profile', '/profile', { language: 'de' })).toMatchObject({ status: 303 });
    expect(await ledger('user.language-chosen')).toMatchObject([
      { body: { facts: { from: null, to: 'de' } } },
    ]);
  });

  test('whoever never said in which language they are written to reads what their browser asks for', async () => {
    const root = caller(world, await world.token('admin'));
    const language = async () =>
      (await root('GET', '/api/v1/users')).body.users.find(
        ({ email }: { email: string }) => email === 'vera@northwind.example',
      ).language;
    const signIn = (accepted: string) =>
      ConsoleSession.signIn(world, 'vera@northwind.example', PASSWORD, { 'accept-language': accepted });
    expect(await language()).toBeNull();
    await signIn('fr-CH, de;q=0.8, en;q=0.5');
    expect(await language()).toBe('de');
    await signIn('en');
    expect(await language()).toBe('de');
    const say = (who: typeof risk, wanted: string) =>
      who('PUT', '/api/v1/me/language', { body: { language: wanted } });
    expect((await say(vera, 'en')).status).toBe(204);
    expect(await language()).toBe('en');
    expect((await say(vera, 'xx')).status).toBe(400);
    expect((await say(root, 'de')).body).toMatchObject({ status: 409, code: 'nobody-to-write-to' });
  });

  /** Every item, three at a time. */
  async function inPages(query: string): Promise<Item[]> {
    const seen: Item[] = [];
    let cursor = '';
    do {
      const { body } = await risk(
        'GET',
        `/api/v1/access-reviews/${review.id}/items?limit=3${query}${cursor}`,
      );
      seen.push(...body.items);
      cursor = body.next ? `&cursor=${body.next}` : '';
    } while (cursor);
    return seen;
  }

  test('page by page, in the order of the record or all of one person together', async () => {
    const all = await itemsOf(review.id);
    expect(await inPages('')).toEqual(all);
    const places = all.map(({ partId, number }) => `${partId} ${String(number).padStart(6, '0')}`);
    expect(places).toEqual(places.toSorted());
    for (const group of ['person', 'credential']) {
      const grouped = await inPages(`&group=${group}`);
      expect(grouped.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
      const order = grouped
        .map(({ subject, credential }) => (group === 'person' ? subject.id : (credential?.name ?? '')))
        .filter((id, at, ids) => id !== ids[at - 1]);
      expect(new Set(order).size).toBe(order.length);
    }
  });

  test('nobody decides about themselves, for somebody else, without a reason or without a person', async () => {
    const items = await itemsOf(review.id);
    const decide = (who: typeof risk, basis: string, more: object = {}, role = '') =>
      who('POST', `/api/v1/access-reviews/${review.id}/decisions`, {
        body: {
          items: [items.find((one) => one.basis === basis && (!role || one.role === role))!.id],
          decision: 'keep',
          reason: 'Needed',
          ...more,
        },
      });
    expect((await decide(risk, 'holder')).body).toMatchObject({ status: 403, code: 'no-person' });
    expect((await decide(olga, 'owner')).body).toMatchObject({ status: 403, code: 'own-access' });
    expect((await decide(vera, 'holder')).body).toMatchObject({ status: 403, code: 'not-the-reviewer' });
    expect((await decide(vera, 'role', {}, 'vendor_risk')).body).toMatchObject({ code: 'own-access' });
    expect((await decide(olga, 'role', {}, 'auditor')).body).toMatchObject({
      status: 403,
      code: 'not-the-reviewer',
    });
    expect((await decide(olga, 'holder', { reason: ' ' })).body).toMatchObject({
      status: 400,
      code: 'reason-missing',
    });
    expect((await decide(olga, 'holder', { decision: 'remove', reason: '' })).body.code).toBe(
      'reason-missing',
    );
    expect((await decide(olga, 'holder', { items: [newId()] })).status).toBe(404);
    expect((await itemsOf(review.id, '&open=true')).length).toBe(items.length);
    // The database holds the same line.
    const own = items.find(({ basis }) => basis === 'owner')!;
    await expect(
      scene.query(
        `UPDATE access_review_item SET decision = 'keep', decided_by = person_id, decided_at = now() WHERE id = $1`,
        [own.id],
      ),
    ).rejects.toThrow(/access_review_item_not_own/);
  });

  test('what is Countersign’s own is taken away at once, the rest becomes a task with an owner', async () => {
    const items = await itemsOf(review.id);
    const auditor = items.find(({ role }) => role === 'auditor')!;
    const tokens = items.filter(({ basis, subject }) => basis === 'token' && subject.name === 'vendor_risk');
    const holder = items.find(({ basis }) => basis === 'holder')!;
    const remove = (who: typeof risk, ...ids: Id[]) =>
      who('POST', `/api/v1/access-reviews/${review.id}/decisions`, {
        body: { items: ids, decision: 'remove', reason: 'Not needed any more' },
      });
    expect((await remove(vera, auditor.id)).body).toEqual({ decided: 1 });
    expect(await scene.query(`SELECT role FROM user_role WHERE user_id = $1`, [auditor.subject.id])).toEqual([
      { role: 'responder' },
    ]);
    expect((await remove(vera, ...tokens.map(({ id }) => id))).status).toBe(201);
    expect((await risk('GET', '/api/v1/access-reviews')).status).toBe(401);
    risk = caller(world, await world.token('vendor_risk'));

    expect((await remove(olga, holder.id)).status).toBe(201);
    const waiting = (await itemsOf(review.id)).find(({ id }) => id === holder.id)!;
    expect(waiting).toMatchObject({ decision: 'remove', work: 'waiting', runId: expect.any(String) });
    expect((await remove(olga, holder.id)).body).toMatchObject({ status: 409, code: 'already-decided' });
    const engineer = caller(world, await world.token('integration_engineer'));
    const step = await parked(waiting.runId!);
    expect(step.forWhat).toContain(review.reference);
    expect(step.forWhat).not.toContain('Northwind');
    expect(
      (await engineer('POST', `/api/v1/steps/${step.id}/settle`, { body: { answer: 'done', note: 'gone' } }))
        .status,
    ).toBe(200);
    await until(
      async () => (await itemsOf(review.id)).find(({ id }) => id === holder.id)!.work === 'done',
      'the removal is carried out',
    );
    expect(
      await scene.query(`SELECT FROM credential_holder WHERE integration_id = $1`, [scene.integrationId]),
    ).toEqual([]);
  });

  test('a task that nobody did is said loudly, keeps the gate shut, and can be asked for once more', async () => {
    const path = (await itemsOf(review.id)).find(
      ({ basis, subject }) => basis === 'path' && subject.kind === 'contact',
    )!;
    await olga('POST', `/api/v1/access-reviews/${review.id}/decisions`, {
      body: { items: [path.id], decision: 'remove', reason: 'The desk is closed' },
    });
    const engineer = caller(world, await world.token('integration_engineer'));
    const found = async () => (await itemsOf(review.id)).find(({ id }) => id === path.id)!;
    const first = await parked((await found()).runId!);
    await engineer('POST', `/api/v1/steps/${first.id}/skip`, { body: { reason: 'No time' } });
    await until(async () => (await found()).work === 'failed', 'it is said to have failed');
    expect(await alerts('access-review.removal-failed')).toEqual([{ severity: 'critical', handled: false }]);
    expect(await overdueFindings()).toMatchObject([
      { message: expect.stringContaining('still there'), severity: 'high' },
    ]);
    expect((await olga('POST', `/api/v1/access-reviews/${review.id}/items/${path.id}/retry`)).status).toBe(
      204,
    );
    const second = await parked((await found()).runId!);
    expect(second.id).not.toBe(first.id);
    await engineer('POST', `/api/v1/steps/${second.id}/settle`, { body: { answer: 'done', note: 'gone' } });
    await until(async () => (await found()).work === 'done', 'it is carried out');
    expect(await alerts('access-review.removal-failed')).toEqual([{ severity: 'critical', handled: true }]);
    expect(await overdueFindings()).toEqual([]);
  });

  test('silence is reminded of, escalated, missed once, and then the gate says so', async () => {
    const due = Date.parse((await reviews())[0].dueAt);
    const opened = world.clock.now();
    world.clock.advance(Math.ceil((due - opened) * 0.6));
    await sweep();
    await sweep();
    expect(await alerts('access-review.reminded')).toEqual([
      { severity: 'info', handled: false },
      { severity: 'info', handled: false },
    ]);
    world.clock.advance(Math.ceil((due - opened) * 0.3));
    await sweep();
    expect(await alerts('access-review.escalated')).toHaveLength(2);
    expect(await overdueFindings()).toEqual([]);
    world.clock.advance(due - world.clock.now() + HOUR);
    await sweep();
    await sweep();
    expect(await alerts('access-review.missed')).toHaveLength(2);
    expect(await ledger('access-review.missed')).toHaveLength(2);
    world.clock.advance(2 * MINUTE);
    await until(() => {
      world.app.get(Relay).pass();
      return mail.received.length >= 4;
    }, 'four mails');
    // The first one in English; then in the language that its reader has chosen meanwhile.
    expect(mail.received.map(({ subject }) => subject.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'Noch offen:',
      'Prüfen Sie,',
      'review who',
      'Überfällig: Prüfen',
    ]);
    expect(mail.received.at(-1)!.subject).toMatch(/, bis \d\d\.\d\d\.\d{4}, \d\d:\d\d Uhr UTC$/);
    risk = caller(world, await world.token('vendor_risk'));
    expect((await reviews())[0]).toMatchObject({ overdue: 2 });
    expect(await overdueFindings()).toMatchObject([
      {
        subject: { kind: 'access_review', name: review.reference },
        mend: expect.stringContaining(review.reference),
      },
      { message: expect.stringContaining('accounts and tokens') },
    ]);
    await world.app.get(ReEvaluationSweep).sweep(scene.by);
    expect(
      await scene.query(
        `SELECT 'access-review-overdue' = ANY(blocking_rules) AS blocks FROM gate_standing WHERE integration_id = $1`,
        [scene.integrationId],
      ),
    ).toEqual([{ blocks: true }]);
  });

  test('decided to the last item it ends, with a hash that proves it for ever', async () => {
    const open = await itemsOf(review.id, '&open=true');
    const keep = (who: typeof risk, items: Item[]) =>
      who('POST', `/api/v1/access-reviews/${review.id}/decisions`, {
        body: { items: items.map(({ id }) => id), decision: 'keep', reason: 'Looked at with the team' },
      });
    const root = await as('root@northwind.example', 'admin');
    const own = open.filter(({ basis, subject }) => basis === 'owner' || subject.name.includes('desk@'));
    const olgas = open.filter((one) => one.credential && !own.includes(one));
    expect((await keep(olga, olgas)).body).toEqual({ decided: olgas.length });
    const owners = own.filter(({ credential }) => credential);
    expect((await keep(vera, owners)).body).toEqual({ decided: owners.length });
    const accounts = open.filter(({ credential }) => !credential);
    const veras = accounts.filter(({ subject }) => subject.name.includes('vera'));
    expect((await keep(root, veras)).body).toEqual({ decided: veras.length });
    const rest = accounts.filter((one) => !veras.includes(one));
    expect((await keep(vera, rest)).body).toEqual({ decided: rest.length });

    const [done] = await reviews();
    expect(done).toMatchObject({
      finishedAt: expect.any(String),
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      overdue: 0,
    });
    expect(done.decided).toBe(done.items);
    const [entry] = await ledger('access-review.finished');
    expect(entry!.body.facts).toMatchObject({ outcome: done.contentHash, removed: done.removed });
    expect(done.removed).toBeGreaterThan(3);
    expect(await overdueFindings()).toEqual([]);
    expect((await alerts('access-review.missed')).every(({ handled }) => handled)).toBe(true);

    const check = () => risk('GET', `/api/v1/access-reviews/${review.id}/check`);
    expect((await check()).body).toEqual({ holds: true, changed: [] });
    await expect(scene.query(`DELETE FROM access_review_item`)).rejects.toThrow(/permission denied/);
    await expect(scene.query(`UPDATE access_review_item SET access = '{view}'`)).rejects.toThrow(
      /permission denied/,
    );
    await scene.query(`UPDATE access_review_item SET decided_by = $2 WHERE id = $1`, [
      olgas[0]!.id,
      users.get('root@northwind.example')!.personId,
    ]);
    expect((await check()).body).toEqual({ holds: false, changed: [olgas[0]!.partId] });
  });

  test('the next month brings the next one', async () => {
    world.clock.advance(31 * ELAPSED_DAY);
    await sweep();
    risk = caller(world, await world.token('vendor_risk'));
    expect((await reviews()).map(({ cause }: { cause: string }) => cause)).toEqual(['monthly', 'monthly']);
  });
});

describe('when something happens', () => {
  const latest = async () => (await reviews())[0];

  test('somebody left: what is theirs is looked at within two business days', async () => {
    const rita = users.get('rita@northwind.example')!;
    const root = await as('root@northwind.example', 'admin');
    expect(
      (await root('POST', `/api/v1/users/${users.get('root@northwind.example')!.userId}/disable`)).status,
    ).toBe(409);
    expect((await root('POST', `/api/v1/users/${rita.userId}/disable`)).status).toBe(204);
    await sweep();
    const review = await latest();
    expect(review).toMatchObject({ cause: 'person_left', subject: 'rita', parts: 1, items: 1 });
    expect(Date.parse(review.dueAt) - world.clock.now()).toBeLessThan(5 * ELAPSED_DAY);
    const [item] = await itemsOf(review.id);
    expect(item).toMatchObject({ role: 'responder', subject: { id: rita.userId, active: false } });
    await sweep();
    expect((await latest()).id).toBe(review.id);
  });

  test('a contact left: the paths, credentials and duties that name it', async () => {
    await scene.query(`UPDATE contact SET active = false WHERE external_key = 'paylane-desk'`);
    await sweep();
    const review = await latest();
    expect(review).toMatchObject({ cause: 'person_left', subject: 'Incident desk' });
    expect((await itemsOf(review.id)).map(({ basis }) => basis).sort()).toEqual(['matrix', 'path']);
  });

  test('a supplier changed its name, and joins no second campaign while that one is open', async () => {
    for (const name of ['Paylane Group', 'Paylane Holding']) {
      await scene.query(`UPDATE party SET name = $1 WHERE external_key = 'paylane'`, [name]);
      await sweep();
    }
    const all = (await reviews()).filter(({ cause }: { cause: string }) => cause === 'party_changed');
    expect(all).toMatchObject([{ subject: 'Paylane Holding', parts: 1 }]);
    expect((await itemsOf(all[0].id)).every(({ credential }) => credential)).toBe(true);
  });

  test('an incident closed: its integrations', async () => {
    const incident = newId();
    await scene.query(
      `INSERT INTO incident (id, reference, title, state, awareness_at, opened_at, correlation_id, updated_at)
       VALUES ($1, 'INC-2026-9009', 'Leaked token', 'contained', $2, $2, 'test', $2)`,
      [incident, world.clock.date()],
    );
    await scene.query(
      `INSERT INTO incident_case (id, reference, incident_id, integration_id, awareness_at, opened_at, updated_at)
       VALUES ($1, 'CAS-2026-9009', $2, $3, $4, $4, $4)`,
      [newId(), incident, scene.integrationId, world.clock.date()],
    );
    await scene.query(`UPDATE incident SET state = 'closed' WHERE id = $1`, [incident]);
    await sweep();
    expect(await latest()).toMatchObject({
      cause: 'incident_closed',
      subject: 'INC-2026-9009 Leaked token',
      parts: 2,
    });
  });

  test('by hand, for a reason, and handed over to somebody else', async () => {
    const open = (body: object) => risk('POST', '/api/v1/access-reviews', { body });
    expect((await open({ riskTier: 4, reason: 'Before the audit' })).status).toBe(400);
    expect((await open({ integrationIds: [newId()], reason: 'Before the audit' })).status).toBe(400);
    expect((await open({ integrationIds: [scene.integrationId], reason: ' ' })).status).toBe(400);
    const { status, body } = await open({
      integrationIds: [scene.integrationId],
      reason: 'Before the audit',
    });
    expect(status).toBe(201);
    const { parts } = (await risk('GET', `/api/v1/access-reviews/${body.id}/parts`)).body;
    const part = parts.find((one: { integration: object | null }) => one.integration);
    const to = (userId: Id) =>
      risk('POST', `/api/v1/access-reviews/${body.id}/parts/${part.id}/reviewer`, {
        body: { userId, reason: 'Holidays' },
      });
    expect((await to(users.get('rita@northwind.example')!.userId)).status).toBe(400);
    expect((await to(users.get('vera@northwind.example')!.userId)).status).toBe(204);
    const [item] = (await itemsOf(body.id, `&part=${part.id}`)).filter(({ basis }) => basis === 'location');
    const decide = (who: typeof risk) =>
      who('POST', `/api/v1/access-reviews/${body.id}/decisions`, {
        body: { items: [item!.id], decision: 'keep', reason: 'Vault' },
      });
    expect((await decide(olga)).body).toMatchObject({ code: 'not-the-reviewer' });
    expect((await decide(vera)).status).toBe(201);
  });
});

/** Waits until the reviewer has a mail with such a subject. */
async function mailed(subject: RegExp): Promise<void> {
  await until(() => {
    world.app.get(Relay).pass();
    return mail.received.some((one) => subject.test(one.subject));
  }, `a mail ${subject}`);
}

async function overdueFindings(): Promise<{ rule: string; message: string; severity: string }[]> {
  const { body } = await caller(world, await world.token('integration_engineer'))(
    'POST',
    `/api/v1/integrations/${scene.integrationId}/gate`,
  );
  return body.findings.filter(({ rule }: { rule: string }) => rule === 'access-review-overdue');
}

/** The task of a removal, once the engine has parked it. */
async function parked(runId: Id): Promise<{ id: Id; forWhat: string }> {
  let found: { id: Id; forWhat: string } | undefined;
  await until(async () => {
    world.app.get(Relay).pass();
    [found] = await scene.query<{ id: Id; forWhat: string }>(
      `SELECT s.id, coalesce(s.for_what, '') AS "forWhat" FROM step s WHERE s.run_id = $1 AND s.state = 'parked'`,
      [runId],
    );
    return found !== undefined;
  }, 'the task waits for a person');
  return found!;
}

describe('what comes to the high tier in the middle of the month', () => {
  const came = async (): Promise<Id> => {
    const id = newId();
    await scene.query(
      `INSERT INTO integration (id, reference, name, risk_tier, state, created_at, updated_at) VALUES ($1, $2, 'Late ledger', 1, 'live', $3, $3)`,
      [id, `INT-2026-${id.slice(-6)}`, world.clock.date()],
    );
    await scene.query(
      `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, created_at, updated_at)
       SELECT $1, $2, $3, 'Late key', 'api_key', party_id, party_id, $4, $4 FROM integration_party WHERE integration_id = $5 LIMIT 1`,
      [newId(), `CRD-2026-${id.slice(-6)}`, id, world.clock.date(), scene.integrationId],
    );
    await scene.query(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) SELECT id, integration_id, name, $2 FROM credential WHERE integration_id = $1`,
      [id, world.clock.date()],
    );
    await scene.query(
      `INSERT INTO credential_holder (credential_id, integration_id, party_id) SELECT id, integration_id, issuer_party_id FROM credential WHERE integration_id = $1`,
      [id],
    );
    return id;
  };
  const monthly = async () => (await reviews()).find(({ cause }: { cause: string }) => cause === 'monthly');
  const partsAbout = (id: Id) =>
    scene.query<{ cause: string; review: Id; part: Id }>(
      `SELECT v.cause, v.id AS review, x.id AS part FROM access_review_part x JOIN access_review v ON v.id = x.review_id WHERE x.integration_id = $1`,
      [id],
    );

  test('joins the campaign that runs, once', async () => {
    await sweep();
    risk = caller(world, await world.token('vendor_risk'));
    const running = await monthly();
    expect(running).toMatchObject({ cause: 'monthly', finishedAt: null });
    const id = await came();
    await sweep();
    await sweep();
    expect(await partsAbout(id)).toMatchObject([{ cause: 'monthly', review: running.id }]);
    const [part] = await partsAbout(id);
    expect((await itemsOf(running.id)).some(({ partId }) => partId === part!.part)).toBe(true);
  });

  test('has one of its own where the campaign of the month has finished', async () => {
    const running = await monthly();
    await scene.query(
      `UPDATE access_review SET finished_at = $2, content_hash = decode(repeat('00', 32), 'hex') WHERE id = $1`,
      [running.id, world.clock.date()],
    );
    const id = await came();
    await sweep();
    await sweep();
    expect(await partsAbout(id)).toMatchObject([{ cause: 'by_hand' }]);
    await scene.query('UPDATE access_review SET finished_at = NULL, content_hash = NULL WHERE id = $1', [
      running.id,
    ]);
    await scene.query(`UPDATE integration SET state = 'retired' WHERE name = 'Late ledger'`);
  });

  test('the page leads on to the parts that it does not show', async () => {
    const running = await monthly();
    await scene.query(
      `INSERT INTO integration (id, reference, name, created_at, updated_at)
       SELECT gen_random_uuid(), 'INT-2027-' || (5000 + n), 'Many ' || n, $1, $1 FROM generate_series(1, 120) n`,
      [world.clock.date()],
    );
    await scene.query(
      `INSERT INTO access_review_part (id, review_id, integration_id, reason_to_keep, zone, remind_at, escalate_at, due_at, items, listed_at)
       SELECT gen_random_uuid(), $1, i.id, false, 'UTC', $2::timestamptz - interval '2 days', $2::timestamptz - interval '1 day', $2, 1, $2 FROM integration i WHERE i.name LIKE 'Many %'`,
      [running.id, new Date(world.clock.now() + 365 * ELAPSED_DAY)],
    );
    const vera = await ConsoleSession.signIn(world, 'vera@northwind.example', PASSWORD);
    const seen = new Set<string>();
    let next: string | undefined = `/access-reviews/${running.reference}`;
    for (let pages = 0; next !== undefined && pages < 5; pages++) {
      const { html } = await vera.page(next);
      for (const [, name] of html.matchAll(/<b>(Many \d+)<\/b>/g)) {
        expect(seen).not.toContain(name);
        seen.add(name!);
      }
      next = /rel="next" href="([^"]*parts=[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen.size).toBe(120);
  });
});
