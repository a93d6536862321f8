import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { DrillsService } from '../../src/domain/revocation/drills.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { ELAPSED_DAY, HOUR, MINUTE } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { acknowledgeLink } from '../support/acknowledge.ts';
import { MailServer } from '../support/mail-server.ts';
import { member } from '../support/matrix-scene.ts';
import { caller } from '../support/portfolio.ts';
import { BY, RevocationScene, type KnownVersion } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier, slack } from '../support/scripted-supplier.ts';

/** A path is tried on a canary, by the reconciler alone, and what came of it is what stoppers and gate count on. */

const supplier = new ScriptedSupplier(datadog);
let mail: MailServer;
let world: TestApp;
let scene: RevocationScene;
let responder: ReturnType<typeof caller>;
let admin: ReturnType<typeof caller>;
let partyId: Id;

beforeAll(async () => {
  await supplier.start();
  mail = await MailServer.start();
  world = await startApp({
    config: { outboundAllow: [supplier.hostPort, mail.host], queue: 'off', smtpUrl: `smtp://${mail.host}` },
  });
  scene = new RevocationScene(world.app);
  responder = caller(world, await world.token('responder'));
  admin = caller(world, await world.token('admin'));
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
  await mail.close();
});
beforeEach(() => void supplier.faults.splice(0));

let number = 0;
/** A credential with one path: a connection to the supplier, or a contact. */
async function known(way: { connection?: Id; contact?: Id }): Promise<KnownVersion & { pathId: Id }> {
  number += 1;
  const version = await scene.version(partyId, null, supplier.issue(`real-${number}`));
  const pathId = newId();
  await scene.query(
    `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, contact_id, party_id)
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7)`,
    [
      pathId,
      version.credentialId,
      version.integrationId,
      way.connection ? 'connector' : 'contact',
      way.connection ?? null,
      way.contact ?? null,
      partyId,
    ],
  );
  return { ...version, pathId };
}
const connection = () =>
  scene.connection(partyId, 'datadog', supplier, { canary: supplier.issue('control') });
async function canary(connectionId: Id, name = `canary-${newId().slice(-6)}`) {
  const issued = supplier.issue(name);
  const body = { label: name, supplierId: issued.id, value: issued.value };
  const answer = await admin('POST', `/api/v1/connections/${connectionId}/canaries`, { body });
  return { issued, answer };
}
const drill = (pathId: Id) => responder('POST', `/api/v1/revocation-paths/${pathId}/drills`);
async function ended(drillId: Id, step = 250) {
  // oxlint-disable-next-line typescript/no-explicit-any -- what an answer holds is what the test is about
  let body: Record<string, any> = {};
  await until(async () => {
    world.clock.advance(step);
    body = (await responder('GET', `/api/v1/drills/${drillId}`)).body;
    return body['endedAt'] !== null;
  }, `drill ${drillId} to end`);
  return body;
}
async function stopper(of: KnownVersion) {
  const { body } = await responder('GET', `/api/v1/stoppers?integrationId=${of.integrationId}`);
  return body.credentials[0];
}
async function untried(of: KnownVersion): Promise<string[]> {
  const looked = await scene.transactions.run(BY, (db) =>
    world.app.get(GateService).look(db, of.integrationId),
  );
  return looked!.evaluation.findings
    .filter(({ rule }) => rule === 'untried-stop-path')
    .map((one) => one.message);
}

