import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { newId } from '../../src/kernel/ids.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene, REPORTS_KEY } from '../support/leak-scene.ts';

let world: TestApp;
let scene: LeakScene;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'github', kind: 'github', keys: [GITHUB_KEY] });
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterAll(() => world.close());

describe('one leak, one incident', () => {
  test('a value that matches: incident, case, frozen agreement, notice owed, one run', async () => {
    const integration = await scene.integration('Shop', { parties: [scene.customerId] });
    const credential = await scene.credential(integration, { authority: 'revoke_now', risk: 900 });
    const repo = scene.place();
    await scene.alert(
      { number: 1, secret: `${credential.value}\n`, created_at: '2026-11-20T00:00:00Z' },
      { repo },
    );
    await scene.settled();
    const exposure = await scene.exposureOf(`${repo}#1`);
    expect(exposure).toMatchObject({ state: 'accepted', match: 'value', version_id: credential.versionId });
    const { body: incident } = await scene.call('GET', `/api/v1/incidents/${exposure.incident_id}`);
    expect(incident).toMatchObject({
      reference: expect.stringMatching(/^INC-\d{4}-\d{4}$/),
      state: 'containing',
      severity: 'high',
      title: expect.stringContaining(`github:${repo}`),
      counts: { exposures: 1, credentials: 1, cases: 1, verifiedDead: 0 },
    });
    const { body: exposed } = await scene.call('GET', `/api/v1/incidents/${incident.id}/credentials`);
    expect(exposed.credentials).toMatchObject([
      {
        versionId: credential.versionId,
        match: 'value',
        authority: 'revoke_now',
        mayAct: 'act',
        liveness: null,
      },
    ]);
    const { body: cases } = await scene.call('GET', `/api/v1/incidents/${incident.id}/cases`);
    expect(cases.cases).toMatchObject([
      { integrationId: integration, state: 'open', agreementVersionId: expect.any(String) },
    ]);
    const { body: instants } = await scene.call('GET', `/api/v1/incidents/${incident.id}/instants`);
    const kinds = instants.instants
      .filter((one: { caseId: string | null }) => one.caseId === null)
      .map((one: { kind: string }) => one.kind);
    expect(kinds.toSorted()).toEqual(['confirmed', 'detected', 'matched', 'received', 'suspected']);
    expect(
      await scene.rows(`SELECT subject_id, obligation, facts FROM notice WHERE subject_id = $1`, [
        cases.cases[0].id,
      ]),
    ).toMatchObject([
      {
        obligation: 'required',
        facts: {
          credentials: [{ state: 'not yet known' }],
          unknown: ['began', 'use', 'liveness'],
          updateWithinHours: 12,
        },
      },
    ]);
    const runs = await scene.rows<{ runbook: string }>(
      `SELECT runbook FROM run WHERE subject_id = $1 ORDER BY runbook`,
      [incident.id],
    );
    expect(runs.map((run) => run.runbook)).toEqual(['emergency-revocation', 'notification']);
  });

  test('a second witness joins, by value, by hash, by place; no second run', async () => {
    const integration = await scene.integration('Witnessed');
    const [credential, neighbour] = await scene.credentials(integration, 2);
    const repo = scene.place();
    await scene.alert({ number: 1, secret: credential!.value }, { repo });
    await scene.settled();
    await scene.signed([
      { ref: `again-${repo}`, sha256: createHash('sha256').update(credential!.value).digest('hex') },
    ]);
    await scene.alert({ number: 2, secret: neighbour!.value }, { repo });
    await scene.settled();
    const first = await scene.exposureOf(`${repo}#1`);
    expect((await scene.exposureOf(`again-${repo}`)).incident_id).toBe(first.incident_id);
    expect((await scene.exposureOf(`${repo}#2`)).incident_id).toBe(first.incident_id);
    const runs = await scene.rows(
      `SELECT FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation'`,
      [first.incident_id],
    );
    expect(runs).toHaveLength(2); // one for each credential, none for the witness
  });

  test('who subscribed hears that it is compromised as soon as it is certain, once for each credential', async () => {
    const integration = await scene.integration('Heard of', { parties: [scene.customerId] });
    const [first, second] = await scene.credentials(integration, 2);
    const token = await scene.token('party_contact', scene.customerId);
    const made = await scene.call('POST', '/api/v1/ssf/streams', {
      token,
      body: { delivery: { method: 'urn:ietf:rfc:8936' }, description: 'What leaks' },
    });
    expect(made.status).toBe(201);
    const told = async () => {
      const rows = await scene.rows<{ credential_id: string }>(
        `SELECT credential_id FROM subscription_delivery WHERE type = 'credential.compromised' AND credential_id = ANY ($1)`,
        [[first!.credentialId, second!.credentialId]],
      );
      return rows.map((row) => row.credential_id).toSorted();
    };
    const repo = scene.place();
    await scene.alert({ number: 1, secret: first!.value }, { repo });
    await scene.settled();
    expect(await told()).toEqual([first!.credentialId]);
    await scene.alert({ number: 2, secret: second!.value }, { repo });
    await scene.alert({ number: 3, secret: first!.value }, { repo });
    await scene.settled();
    expect(await told()).toEqual([first!.credentialId, second!.credentialId].toSorted());
  });

  test('an update of a known alert changes its exposure and makes no other', async () => {
    const credential = await scene.credential(await scene.integration('Updated'));
    const repo = scene.place();
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();
    await scene.alert(
      { number: 1, secret: credential.value, validity: 'active', updated_at: at(0) },
      { repo },
    );
    await scene.settled();
    await scene.alert({ number: 1, resolution: 'revoked', updated_at: at(20) }, { repo, action: 'resolved' });
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({
      state: 'accepted',
      resolution: 'revoked',
      source_says: 'dead',
    });
    // Comes late, and is older: it takes nothing back.
    await scene.alert({ number: 1, validity: 'active', updated_at: at(10) }, { repo, action: 'validated' });
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({ resolution: 'revoked', source_says: 'dead' });
    await scene.alert({ number: 1, validity: 'active', updated_at: at(30) }, { repo, action: 'reopened' });
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({ resolution: null, source_says: 'live' });
    await scene.alert(
      { number: 1, secret: credential.value, updated_at: at(30) },
      {
        repo,
        event: 'secret_scanning_alert_location',
        more: { location: { type: 'commit', details: { path: 'a/b.env', start_line: 7 } } },
      },
    );
    await scene.settled();
    const { id } = await scene.exposureOf(`${repo}#1`);
    const { body } = await scene.call('GET', `/api/v1/exposures/${id}`);
    expect(body.foundAt).toMatchObject([{ type: 'commit', path: 'a/b.env', line: 7 }]);
    expect(await scene.rows(`SELECT FROM exposure WHERE external_ref LIKE $1`, [`${repo}#%`])).toHaveLength(
      1,
    );
  });

  test('an update that comes while its exposure is being accepted leaves it accepted', async () => {
    const credential = await scene.credential(await scene.integration('Overtaken'));
    const repo = scene.place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    const accepted = await scene.exposureOf(`${repo}#1`);
    expect(accepted.state).toBe('accepted');
    // Once more to the moment before, with somebody in the middle of accepting it.
    await scene.rows(
      `UPDATE exposure SET state = 'received', incident_id = NULL WHERE id = $1 RETURNING id`,
      [accepted.id],
    );
    const client = new Client(world.database.ownerUrl);
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE exposure SET state = 'accepted', incident_id = $2 WHERE id = $1`, [
        accepted.id,
        accepted.incident_id,
      ]);
      const later = new Date(world.clock.now() + 1000).toISOString();
      const update = scene.alert({ number: 1, secret: credential.value, updated_at: later }, { repo });
      const waiting = () => scene.rows(`SELECT FROM pg_locks WHERE NOT granted`);
      await until(async () => (await waiting()).length > 0, 'the update waits for the row');
      await client.query('COMMIT');
      expect((await update).status).toBe(202);
    } finally {
      await client.end();
    }
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({
      state: 'accepted',
      incident_id: accepted.incident_id,
    });
  });

  test('one name for two values is two leaks', async () => {
    const [a, b] = await scene.credentials(await scene.integration('Twice named'), 2);
    const ref = `name-${newId()}`;
    await scene.signed([{ ref, value: a!.value }]);
    await scene.signed([{ ref, value: b!.value }]);
    await scene.signed([{ ref, value: b!.value, sourceSays: 'live' }]);
    await scene.settled();
    const rows = await scene.rows<{ version_id: string }>(
      `SELECT version_id FROM exposure WHERE external_ref LIKE $1 ORDER BY id`,
      [`${ref}%`],
    );
    expect(rows.map((row) => row.version_id)).toEqual([a!.versionId, b!.versionId]);
  });

  test('a shared credential opens a case on each integration that uses it, and no outsider sees the others', async () => {
    const others = [
      await scene.integration('Uses it, too', { parties: [scene.customerId] }),
      await scene.integration('And this'),
    ];
    const home = await scene.integration('Home');
    const credential = await scene.credential(home, { uses: others });
    const repo = scene.place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    const { incident_id: incidentId } = await scene.exposureOf(`${repo}#1`);
    const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/cases`);
    expect(body.cases.map((one: { integrationId: string }) => one.integrationId).toSorted()).toEqual(
      [home, ...others].toSorted(),
    );
    const token = await scene.token('party_contact', scene.customerId);
    const own = await scene.call('GET', '/api/v1/cases?limit=200', { token });
    const seen = own.body.cases.filter((one: { integrationId: string }) =>
      [home, ...others].includes(one.integrationId),
    );
    expect(seen).toMatchObject([{ integrationId: others[0], incidentId: null }]);
    const detail = await scene.call('GET', `/api/v1/cases/${seen[0].id}`, { token });
    expect(detail.body.credentials).toMatchObject([{ label: 'our key' }]);
    const foreign = body.cases.find((one: { integrationId: string }) => one.integrationId === home);
    expect((await scene.call('GET', `/api/v1/cases/${foreign.id}`, { token })).status).toBe(404);
    expect((await scene.call('GET', `/api/v1/incidents/${incidentId}`, { token })).status).toBe(403);
    expect((await scene.call('GET', '/api/v1/incidents', { token })).status).toBe(403);
  });

  test('witnesses that race open one incident', async () => {
    const integration = await scene.integration('Raced');
    for (let round = 0; round < 5; round++) {
      const credential = await scene.credential(integration);
      const repos = Array.from({ length: 6 }, () => scene.place());
      await Promise.all([
        ...repos.map((repo) => scene.alert({ number: 1, secret: credential.value }, { repo })),
        scene.signed([{ ref: `race-${repos[0]}`, value: credential.value }]),
      ]);
      await scene.settled();
      const incidents = await scene.rows<{ incident_id: string }>(
        `SELECT DISTINCT incident_id FROM exposure WHERE version_id = $1`,
        [credential.versionId],
      );
      expect(incidents).toHaveLength(1);
      expect(
        await scene.rows(`SELECT FROM exposure WHERE version_id = $1 AND state = 'accepted'`, [
          credential.versionId,
        ]),
      ).toHaveLength(7);
      expect(
        await scene.rows(`SELECT FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation'`, [
          incidents[0]!.incident_id,
        ]),
      ).toHaveLength(1);
    }
  });

  test('leaks of one place in one instant belong together', async () => {
    const credentials = await scene.credentials(await scene.integration('One place'), 6);
    const repo = scene.place();
    await Promise.all(
      credentials.map(({ value }, n) => scene.alert({ number: n + 1, secret: value }, { repo })),
    );
    await scene.settled();
    const found = await Promise.all(credentials.map((_, n) => scene.exposureOf(`${repo}#${n + 1}`)));
    expect(new Set(found.map((one) => one.incident_id)).size).toBe(1);
  });
});

