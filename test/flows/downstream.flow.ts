import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { DownstreamSweep } from '../../src/domain/incidents/downstream.sweep.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { LeakScene, REPORTS_KEY, type SceneCredential } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';

/** What an exposed credential reached is work with owners and ends; what fails afterwards is told apart. */

const PASSWORD = 'correct horse battery staple';
const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let connectionId: Id;
/** Sessions end by the clock, which these tests move. */
const signedIn = () => ConsoleSession.signIn(world, 'rita@operator.example', PASSWORD);

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort] } });
  scene = await LeakScene.set(world);
  await scene.github();
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    { canary: supplier.issue('canary') },
  );
  expectOk(
    await world.app.get(AccessService).createUser(
      {
        email: 'rita@operator.example',
        name: 'Rita',
        roles: ['responder'],
        password: Secret.of(PASSWORD),
      },
      system('test', 'test'),
    ),
  );
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

async function reaches(
  of: SceneCredential,
  o: { name: string; kind: string; partyId: Id; basis?: string; scope?: string },
): Promise<Id> {
  const id = newId();
  await scene.rows(`INSERT INTO system (id, name, kind, party_id, created_at) VALUES ($1, $2, $3, $4, $5)`, [
    id,
    o.name,
    o.kind,
    o.partyId,
    world.clock.date(),
  ]);
  await scene.rows(
    `INSERT INTO credential_system (credential_id, integration_id, system_id, basis, scope) VALUES ($1, $2, $3, $4, $5)`,
    [of.credentialId, of.integrationId, id, o.basis ?? 'entitled', o.scope ?? ''],
  );
  return id;
}

async function reported(of: SceneCredential): Promise<{ id: Id; reference: string }> {
  const repo = `octo/reach-${newId()}`;
  await scene.alert({ number: 1, secret: of.value }, { repo });
  await scene.settled();
  return scene.one(
    `SELECT i.id, i.reference FROM exposure e JOIN incident i ON i.id = e.incident_id WHERE e.external_ref = $1`,
    [`${repo}#1`],
  );
}

interface Item {
  id: Id;
  kind: string;
  system: string;
  basis: string;
  state: string;
  owner: { id: Id };
  credential: object | null;
  incidentId: Id | null;
  overdue: boolean;
}
const itemsOf = async (query: string, token?: string) =>
  (
    (await scene.call('GET', `/api/v1/downstream-items?limit=100${query}`, token ? { token } : {})).body as {
      items: Item[];
    }
  ).items;
const lines = (items: readonly Item[]) => items.map(({ system: name, kind }) => `${name}: ${kind}`).sort();

