import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exposedCredentials } from '../../src/console/incidents/room.queries.ts';
import { prepare } from '../../src/domain/exposures/record-reports.ts';
import { ReportsService } from '../../src/domain/exposures/reports.service.ts';
import { ContainmentSweep } from '../../src/domain/incidents/containment.sweep.ts';
import { caseFacts } from '../../src/domain/obligations/case-account.queries.ts';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import { ReprobeVersionJob } from '../../src/domain/revocation/reprobe-version.job.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { ScriptedSupplier, oauth, type Issued } from '../support/scripted-supplier.ts';

/** From the leak to "contained", by proof alone; back when something lives again; closed only when all is answered for. */

const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let connectionId: Id;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort] } });
  scene = await LeakScene.set(world);
  await scene.github();
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    {
      canary: supplier.issue('canary'),
    },
  );
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

let leaks = 0;
async function leaked(
  o: Parameters<LeakScene['credential']>[1] & { byMachine?: boolean; integrationId?: Id },
): Promise<{ credential: SceneCredential; issued: Issued; incidentId: Id }> {
  const issued = supplier.issue(`leak-${(leaks += 1)}`);
  const integration =
    o.integrationId ?? (await scene.integration(`Integration ${leaks}`, { parties: [scene.customerId] }));
  const credential = await scene.credential(integration, {
    authority: 'revoke_now',
    value: issued.value,
    ...(o.byMachine === false ? {} : { connectionId }),
    ...o,
  });
  return { credential, issued, incidentId: await reported(credential) };
}

async function reported(credential: SceneCredential, repo = `octo/leak-${newId()}`, number = 1): Promise<Id> {
  await scene.alert({ number, secret: credential.value }, { repo });
  await scene.settled();
  const row = await scene.one<{ incident_id: Id }>(
    `SELECT incident_id FROM exposure WHERE external_ref = $1`,
    [`${repo}#${number}`],
  );
  return row.incident_id;
}

/** One whose value is in a store of ours: what intake had kept is destroyed once it is contained, and nobody could look. */
async function stored(name: string): Promise<{ credential: SceneCredential; issued: Issued }> {
  const issued = supplier.issue(name);
  const credential = await scene.credential(await scene.integration(name), {
    authority: 'revoke_now',
    value: issued.value,
    connectionId,
  });
  await scene.work(async (db) => {
    const ref = await world.app
      .get(Vault)
      .put(db, `credential_version:${credential.versionId}`, Secret.of(issued.value));
    await db.query(`UPDATE credential_version SET store_ref = $2 WHERE id = $1`, [credential.versionId, ref]);
  });
  return { credential, issued };
}

async function lookedAtAgain(credential: SceneCredential): Promise<void> {
  world.clock.advance(HOUR);
  await world.app.get(ReprobeVersionJob).handle({ versionId: credential.versionId } as never, {
    by: system('test', 'test-correlation'),
    attempt: 1,
    signal: AbortSignal.timeout(20_000),
  });
}

const runsOf = (incidentId: Id) =>
  scene.rows(`SELECT FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation'`, [incidentId]);
const alertsOf = (incidentId: Id) =>
  scene.rows(`SELECT FROM alert WHERE kind = 'incident.came-back' AND subject_id = $1`, [incidentId]);
const dead = async (credential: SceneCredential) =>
  (
    await scene.rows(`SELECT FROM version_death WHERE version_id = $1 AND liveness = 'dead'`, [
      credential.versionId,
    ])
  ).length === 1;

const stateOf = async (incidentId: Id) =>
  (await scene.one<{ state: string }>(`SELECT state FROM incident WHERE id = $1`, [incidentId])).state;
const becomes = (incidentId: Id, state: string) =>
  until(async () => (await stateOf(incidentId)) === state, `${incidentId} ${state}`);
const close = (incidentId: Id) =>
  scene.call('POST', `/api/v1/incidents/${incidentId}/close`, {
    body: { reason: 'everything is answered for' },
  });
const kept = (credential: SceneCredential) =>
  scene.rows(`SELECT FROM sealed_secret WHERE bound_to = $1 AND destroyed_at IS NULL`, [
    `credential_version:${credential.versionId}`,
  ]);