describe('authority', () => {
  const exposedBy = async (
    o: Parameters<LeakScene['credential']>[1],
    source = 'github',
    match: 'value' | 'id' = 'value',
    agreed = true,
  ) => {
    const credential = await scene.credential(await scene.integration(`Authority ${newId()}`, { agreed }), o);
    const repo = scene.place();
    if (match === 'value') await scene.alert({ number: 1, secret: credential.value }, { repo, source });
    else await scene.signed([{ ref: `${repo}#1`, supplierId: credential.supplierId }]);
    await scene.settled();
    return scene.one(
      `SELECT match, authority, may_act, approve_within_minutes AS minutes, source_trust AS trust FROM incident_credential WHERE version_id = $1`,
      [credential.versionId],
    );
  };

  test('its own word, else the agreement’s, else a person is asked', async () => {
    expect(await exposedBy({ authority: 'revoke_now' })).toMatchObject({
      authority: 'revoke_now',
      may_act: 'act',
    });
    expect(await exposedBy({ authority: 'replace_first' })).toMatchObject({ may_act: 'replace_first' });
    expect(await exposedBy({ authority: 'approve_within', minutes: 5 })).toMatchObject({
      may_act: 'approve',
      minutes: 5,
    });
    expect(await exposedBy({})).toMatchObject({
      authority: 'approve_within',
      may_act: 'approve',
      minutes: 45,
    });
    expect(await exposedBy({}, 'github', 'value', false)).toMatchObject({
      authority: 'approve_within',
      may_act: 'approve',
      minutes: 60,
    });
  });

  test('is bounded by the source, and a match on metadata waits for a person', async () => {
    await scene.source({ key: 'asks', kind: 'github', keys: [GITHUB_KEY], trust: 'approve' });
    await scene.source({ key: 'informs', kind: 'github', keys: [GITHUB_KEY], trust: 'inform' });
    expect(await exposedBy({ authority: 'revoke_now' }, 'asks')).toMatchObject({
      may_act: 'approve',
      trust: 'approve',
    });
    expect(await exposedBy({ authority: 'revoke_now' }, 'informs')).toMatchObject({ may_act: 'person' });
    expect(await exposedBy({ authority: 'revoke_now' }, 'reports', 'id')).toMatchObject({
      match: 'metadata',
      may_act: 'person',
    });
  });

  test('what was known by metadata and is then seen by value may act, in a run of its own', async () => {
    const credential = await scene.credential(await scene.integration('Raised'), { authority: 'revoke_now' });
    await scene.signed([{ ref: newId(), supplierId: credential.supplierId }]);
    await scene.settled();
    const of = () =>
      scene.one<{ incident_id: string; match: string; may_act: string; run_id: string }>(
        `SELECT incident_id, match, may_act, run_id FROM incident_credential WHERE version_id = $1`,
        [credential.versionId],
      );
    const before = await of();
    expect(before).toMatchObject({ match: 'metadata', may_act: 'person' });
    expect((await scene.call('GET', `/api/v1/incidents/${before.incident_id}`)).body.state).toBe('triage');
    await scene.alert({ number: 1, secret: credential.value }, { repo: scene.place() });
    await scene.settled();
    const after = await of();
    expect(after).toMatchObject({ incident_id: before.incident_id, match: 'value', may_act: 'act' });
    expect(after.run_id).not.toBe(before.run_id);
    expect((await scene.call('GET', `/api/v1/incidents/${before.incident_id}`)).body.state).toBe(
      'containing',
    );
  });
});