describe('a path by machine', () => {
  test('is refused where nothing is known that may be killed, and says what to do', async () => {
    const { pathId } = await known({ connection: await connection() });
    const { status, body } = await drill(pathId);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      type: expect.stringContaining('no-canary'),
      detail: expect.stringMatching(/No canary is ready for datadog.*record it/),
    });
    expect(await scene.query(`SELECT FROM drill WHERE revocation_path_id = $1`, [pathId])).toEqual([]);
    expect(await scene.query(`SELECT FROM run WHERE subject_id = $1`, [pathId])).toEqual([]);
  });

  test('kills the canary and nothing else, and its time is what stoppers and gate count on', async () => {
    const connectionId = await connection();
    const one = await known({ connection: connectionId });
    expect((await canary(connectionId, 'killed')).answer.status).toBe(201);
    expect(await stopper(one)).toMatchObject({ state: 'unproven', stoppers: [{ standing: 'untried' }] });
    expect(await untried(one)).toHaveLength(1);
    // The revoke takes seven minutes to be answered.
    supplier.onRequest = ({ kind, name }) => {
      if (kind === 'revoke' && name === 'killed') world.clock.advance(7 * MINUTE);
    };
    const { status, body } = await drill(one.pathId);
    expect(status).toBe(202);
    const over = await ended(body.drillId);
    supplier.onRequest = () => {};
    expect(over).toMatchObject({
      outcome: 'passed',
      canary: 'killed',
      why: expect.stringContaining('while the control canary was accepted'),
    });
    expect(
      over['evidence'].map((line: { kind: string; outcome: string }) => `${line.kind} ${line.outcome}`),
    ).toEqual(['probe live', 'revoke accepted', 'control live', 'probe dead']);
    expect(supplier.byId(supplier.issued.find(({ name }) => name === 'killed')!.id)!.live).toBe(false);
    expect(
      supplier.issued
        .filter(({ name }) => name.startsWith('real') || name === 'control')
        .every(({ live }) => live),
    ).toBe(true);
    expect(await stopper(one)).toMatchObject({
      state: 'proven',
      stoppers: [
        { standing: 'proven', measured: true, expectedMinutes: 8, lastDrill: { outcome: 'passed' } },
      ],
    });
    expect(await untried(one)).toEqual([]);
    // Its value is gone, and it serves no second drill.
    expect(await scene.query(`SELECT state, value_ref FROM canary WHERE label = 'killed'`)).toEqual([
      { state: 'used', value_ref: null },
    ]);
    expect((await drill(one.pathId)).status).toBe(409);
    const ledger = await scene.query<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY id`,
      [body.drillId],
    );
    expect(ledger.map(({ kind }) => kind)).toEqual(['drill.started', 'drill.passed']);
  });

  test('fails, is told and counts as no path when the supplier only says yes', async () => {
    const connectionId = await connection();
    const one = await known({ connection: connectionId });
    await canary(connectionId);
    supplier.goesWrong('lying', 'revoke');
    const over = await ended((await drill(one.pathId)).body.drillId, 20_000);
    expect(over).toMatchObject({ outcome: 'failed', why: expect.stringContaining('accepted it') });
    expect(await stopper(one)).toMatchObject({ stoppers: [{ standing: 'drill_failed' }] });
    expect(await untried(one)).toEqual([expect.stringContaining('failed the last time')]);
    expect(await scene.query(`SELECT severity FROM alert WHERE subject_id = $1`, [one.pathId])).toEqual([
      { severity: 'critical' },
    ]);
  });

  test('is void where its canary was dead before: that one is set aside with an alert, and the path stands as it did', async () => {
    const connectionId = await connection();
    const one = await known({ connection: connectionId });
    const { issued } = await canary(connectionId);
    issued.live = false;
    const over = await ended((await drill(one.pathId)).body.drillId);
    expect(over).toMatchObject({
      outcome: 'cancelled',
      counts: false,
      why: expect.stringContaining('void: canary not alive'),
    });
    expect(supplier.revokesOf(issued.name)).toBe(0);
    expect(await stopper(one)).toMatchObject({ stoppers: [{ standing: 'untried', lastDrill: null }] });
    expect(await scene.query(`SELECT state, value_ref FROM canary WHERE label = $1`, [issued.name])).toEqual([
      { state: 'withdrawn', value_ref: null },
    ]);
    expect(await scene.query(`SELECT kind, severity FROM alert WHERE subject_id = $1`, [one.pathId])).toEqual(
      [{ kind: 'drill.canary-dead', severity: 'warning' }],
    );
    // What a good canary proved is not undone by a bad one.
    await canary(connectionId);
    expect(await ended((await drill(one.pathId)).body.drillId)).toMatchObject({ outcome: 'passed' });
    (await canary(connectionId)).issued.live = false;
    expect(await ended((await drill(one.pathId)).body.drillId)).toMatchObject({ outcome: 'cancelled' });
    expect(await stopper(one)).toMatchObject({ state: 'proven', stoppers: [{ standing: 'proven' }] });
  });

  test('says beforehand what stands in the way, as starting it would', async () => {
    const obstacles = (pathId: Id) =>
      world.app.get(Transactions).run(BY, (db) => world.app.get(DrillsService).obstacles(db, pathId));
    const connectionId = await connection();
    const { pathId } = await known({ connection: connectionId });
    expect((await obstacles(pathId))!.drill).toBe((await drill(pathId)).body.detail);
    await canary(connectionId);
    expect(await obstacles(pathId)).toEqual({ drill: null, 'rotation-drill': null });
    // One that makes no credentials by machine.
    const slacking = await scene.connection(
      partyId,
      'slack',
      { ...supplier, baseUrl: supplier.baseUrl, dialect: slack },
      { canary: null },
    );
    const other = await known({ connection: slacking });
    await canary(slacking);
    expect(await obstacles(other.pathId)).toEqual({
      drill: null,
      'rotation-drill': expect.stringContaining('cannot make a new credential beside the old one'),
    });
    expect(await obstacles((await known({ contact: await contact('Pia') })).pathId)).toBeUndefined();
  });

  test('has each canary once at a connection, by its id and by its value', async () => {
    const [here, there] = [await connection(), await connection()];
    const { issued, answer } = await canary(here);
    const add = (connectionId: Id, body: object) =>
      admin('POST', `/api/v1/connections/${connectionId}/canaries`, { body: { label: 'again', ...body } });
    for (const [body, field] of [
      [{ supplierId: issued.id }, '/supplierId'],
      [{ value: issued.value }, '/value'],
      [{ supplierId: 'another', value: issued.value }, '/value'],
    ] as const)
      expect(await add(here, body)).toMatchObject({
        status: 409,
        body: { code: 'canary-known', errors: [{ field }] },
      });
    expect((await add(here, { supplierId: 'another', value: `${issued.value}-2` })).status).toBe(201);
    expect((await add(there, { supplierId: issued.id })).status).toBe(201);
    await admin('DELETE', `/api/v1/connections/${here}/canaries/${answer.body.id}`);
    expect((await add(here, { supplierId: issued.id, value: issued.value })).status).toBe(201);
  });

  test('passes although the answer to the revoke was lost', async () => {
    const connectionId = await connection();
    const one = await known({ connection: connectionId });
    const { issued } = await canary(connectionId);
    supplier.goesWrong('lost', 'revoke', 1);
    expect(await ended((await drill(one.pathId)).body.drillId)).toMatchObject({ outcome: 'passed' });
    expect(supplier.revokesOf(issued.name)).toBe(1);
  });

  test('runs at the sandbox that the connection names', async () => {
    const [production, sandbox] = [await connection(), await connection()];
    const one = await known({ connection: production });
    const named = await admin('PUT', `/api/v1/connections/${production}/sandbox`, {
      body: { sandboxConnectionId: sandbox },
    });
    expect(named.status).toBe(204);
    expect((await drill(one.pathId)).body.detail).toContain(sandbox);
    await canary(sandbox);
    expect(await ended((await drill(one.pathId)).body.drillId)).toMatchObject({ outcome: 'passed' });
    const other = await scene.connection(
      partyId,
      'slack',
      { ...supplier, baseUrl: supplier.baseUrl, dialect: slack },
      { canary: null },
    );
    expect(
      (
        await admin('PUT', `/api/v1/connections/${production}/sandbox`, {
          body: { sandboxConnectionId: other },
        })
      ).status,
    ).toBe(400);
  });

  test('never takes what somebody uses for a canary', async () => {
    const connectionId = await connection();
    await known({ connection: connectionId });
    const real = supplier.issued.findLast(({ name }) => name.startsWith('real'))!;
    const add = (body: object) => admin('POST', `/api/v1/connections/${connectionId}/canaries`, { body });
    expect((await add({ label: 'x', supplierId: real.id })).body).toMatchObject({
      type: expect.stringContaining('canary-is-real'),
    });
    const control = supplier.issued.findLast(({ name }) => name === 'control')!;
    expect((await add({ label: 'x', value: control.value })).body).toMatchObject({
      type: expect.stringContaining('canary-is-the-control'),
    });
    expect((await add({ label: 'x' })).status).toBe(400);
    // What became a credential after it was recorded is not killed either.
    const one = await known({ connection: connectionId });
    const { issued } = await canary(connectionId);
    await scene.query(`UPDATE credential_version SET supplier_id = $2 WHERE id = $1`, [
      one.versionId,
      issued.id,
    ]);
    expect((await drill(one.pathId)).body).toMatchObject({ type: expect.stringContaining('canary-is-real') });
    expect(issued.live).toBe(true);
  });

  test('is tried by whoever may start runs, once at a time, and ends with its run', async () => {
    const connectionId = await connection();
    const one = await known({ connection: connectionId });
    await canary(connectionId);
    const vendorRisk = caller(world, await world.token('auditor'));
    expect((await vendorRisk('POST', `/api/v1/revocation-paths/${one.pathId}/drills`)).status).toBe(403);
    supplier.goesWrong('too_many', 'probe');
    const { body } = await drill(one.pathId);
    expect((await drill(one.pathId)).body).toMatchObject({
      type: expect.stringContaining('drill-under-way'),
    });
    await responder('POST', `/api/v1/runs/${body.runId}/cancel`, { body: { reason: 'changed our minds' } });
    expect(await ended(body.drillId)).toMatchObject({ outcome: 'cancelled' });
    expect(await stopper(one)).toMatchObject({ stoppers: [{ standing: 'untried' }] });
  });
});

async function contact(name: string): Promise<Id> {
  const id = newId();
  await scene.query(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, $3, 'on_call', $4, $5, $5)`,
    [id, partyId, name, `${name.toLowerCase()}@example.test`, world.clock.date()],
  );
  return id;
}
const mailTo = async (name: string) => {
  await until(() => mail.received.some(({ to }) => to.includes(`${name}@example.test`)), `a mail to ${name}`);
  return mail.received.find(({ to }) => to.includes(`${name}@example.test`))!;
};