async function statement(kind: 'revoked' | 'sessions_ended', credential: SceneCredential): Promise<void> {
  expectOk(
    await world.app.get(CopiesService).sign(system('test', 'test-correlation'), {
      kind,
      subjectKind: 'credential_version',
      subjectId: credential.versionId,
      signsFor: 'Ada Person, operations',
      text: 'I did it.',
      strength: 'account',
    }),
  );
  await scene.settled();
}

/** What its sessions came to is a statement here: this supplier cannot be asked. */
async function containedByProof(credential: SceneCredential, incidentId: Id): Promise<void> {
  await until(() => dead(credential), 'proven dead');
  await becomes(incidentId, 'contained');
}

describe('an exposed credential', () => {
  test('is revoked with the reported value, proven dead, and the incident contained; the value is destroyed', async () => {
    const { credential, issued, incidentId } = await leaked({});
    await containedByProof(credential, incidentId);
    expect(issued.live).toBe(false);
    expect(supplier.revokesOf(issued.name)).toBe(1);
    const { body: incident } = await scene.call('GET', `/api/v1/incidents/${incidentId}`);
    expect(incident).toMatchObject({
      state: 'contained',
      containedAt: expect.any(String),
      counts: { verifiedDead: 1 },
    });
    const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/cases`);
    expect(body.cases).toMatchObject([{ state: 'contained', containedAt: expect.any(String) }]);
    const { body: instants } = await scene.call('GET', `/api/v1/incidents/${incidentId}/instants`);
    expect(instants.instants.filter((one: { kind: string }) => one.kind === 'contained')).toHaveLength(2);
    expect(await kept(credential)).toEqual([]);
    const stored = await scene.everythingStored();
    expect(stored).not.toContain(credential.value);
  });

  test('can be followed in the log from its delivery to its notice, by one id and without a name or address', async () => {
    const contactId = newId();
    await scene.rows(
      `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at)
       VALUES ($1, $2, 'Sally Customer', 'security', 'sally@customer.example', $3, $3)`,
      [contactId, scene.customerId, world.clock.date()],
    );
    const { credential, incidentId } = await leaked({});
    await containedByProof(credential, incidentId);
    const { trail } = await scene.one<{ trail: string }>(
      `SELECT d.correlation_id AS trail FROM delivery d JOIN exposure e ON e.delivery_id = d.id WHERE e.incident_id = $1`,
      [incidentId],
    );
    type Line = Record<string, unknown>;
    const lines = () =>
      world.log.lines
        .map((line) => JSON.parse(line) as Line)
        .filter((line) => line['correlationId'] === trail);
    const infos = () => lines().filter((line) => line['level'] === 30);
    const attempted = (line: Line) =>
      ['notice.accepted_by_peer', 'notice.attempt_failed'].includes(line['entry'] as string);
    await until(() => infos().some(attempted), 'the notice was attempted, and that was logged');
    for (const expected of [
      { msg: 'answered', route: '/api/v1/intake/:sourceKey' },
      { msg: 'on record', entry: 'delivery.received' },
      { msg: 'on record', entry: 'exposure.accepted' },
      { msg: 'on record', entry: 'incident.opened', id: incidentId },
      { msg: 'on record', entry: 'run.started' },
      {
        msg: 'a step answered',
        action: 'revoke-version',
        answer: 'done',
        attempt: 1,
        ms: expect.any(Number),
      },
      { msg: 'a step answered', action: 'verify-dead', answer: 'done' },
      {
        msg: 'a supplier was asked',
        connection: connectionId,
        kind: 'revoke',
        status: 200,
        ms: expect.any(Number),
      },
      { msg: 'a supplier was asked', kind: 'probe', version: credential.versionId },
      { msg: 'on record', entry: 'notice.owed' },
    ]) {
      expect(infos()).toContainEqual(expect.objectContaining(expected));
    }
    const text = lines()
      .map((line) => JSON.stringify(line))
      .join('\n');
    for (const hidden of [credential.value, 'Sally', 'customer.example', 'Customer SA', supplier.hostPort])
      expect(text).not.toContain(hidden);
    await scene.rows(`UPDATE contact SET active = false WHERE id = $1`, [contactId]);
  });

  test('keeps its incident open while one of its copies is not shown to be gone', async () => {
    const integrationId = await scene.integration('With a copy');
    const location = newId();
    const withCopy = await scene.credential(integrationId, {
      authority: 'revoke_now',
      connectionId,
      value: supplier.issue('copied').value,
    });
    await scene.rows(
      `INSERT INTO location (id, credential_id, integration_id, kind, name, party_id, provable, created_at, updated_at)
       VALUES ($1, $2, $3, 'ci_variable', 'A copy', $4, 'owner_statement', $5, $5)`,
      [location, withCopy.credentialId, withCopy.integrationId, scene.operatorId, world.clock.date()],
    );
    const incidentId = await reported(withCopy);
    await until(() => dead(withCopy), 'proven dead');
    await scene.settled();
    expect(await stateOf(incidentId)).toBe('containing');
    const refused = await close(incidentId);
    expect(refused).toMatchObject({ status: 409, body: { code: 'not-contained' } });
    expect(JSON.stringify(refused.body)).toContain('A copy');
    expectOk(
      await world.app.get(CopiesService).sign(system('test', 'test-correlation'), {
        kind: 'copy_gone',
        subjectKind: 'location',
        subjectId: location,
        versionId: withCopy.versionId,
        signsFor: 'Ada Person, operations',
        text: 'The variable is deleted.',
        strength: 'account',
      }),
    );
    await becomes(incidentId, 'contained');
  });

  test('that is accepted again brings its incident back, with a run of its own', async () => {
    const { credential, issued } = await stored('stored');
    const incidentId = await reported(credential);
    await containedByProof(credential, incidentId);
    issued.live = true;
    await lookedAtAgain(credential);
    await until(async () => (await runsOf(incidentId)).length === 2, 'a second run');
    await until(() => issued.live === false, 'revoked again');
    await becomes(incidentId, 'contained');
    const moves = await scene.rows<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 AND kind IN ('incident.containing', 'incident.contained') ORDER BY id`,
      [incidentId],
    );
    expect(moves.map((move) => move.kind)).toEqual([
      'incident.containing',
      'incident.contained',
      'incident.containing',
      'incident.contained',
    ]);
    expect(await alertsOf(incidentId)).toHaveLength(1);
  });

  test('that was proven dead before it leaked once more is proven anew: the old proof contains nothing', async () => {
    const { credential } = await stored('leaked twice');
    const first = await reported(credential);
    await containedByProof(credential, first);
    expect(await close(first)).toMatchObject({ status: 200 });
    world.clock.advance(HOUR);
    let letThrough = () => {};
    const held = new Promise<void>((resolve) => (letThrough = resolve));
    supplier.onRequest = () => held;
    try {
      await scene.alert({ number: 2, secret: credential.value }, { repo: `octo/leak-${newId()}` });
      const open = () =>
        scene.rows<{ id: Id }>(
          `SELECT i.id FROM incident i JOIN incident_credential x ON x.incident_id = i.id
            WHERE x.version_id = $1 AND i.state = 'containing'`,
          [credential.versionId],
        );
      await until(async () => (await open()).length === 1, 'a second incident');
      const [{ id: second }] = (await open()) as [{ id: Id }];
      await until(
        async () =>
          (
            await scene.rows(
              `SELECT FROM step s JOIN run r ON r.id = s.run_id WHERE r.subject_id = $1 AND s.state = 'done'`,
              [second],
            )
          ).length > 0,
        'it need not be revoked',
      );
      await world.app.get(ContainmentSweep).sweep(system('test', 'test-correlation'));
      expect(await stateOf(second)).toBe('containing');
      const verifiedDead = async (incidentId: Id) =>
        (await scene.call('GET', `/api/v1/incidents/${incidentId}`)).body.counts.verifiedDead;
      expect([await verifiedDead(first), await verifiedDead(second)]).toEqual([1, 0]);
      const [shown] = await scene.work((db) =>
        exposedCredentials(db, second, world.clock.now(), { limit: 10 }),
      );
      expect(shown).toMatchObject({ liveness: 'dead', standing: 'unproven' });
      const [{ id: caseId }] = (await scene.rows<{ id: Id }>(
        `SELECT id FROM incident_case WHERE incident_id = $1`,
        [second],
      )) as [{ id: Id }];
      const account = async () => (await scene.work((db) => caseFacts(db, caseId, newId())))!.facts;
      expect(await account()).toMatchObject({ count: 1, dead: 0, credentials: [{ state: 'revoked' }] });
      const refused = await close(second);
      expect(refused).toMatchObject({ status: 409, body: { code: 'not-contained' } });
      expect(JSON.stringify(refused.body)).toContain('nobody has looked since');
      letThrough();
      await becomes(second, 'contained');
      expect(await verifiedDead(second)).toBe(1);
      expect(await account()).toMatchObject({ dead: 1, credentials: [{ state: 'dead' }] });
    } finally {
      letThrough();
      supplier.onRequest = () => {};
    }
  });

  test('that is accepted again is taken up again, while its incident is still at work on another one', async () => {
    const { credential, issued } = await stored('stored beside another');
    const byHand = await scene.credential(await scene.integration('By hand'), {
      authority: 'revoke_now',
      value: supplier.issue('by hand').value,
    });
    const repo = `octo/two-${newId()}`;
    const incidentId = await reported(byHand, repo, 1);
    expect(await reported(credential, repo, 2)).toBe(incidentId);
    await until(() => dead(credential), 'proven dead');
    await scene.settled();
    expect(await stateOf(incidentId)).toBe('containing');
    const before = (await runsOf(incidentId)).length;

    issued.live = true;
    await lookedAtAgain(credential);
    await until(async () => (await runsOf(incidentId)).length === before + 1, 'a run of its own');
    await until(() => issued.live === false, 'revoked again');
    await until(() => dead(credential), 'proven dead again');
    expect(await alertsOf(incidentId)).toHaveLength(1);
    expect(await stateOf(incidentId)).toBe('containing');
    await scene.settled();
    expect(await runsOf(incidentId)).toHaveLength(before + 1);
  });
});