describe('what matches nothing', () => {
  test('is triage with a reason and an alert; matched once its credential becomes known', async () => {
    const integration = await scene.integration('Imported later');
    const credential = await scene.credential(integration, { fingerprinted: false });
    const repo = scene.place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({
      state: 'triage',
      match: 'none',
      triage_reason: expect.any(String),
    });
    expect((await scene.alerts('exposure.in-triage')).length).toBeGreaterThan(0);
    await scene.fingerprint([credential]);
    const { versionAdded } = await import('../../src/domain/credentials/credentials.events.ts');
    const { Outbox } = await import('../../src/platform/outbox/outbox.ts');
    await scene.work((db) => world.app.get(Outbox).put(db, versionAdded, { versionIds: [] }));
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({
      state: 'accepted',
      match: 'value',
      version_id: credential.versionId,
    });
  });

  test('is placed by a person, or dismissed by two', async () => {
    const credential = await scene.credential(await scene.integration('By hand'), {
      authority: 'revoke_now',
    });
    const [placed, dismissed] = [scene.place(), scene.place()];
    await scene.alert({ number: 1, secret: `unknown-${newId()}` }, { repo: placed });
    await scene.alert({ number: 1, secret: `unknown-${newId()}` }, { repo: dismissed });
    await scene.settled();
    const [one, two] = [await scene.exposureOf(`${placed}#1`), await scene.exposureOf(`${dismissed}#1`)];
    const byHand = await scene.call('POST', `/api/v1/exposures/${one.id}/match`, {
      body: { versionId: credential.versionId, reason: 'the owner recognised it' },
    });
    expect(byHand).toMatchObject({ status: 200, body: { isNew: true } });
    expect(await scene.exposureOf(`${placed}#1`)).toMatchObject({
      state: 'accepted',
      match: 'metadata',
      incident_id: byHand.body.incidentId,
    });
    expect(
      await scene.one(`SELECT may_act FROM incident_credential WHERE version_id = $1`, [
        credential.versionId,
      ]),
    ).toEqual({ may_act: 'person' });

    const dismiss = (token: string) =>
      scene.call('POST', `/api/v1/exposures/${two.id}/dismiss`, { token, body: { reason: 'a test value' } });
    const [first, second] = [await scene.token('admin'), await scene.token('responder')];
    expect(await dismiss(first)).toMatchObject({ status: 200, body: { state: 'triage' } });
    expect(await dismiss(first)).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await dismiss(second)).toMatchObject({ status: 200, body: { state: 'dismissed' } });
    expect(await dismiss(second)).toMatchObject({ status: 409 });
  });
});