describe('a path that ends at a person', () => {
  test('is proven by their answer, and their minutes are measured', async () => {
    const one = await known({ contact: await contact('Piet') });
    const { body } = await drill(one.pathId);
    const { text, subject } = await mailTo('piet');
    expect(subject).toContain('drill');
    expect(text).toContain('Nothing has leaked');
    world.clock.advance(42 * MINUTE);
    await acknowledgeLink(world, text, 'Piet de Boer');
    const over = await ended(body.drillId, 0);
    expect(over).toMatchObject({ kind: 'contact', outcome: 'passed', label: 'Piet' });
    expect(over['seconds'] / 60).toBeGreaterThanOrEqual(42);
    expect(await stopper(one)).toMatchObject({
      state: 'proven',
      stoppers: [{ measured: true, standing: 'proven' }],
    });
    expect(await untried(one)).toEqual([]);
  });

  test('fails when nobody answers within the day, whatever comes later', async () => {
    const one = await known({ contact: await contact('Silent') });
    const { body } = await drill(one.pathId);
    const { text } = await mailTo('silent');
    world.clock.advance(ELAPSED_DAY + HOUR);
    expect(await ended(body.drillId)).toMatchObject({ outcome: 'failed', why: 'nobody answered in time' });
    await acknowledgeLink(world, text, 'Silent');
    expect((await responder('GET', `/api/v1/drills/${body.drillId}`)).body).toMatchObject({
      outcome: 'failed',
    });
  });
});