describe('what an exposed credential reached', () => {
  test('is listed with who looks and until when; each party sees its own; closing waits for it', async () => {
    const integration = await scene.integration('Reaching', { parties: [scene.customerId] });
    const issued = supplier.issue('reaching');
    const of = await scene.credential(integration, {
      authority: 'revoke_now',
      connectionId,
      value: issued.value,
    });
    await reaches(of, { name: 'Ledger', kind: 'database', partyId: scene.customerId, scope: 'ledger:read' });
    await reaches(of, {
      name: 'Deployments',
      kind: 'pipeline',
      partyId: scene.operatorId,
      basis: 'observed',
    });
    const incident = await reported(of);
    await until(async () => (await itemsOf(`&incident=${incident.id}`)).length === 4, 'listed');
    const items = await itemsOf(`&incident=${incident.id}`);
    expect(lines(items)).toEqual([
      'Deployments: bad_writes',
      'Deployments: poisoned_workflows',
      'Deployments: reads',
      'Ledger: reads',
    ]);
    const ledger = items.find(({ system: name }) => name === 'Ledger')!;
    expect(ledger).toMatchObject({ owner: { id: scene.customerId }, basis: 'entitled', state: 'open' });

    const customer = await scene.token('party_contact', scene.customerId);
    const own = await itemsOf('', customer);
    expect(lines(own)).toEqual(['Ledger: reads']);
    expect(own[0]!.incidentId).toBeNull();
    const strange = await scene.token('party_contact', scene.supplierId);
    expect(await itemsOf('', strange)).toEqual([]);
    const settle = (id: Id, body: object, token?: string) =>
      scene.call('POST', `/api/v1/downstream-items/${id}/settle`, { body, ...(token ? { token } : {}) });
    const note = { state: 'done', note: 'the access log has no entry of it' };
    const pipeline = items.find(({ kind }) => kind === 'poisoned_workflows')!;
    expect((await settle(pipeline.id, note, customer)).status).toBe(404);
    expect((await settle(ledger.id, note, strange)).status).toBe(404);
    expect((await settle(ledger.id, { state: 'done', note: '' }, customer)).status).toBe(400);
    expect(await settle(ledger.id, note, customer)).toMatchObject({ status: 200, body: { state: 'done' } });

    // What was said of it stands, until somebody opens it again and says why.
    const reopen = (reason: string, token = customer) =>
      scene.call('POST', `/api/v1/downstream-items/${ledger.id}/reopening`, { token, body: { reason } });
    const other = { state: 'not_doing', note: 'nobody has the time for it' };
    expect(await settle(ledger.id, other)).toMatchObject({ status: 409, body: { code: 'settled' } });
    expect((await reopen(' ')).status).toBe(400);
    expect((await reopen('another log turned up', strange)).status).toBe(404);
    expect(await reopen('another log turned up')).toMatchObject({
      status: 200,
      body: { state: 'open', note: 'another log turned up', settledAt: null },
    });
    expect(await reopen('another log turned up')).toMatchObject({
      status: 409,
      body: { code: 'not-settled' },
    });
    expect(await settle(ledger.id, note, customer)).toMatchObject({ status: 200, body: { state: 'done' } });
    expect(
      await scene.rows(`SELECT kind FROM ledger_entry WHERE body LIKE '%' || $1::text || '%' ORDER BY id`, [
        ledger.id,
      ]),
    ).toEqual(['done', 'reopened', 'done'].map((what) => ({ kind: `downstream.${what}` })));

    await until(
      async () =>
        (
          await scene.rows(`SELECT FROM version_death WHERE version_id = $1 AND liveness = 'dead'`, [
            of.versionId,
          ])
        ).length === 1,
      'proven dead',
    );
    await until(
      async () =>
        (await scene.one<{ state: string }>(`SELECT state FROM incident WHERE id = $1`, [incident.id]))
          .state === 'contained',
      'contained',
    );
    const close = () =>
      scene.call('POST', `/api/v1/incidents/${incident.id}/close`, { body: { reason: 'all is in order' } });
    const refused = await close();
    expect(refused).toMatchObject({ status: 409, body: { code: 'downstream-open' } });
    expect(JSON.stringify(refused.body)).toContain('poisoned workflows in Deployments');

    // Late ones are told of once, and shown as late.
    world.clock.advance(25 * HOUR);
    for (const _ of [1, 2]) await world.app.get(DownstreamSweep).sweep(system('test', 'test'));
    expect(await scene.alerts('incident.downstream-overdue')).toMatchObject([
      { message: expect.stringContaining(incident.reference), occurrences: 1 },
    ]);
    const rita = await signedIn();
    const { html } = await rita.page(`/incidents/${incident.reference}`);
    const part = /<div id="room-reach">(.*?)<div id="room-failures">/s.exec(html)?.[1] ?? '';
    expect(part).toContain('Deployments');
    expect(part).toContain('3 late');

    // The rest is settled by hand on its page, with a reason where nobody looks.
    for (const item of (await itemsOf(`&incident=${incident.id}&state=open`)).toSorted((a, b) =>
      a.kind < b.kind ? -1 : 1,
    )) {
      const path = `/downstream/${item.id}`;
      const blank = await rita.send(path, path, { state: 'not_doing', note: ' ' });
      expect(blank.status).toBe(422);
      const sent = await rita.send(path, path, { state: 'not_doing', note: 'the pipeline was off' });
      expect(sent).toMatchObject({ status: 303, location: path });
    }
    const settled = `/downstream/${pipeline.id}`;
    expect((await rita.page(settled)).html).not.toContain('Say what you found');
    const again = { state: 'done', note: 'all was well' };
    expect((await rita.send(settled, settled, again)).status).toBe(422);
    expect((await rita.send(settled, `${settled}/reopening`, { reason: ' ' })).status).toBe(422);
    expect((await rita.send(settled, `${settled}/reopening`, { reason: 'it was on' })).status).toBe(303);
    expect((await rita.send(settled, settled, again)).status).toBe(303);
    expect((await rita.page(`/downstream?incident=${incident.reference}&show=settled`)).html).toContain(
      'the pipeline was off',
    );
    expect(await close()).toMatchObject({ status: 200 });
    expect(await reopen('a third log turned up')).toMatchObject({
      status: 409,
      body: { code: 'incident-over' },
    });
    const [committed] = await scene.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM ledger_entry WHERE kind LIKE 'downstream.%' AND body::text LIKE '%pipeline was off%'`,
    );
    expect(committed).toEqual({ n: 0 });
  });

  test('is handed to another party, whose own it then is; a listing done twice lists nothing twice', async () => {
    const integration = await scene.integration('Handed over');
    const of = await scene.credential(integration, { authority: 'replace_first' });
    await reaches(of, { name: 'Queue', kind: 'queue', partyId: scene.operatorId, scope: 'publish' });
    const incident = await reported(of);
    await until(async () => (await itemsOf(`&incident=${incident.id}`)).length === 3, 'listed');
    const [first] = await itemsOf(`&incident=${incident.id}`);
    const handed = await scene.call('PATCH', `/api/v1/downstream-items/${first!.id}`, {
      headers: { 'if-match': '"1"' },
      body: { partyId: scene.customerId, dueAt: new Date(world.clock.now() + HOUR).toISOString() },
    });
    expect(handed).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { owner: { id: scene.customerId }, contact: null },
    });
    expect(
      await scene.call('PATCH', `/api/v1/downstream-items/${first!.id}`, {
        headers: { 'if-match': '"1"' },
        body: { partyId: scene.operatorId },
      }),
    ).toMatchObject({ status: 412, body: { code: 'stale-version' } });
    const customer = await scene.token('party_contact', scene.customerId);
    // Of an integration that is not theirs they hear only what concerns them.
    expect((await itemsOf('&state=open', customer)).find(({ id }) => id === first!.id)).toMatchObject({
      system: 'Queue',
      credential: null,
    });
    await reported(of);
    await scene.settled();
    expect(await itemsOf(`&incident=${incident.id}`)).toHaveLength(3);
  });

  test('that was only suspected is listed once somebody says that it is certain', async () => {
    const integration = await scene.integration('Suspected');
    const of = await scene.credential(integration, { authority: 'replace_first' });
    await reaches(of, { name: 'Archive', kind: 'database', partyId: scene.operatorId, scope: 'read' });
    await scene.source({
      key: 'voices',
      kind: 'standard-webhooks',
      keys: [REPORTS_KEY],
    });
    await scene.signed([{ ref: newId(), supplierId: of.supplierId }], { source: 'voices' });
    await scene.settled();
    const { incident_id: id } = await scene.one<{ incident_id: Id }>(
      `SELECT incident_id FROM incident_credential WHERE version_id = $1`,
      [of.versionId],
    );
    expect(await itemsOf(`&incident=${id}`)).toEqual([]);
    const said = await scene.call('POST', `/api/v1/incidents/${id}/instants`, {
      body: {
        kind: 'confirmed',
        at: new Date(world.clock.now()).toISOString(),
        zone: 'UTC',
        basis: 'the supplier confirmed it',
        caseId: null,
      },
    });
    expect(said.status).toBe(201);
    await until(async () => (await itemsOf(`&incident=${id}`)).length === 1, 'listed');
  });
});

describe('what fails after a revocation', () => {
  test('is told apart by what is known: the dead credential, the supplier, our side, one user', async () => {
    const integration = await scene.integration('Failing', { parties: [scene.customerId] });
    const issued = supplier.issue('failing');
    const of = await scene.credential(integration, {
      authority: 'revoke_now',
      connectionId,
      value: issued.value,
    });
    const incident = await reported(of);
    await until(
      async () =>
        (
          await scene.rows(`SELECT FROM version_death WHERE version_id = $1 AND liveness = 'dead'`, [
            of.versionId,
          ])
        ).length === 1,
      'proven dead',
    );
    world.clock.advance(MINUTE);
    const report = (more: object, token?: string) =>
      scene.call('POST', '/api/v1/failures', {
        body: {
          integrationId: integration,
          consumer: 'checkout',
          at: new Date(world.clock.now()).toISOString(),
          ...more,
        },
        ...(token ? { token } : {}),
      });
    const used = { credentialId: of.credentialId, versionId: of.versionId };
    const first = await report({ ...used, status: 401, fallback: 'not_triggered', key: 'alert-1' });
    expect(first).toMatchObject({
      status: 201,
      body: { class: 'authentication', why: expect.stringContaining('was proven dead') },
    });
    const again = await report({ ...used, status: 401, fallback: 'not_triggered', key: 'alert-1' });
    expect(again).toMatchObject({ status: 200, body: { id: (first.body as { id: Id }).id } });
    // Our control canary was accepted a moment ago: the supplier answers, which an answer to the consumer does not contradict.
    expect((await report({ ...used, status: 503 })).body).toMatchObject({
      class: 'unclear',
      why: expect.stringContaining('the supplier answers, and not well'),
    });
    expect((await report({ status: 422, actors: 30, actorsFailing: 1 })).body).toMatchObject({
      class: 'user',
    });
    expect((await report({ status: 500 })).body).toMatchObject({ class: 'unclear' });

    // Three credentials of one supplier at once, and nobody of us has asked: it is theirs.
    const others = await scene.credentials(integration, 3);
    const together = [];
    for (const one of others)
      together.push((await report({ credentialId: one.credentialId, failure: 'timeout' })).body);
    expect(together.map((one) => (one as { class: string }).class)).toEqual([
      'unclear',
      'unclear',
      'supplier',
    ]);
    // No answer, while the same supplier answered us: it is ours.
    expect((await report({ ...used, failure: 'connect' })).body).toMatchObject({ class: 'outage' });

    const { body } = await scene.call('GET', `/api/v1/incidents/${incident.id}/failures`);
    const { failures } = body as { failures: { status: number | null }[] };
    expect(new Set(failures.map(({ status }) => status))).toEqual(new Set([401, null, 422, 500, 503]));
    const customer = await scene.token('party_contact', scene.customerId);
    expect((await report({ status: 500 }, customer)).status).toBe(201);
    const stranger = await scene.token('party_contact', await new RevocationScene(world.app).party());
    expect((await report({ status: 500 }, stranger)).status).toBe(400);
    expect((await report({ status: 500, failure: 'dns' })).status).toBe(400);

    const rita = await signedIn();
    const path = `/incidents/${incident.reference}/failures`;
    const sent = await rita.send(path, path, {
      what: `${integration}:${of.credentialId}:${of.versionId}`,
      consumer: 'nightly export',
      at: new Date(world.clock.now()).toISOString().slice(0, 16),
      status: '403',
      actors: '',
      actorsFailing: '',
      fallback: 'triggered',
      note: '',
    });
    expect(sent).toMatchObject({ status: 303, location: path });
    const { html } = await rita.page(`/incidents/${incident.reference}`);
    const part = /<div id="room-failures">(.*?)<div id="room-cases">/s.exec(html)?.[1] ?? '';
    for (const word of [
      'nightly export',
      'authentication',
      'our outage',
      'a user',
      'did not start',
      'started',
    ])
      expect(part).toContain(word);
    const bad = await rita.send(path, path, { what: '', consumer: '', at: 'x', fallback: 'none', note: '' });
    expect(bad.status).toBe(422);
  });
});