describe('closing', () => {
  test('is refused while anything is unproven and unanswered for; a statement answers', async () => {
    const { credential, incidentId } = await leaked({ byMachine: false });
    const refused = await close(incidentId);
    expect(refused).toMatchObject({ status: 409, body: { code: 'not-contained' } });
    expect(JSON.stringify(refused.body)).toContain('cannot be proven');
    await statement('revoked', credential);
    expect((await close(incidentId)).status).toBe(409); // its sessions
    await statement('sessions_ended', credential);
    expect(await stateOf(incidentId)).toBe('containing'); // said, not proven
    expect(await close(incidentId)).toMatchObject({ status: 200, body: { state: 'closed' } });
    const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/cases`);
    expect(body.cases).toMatchObject([{ state: 'closed' }]);

    // The same credential leaks again: a new incident that names the old one.
    const next = await reported(credential);
    expect(next).not.toBe(incidentId);
    expect((await scene.call('GET', `/api/v1/incidents/${next}`)).body).toMatchObject({
      previousIncidentId: incidentId,
    });
  });

  test('goes by way of recovery, and nowhere else', async () => {
    const { credential, incidentId } = await leaked({});
    const recover = () =>
      scene.call('POST', `/api/v1/incidents/${incidentId}/recover`, { body: { reason: 'back in order' } });
    await containedByProof(credential, incidentId);
    expect(await recover()).toMatchObject({ status: 200, body: { state: 'recovering' } });
    expect(await recover()).toMatchObject({ status: 409, body: { code: 'wrong-state' } });
    expect(await close(incidentId)).toMatchObject({ status: 200, body: { state: 'closed' } });
    expect((await close(incidentId)).status).toBe(409);
  });
});

test('a further place, told before the value was matched, does not part the leak from its value', async () => {
  const issued = supplier.issue('parted');
  const integration = await scene.integration('Parted', { parties: [scene.customerId] });
  const credential = await scene.credential(integration, {
    authority: 'revoke_now',
    value: issued.value,
    connectionId,
  });
  const ref = `octo/parted-${newId()}#1`;
  const source = await scene.one<{ id: Id }>(`SELECT id FROM source WHERE key = 'github'`, []);
  const told = (value: Secret | null) => ({
    batchId: newId(),
    deliveryId: null,
    reporter: {
      kind: 'source' as const,
      id: source.id,
      sourceId: source.id,
      partyId: null,
      trust: 'act' as const,
    },
    reports: prepare([{ externalRef: ref, value, foundAt: [] }], world.app.get(Keys).peppers()),
    fetchable: true,
    by: system('test', 'test'),
    now: world.clock.now(),
  });
  const reports = world.app.get(ReportsService);
  await world.app.get(Transactions).run(system('test', 'test'), async (db) => {
    await reports.file(db, told(Secret.of(issued.value)));
    await reports.file(db, told(null));
  });
  await scene.settled();
  const row = await scene.one<{ incident_id: Id; match: string }>(
    `SELECT incident_id, match FROM exposure WHERE external_ref = $1`,
    [ref],
  );
  expect(row.match).toBe('value');
  await becomes(row.incident_id, 'contained');
  expect(
    await scene.one(`SELECT liveness FROM version_death WHERE version_id = $1`, [credential.versionId]),
  ).toEqual({
    liveness: 'dead',
  });
});

test('an incident that was none is dismissed by two people, and what it had begun stops', async () => {
  const { credential, incidentId } = await leaked({ authority: 'approve_within', minutes: 30 });
  const dismiss = async (role: 'admin' | 'responder') =>
    scene.call('POST', `/api/v1/incidents/${incidentId}/dismiss`, {
      token: await scene.token(role),
      body: { reason: 'a rehearsal' },
    });
  expect(await dismiss('admin')).toMatchObject({ status: 200, body: { state: 'containing' } });
  expect(await dismiss('admin')).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
  expect(await dismiss('responder')).toMatchObject({ status: 200, body: { state: 'dismissed' } });
  await scene.settled();
  const runs = await scene.rows<{ state: string }>(
    `SELECT state FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation'`,
    [incidentId],
  );
  expect(runs).toEqual([{ state: 'cancelled' }]);
  expect(await kept(credential)).toEqual([]);
  expect(
    await scene.rows(`SELECT FROM incident_credential WHERE incident_id = $1 AND open`, [incidentId]),
  ).toEqual([]);
});

test('one that acted is closed, never dismissed', async () => {
  const { credential, incidentId } = await leaked({});
  await containedByProof(credential, incidentId);
  const answer = await scene.call('POST', `/api/v1/incidents/${incidentId}/dismiss`, {
    body: { reason: 'a rehearsal' },
  });
  expect(answer).toMatchObject({ status: 409, body: { code: 'already-acted' } });
});

test('instants are added, never edited; a dispute stands beside what it disputes', async () => {
  const { incidentId } = await leaked({ authority: 'approve_within', minutes: 30 });
  const assertIt = (body: object) => scene.call('POST', `/api/v1/incidents/${incidentId}/instants`, { body });
  const known = (await scene.call('GET', `/api/v1/incidents/${incidentId}/instants`)).body.instants as {
    id: Id;
    kind: string;
  }[];
  const received = known.find((one) => one.kind === 'received')!;
  const dispute = {
    kind: 'received',
    at: '2026-11-01T10:00:00+01:00',
    zone: 'Europe/Berlin',
    basis: 'the mail of that morning',
    disputesId: received.id,
  };
  expect(await assertIt(dispute)).toMatchObject({ status: 201 });
  const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/instants`);
  expect(body.instants).toEqual(
    expect.arrayContaining([
      expect.objectContaining(received),
      expect.objectContaining({
        disputesId: received.id,
        at: '2026-11-01T09:00:00.000Z',
        zone: 'Europe/Berlin',
      }),
    ]),
  );
  expect(await assertIt({ ...dispute, kind: 'occurred' })).toMatchObject({ status: 400 });
  expect(await assertIt({ ...dispute, at: '2026-11-01T10:00:00' })).toMatchObject({ status: 400 });
});