describe('a contact who is asked to confirm', () => {
  test('is fresh from their answer on, and asked once a day at most', async () => {
    const one = await known({ contact: await contact('Fenna') });
    const contactId = (await scene.query<{ id: Id }>(`SELECT id FROM contact WHERE name = 'Fenna'`))[0]!.id;
    const ask = () =>
      responder('POST', `/api/v1/integrations/${one.integrationId}/contacts/${contactId}/confirmations`);
    expect((await ask()).status).toBe(404);
    await scene.transactions.run(BY, (db) => member(db, one.integrationId, partyId, 'supplier'));
    const reach = async () => (await stopper(one)).stoppers[0].reach.state;
    expect(await reach()).toBe('unconfirmed');
    expect((await ask()).status).toBe(202);
    expect((await ask()).body).toMatchObject({ type: expect.stringContaining('asked-lately') });
    const { text } = await mailTo('fenna');
    expect(text).toContain('somebody who is called');
    expect(await reach()).toBe('unconfirmed');
    world.clock.advance(HOUR);
    await acknowledgeLink(world, text, 'Fenna Visser');
    await until(async () => (await reach()) === 'reachable', 'the confirmation to count');
    expect(
      await scene.query(`SELECT confirmed_at = $2 AS now FROM contact_confirmation WHERE contact_id = $1`, [
        contactId,
        world.clock.date(),
      ]),
    ).toEqual([{ now: true }]);
    const ledger = await scene.query<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY id`,
      [contactId],
    );
    expect(ledger.map(({ kind }) => kind)).toEqual(['contact.asked-to-confirm', 'contact.confirmed']);
  });
});
