import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { z } from 'zod';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene, REPORTS_KEY, spellingsOf } from '../support/leak-scene.ts';

let world: TestApp;
let scene: LeakScene;
let github: Server;
/** What the fake GitHub API answers, by path. */
const api = new Map<string, { status: number; body: unknown }>();
const asked: { path: string; authorization: string | undefined }[] = [];

beforeAll(async () => {
  github = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, authorization: request.headers.authorization });
    const answer = api.get(path.split('?')[0]!) ?? { status: 404, body: {} };
    response
      .writeHead(answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve));
  const { port } = github.address() as AddressInfo;
  world = await startApp({ config: { outboundAllow: [`127.0.0.1:${port}`] } });
  scene = await LeakScene.set(world);
  await scene.source({
    key: 'github',
    kind: 'github',
    keys: [GITHUB_KEY],
    apiBaseUrl: `http://127.0.0.1:${port}`,
    apiToken: 'ghp_a_token_of_the_scene',
  });
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterAll(async () => {
  await world.close();
  await new Promise((resolve) => github.close(resolve));
});

let places = 0;
/** A repository that no other test reports about. */
const place = () => `octo/repo-${(places += 1)}`;

const exposureOf = (externalRef: string) =>
  scene.one<{
    id: string;
    state: string;
    match: string | null;
    triage_reason: string | null;
    incident_id: string | null;
    version_id: string | null;
    source_says: string;
    resolution: string | null;
  }>(
    `SELECT id, state, match, triage_reason, incident_id, version_id, source_says, resolution FROM exposure WHERE external_ref = $1`,
    [externalRef],
  );
const alerts = (kind: string) =>
  scene.rows<{ message: string; occurrences: number; severity: string }>(
    `SELECT message, occurrences, severity FROM alert WHERE kind = $1 AND handled_at IS NULL ORDER BY id`,
    [kind],
  );
const counts = () =>
  scene.one<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM delivery) AS deliveries, (SELECT count(*)::int FROM exposure) AS exposures,
            (SELECT count(*)::int FROM incident) AS incidents, (SELECT count(*)::int FROM run) AS runs`,
  );

describe('the door', () => {
  test('unknown source, source without a key, wrong key, no signature: one answer, nothing stored', async () => {
    await scene.source({ key: 'keyless', kind: 'github' });
    const before = await counts();
    const body = Buffer.from(
      '{"action":"created","alert":{"number":1,"secret":"x"},"repository":{"full_name":"o/r"}}',
    );
    const answers = [
      await scene.alert({ number: 1 }, { source: 'nobody', body }),
      await scene.alert({ number: 1 }, { source: 'keyless', body }),
      await scene.alert({ number: 1 }, { key: 'a wrong key altogether', body }),
      await scene.alert({ number: 1 }, { source: 'reports', body }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    const shown = answers.map(({ body: { instance: _, correlationId: __, ...rest } }) =>
      JSON.stringify(rest),
    );
    expect(new Set(shown).size).toBe(1);
    expect(await counts()).toEqual(before);
    expect((await alerts('intake.not-signed')).length).toBe(2); // of the two that exist and have a key
  });

  test('the same delivery again is the same answer; its id with another body is refused, and somebody hears of it', async () => {
    const credential = await scene.credential(await scene.integration('Redelivered'));
    const repo = place();
    const id = newId();
    const first = await scene.alert({ number: 1, secret: credential.value }, { repo, id });
    expect(first).toMatchObject({
      status: 202,
      body: { deliveryId: id, event: 'secret_scanning_alert.created' },
    });
    const again = await scene.alert({ number: 1 }, { repo, id, body: first.raw });
    expect(again).toMatchObject({ status: 202, body: first.body });
    const other = await scene.alert({ number: 2, secret: credential.value }, { repo, id });
    expect(other).toMatchObject({ status: 409, body: { code: 'delivery-id-taken' } });
    // The id is not signed: the captured body comes under a new one.
    const replayed = await scene.alert({ number: 1 }, { repo, id: newId(), body: first.raw });
    expect(replayed.status).toBe(202);
    await scene.settled();
    expect(
      await scene.rows(`SELECT outcome, redeliveries FROM delivery WHERE delivery_id = ANY($1) ORDER BY id`, [
        [id, replayed.body['deliveryId']],
      ]),
    ).toEqual([
      { outcome: 'accepted', redeliveries: 1 },
      { outcome: 'repeated', redeliveries: 0 },
    ]);
    expect(await scene.rows(`SELECT FROM exposure WHERE external_ref LIKE $1`, [`${repo}#%`])).toHaveLength(
      1,
    );
    expect(await alerts('intake.delivery-conflict')).toMatchObject([{ severity: 'critical' }]);
  });

  test('the same delivery ten times at once is one delivery', async () => {
    const credential = await scene.credential(await scene.integration('At once'));
    const repo = place();
    const id = newId();
    const first = Buffer.from(
      JSON.stringify({
        action: 'created',
        alert: { number: 1, secret: credential.value },
        repository: { full_name: repo },
      }),
    );
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => scene.alert({ number: 1 }, { id, body: first })),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
    expect(await scene.one(`SELECT redeliveries FROM delivery WHERE delivery_id = $1`, [id])).toEqual({
      redeliveries: 9,
    });
    const underOthers = await Promise.all(
      Array.from({ length: 5 }, () => scene.alert({ number: 1 }, { id: newId(), body: first })),
    );
    expect(underOthers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    await scene.settled();
    expect(await scene.rows(`SELECT FROM exposure WHERE external_ref = $1`, [`${repo}#1`])).toHaveLength(1);
  });

  test('ping and events that we do not use are acknowledged', async () => {
    const before = await counts();
    for (const event of ['ping', 'push', 'star', 'secret_scanning_scan']) {
      expect(
        (await scene.alert({ number: 1 }, { event, body: Buffer.from(`{"zen":"${event}"}`) })).status,
      ).toBe(202);
    }
    expect(await counts()).toEqual({ ...before, deliveries: before['deliveries']! + 4 });
  });

  test.each([
    ['no JSON', 'hello', 'body'],
    ['a member twice', '{"action":"created","action":"created"}', 'body/action'],
    ['deep', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'body'],
    ['no number', '{"action":"created","alert":{},"repository":{"full_name":"o/r"}}', 'body/alert/number'],
  ])(
    'a signed body that is %s: refused with the field, nothing stored, not silently',
    async (_, text, field) => {
      const before = await counts();
      const answer = await scene.alert({ number: 1 }, { body: Buffer.from(text) });
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).toContain(field);
      expect(await counts()).toEqual(before);
      expect(await alerts('intake.unreadable')).toMatchObject([{ severity: 'critical' }]);
    },
  );

  test('larger than the source takes: 413, and one warning an hour that a delivery may be lost', async () => {
    const large = Buffer.alloc(10 * 1024 * 1024 + 1, 0x20);
    const send = () =>
      world.app.inject({
        method: 'POST',
        url: '/api/v1/intake/reports',
        headers: { 'content-type': 'application/json' },
        payload: large,
      });
    expect([(await send()).statusCode, (await send()).statusCode]).toEqual([413, 413]);
    // Anybody can send one: it is told as what may be, once an hour.
    const told = { severity: 'warning', message: expect.stringContaining("If it was the source's") };
    expect(await alerts('intake.too-large')).toMatchObject([{ ...told, occurrences: 1 }]);
    world.clock.advance(HOUR);
    expect((await send()).statusCode).toBe(413);
    expect(await alerts('intake.too-large')).toMatchObject([{ ...told, occurrences: 2 }]);
    // 25 MB of GitHub's are read and judged; unsigned, they are nobody's.
    const padded = Buffer.concat([
      Buffer.from('{"zen":"'),
      Buffer.alloc(24 * 1024 * 1024, 0x61),
      Buffer.from('"}'),
    ]);
    expect((await scene.alert({ number: 1 }, { event: 'ping', body: padded })).status).toBe(202);
    expect((await scene.alert({ number: 1 }, { event: 'ping', body: padded, key: 'wrong' })).status).toBe(
      401,
    );
  });

  test('a source over its quota is told when to come back', async () => {
    await scene.source({ key: 'little', kind: 'github', keys: [GITHUB_KEY], quotaPerHour: 2 });
    const send = (n: number) =>
      scene.alert({ number: n }, { source: 'little', event: 'ping', body: Buffer.from(`{"n":${n}}`) });
    expect([(await send(1)).status, (await send(2)).status, (await send(3)).status]).toEqual([202, 202, 429]);
    expect(await alerts('intake.over-quota')).toHaveLength(1);
    world.clock.advance(HOUR);
    expect((await send(4)).status).toBe(202);
  });
});

describe('one leak, one incident', () => {
  test('a value that matches: incident, case, frozen agreement, notice owed, one run', async () => {
    const integration = await scene.integration('Shop', { parties: [scene.customerId] });
    const credential = await scene.credential(integration, { authority: 'revoke_now', risk: 900 });
    const repo = place();
    await scene.alert(
      { number: 1, secret: `${credential.value}\n`, created_at: '2026-11-20T00:00:00Z' },
      { repo },
    );
    await scene.settled();
    const exposure = await exposureOf(`${repo}#1`);
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
      await scene.rows(`SELECT subject_id, obligation FROM notice WHERE subject_id = $1`, [
        cases.cases[0].id,
      ]),
    ).toMatchObject([{ obligation: 'required' }]);
    const runs = await scene.rows<{ runbook: string }>(
      `SELECT runbook FROM run WHERE subject_id = $1 ORDER BY runbook`,
      [incident.id],
    );
    expect(runs.map((run) => run.runbook)).toEqual(['emergency-revocation', 'notification']);
  });

  test('a second witness joins, by value, by hash, by place; no second run', async () => {
    const integration = await scene.integration('Witnessed');
    const [credential, neighbour] = await scene.credentials(integration, 2);
    const repo = place();
    await scene.alert({ number: 1, secret: credential!.value }, { repo });
    await scene.settled();
    await scene.signed([
      { ref: `again-${repo}`, sha256: createHash('sha256').update(credential!.value).digest('hex') },
    ]);
    await scene.alert({ number: 2, secret: neighbour!.value }, { repo });
    await scene.settled();
    const first = await exposureOf(`${repo}#1`);
    expect((await exposureOf(`again-${repo}`)).incident_id).toBe(first.incident_id);
    expect((await exposureOf(`${repo}#2`)).incident_id).toBe(first.incident_id);
    const runs = await scene.rows(
      `SELECT FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation'`,
      [first.incident_id],
    );
    expect(runs).toHaveLength(2); // one for each credential, none for the witness
  });

  test('an update of a known alert changes its exposure and makes no other', async () => {
    const credential = await scene.credential(await scene.integration('Updated'));
    const repo = place();
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();
    await scene.alert(
      { number: 1, secret: credential.value, validity: 'active', updated_at: at(0) },
      { repo },
    );
    await scene.settled();
    await scene.alert({ number: 1, resolution: 'revoked', updated_at: at(20) }, { repo, action: 'resolved' });
    expect(await exposureOf(`${repo}#1`)).toMatchObject({
      state: 'accepted',
      resolution: 'revoked',
      source_says: 'dead',
    });
    // Comes late, and is older: it takes nothing back.
    await scene.alert({ number: 1, validity: 'active', updated_at: at(10) }, { repo, action: 'validated' });
    expect(await exposureOf(`${repo}#1`)).toMatchObject({ resolution: 'revoked', source_says: 'dead' });
    await scene.alert({ number: 1, validity: 'active', updated_at: at(30) }, { repo, action: 'reopened' });
    expect(await exposureOf(`${repo}#1`)).toMatchObject({ resolution: null, source_says: 'live' });
    await scene.alert(
      { number: 1, secret: credential.value, updated_at: at(30) },
      {
        repo,
        event: 'secret_scanning_alert_location',
        more: { location: { type: 'commit', details: { path: 'a/b.env', start_line: 7 } } },
      },
    );
    await scene.settled();
    const { id } = await exposureOf(`${repo}#1`);
    const { body } = await scene.call('GET', `/api/v1/exposures/${id}`);
    expect(body.foundAt).toMatchObject([{ type: 'commit', path: 'a/b.env', line: 7 }]);
    expect(await scene.rows(`SELECT FROM exposure WHERE external_ref LIKE $1`, [`${repo}#%`])).toHaveLength(
      1,
    );
  });

  test('an update that comes while its exposure is being accepted leaves it accepted', async () => {
    const credential = await scene.credential(await scene.integration('Overtaken'));
    const repo = place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    const accepted = await exposureOf(`${repo}#1`);
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
    expect(await exposureOf(`${repo}#1`)).toMatchObject({
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
    const repo = place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    const { incident_id: incidentId } = await exposureOf(`${repo}#1`);
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
      const repos = Array.from({ length: 6 }, place);
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
    const repo = place();
    await Promise.all(
      credentials.map(({ value }, n) => scene.alert({ number: n + 1, secret: value }, { repo })),
    );
    await scene.settled();
    const found = await Promise.all(credentials.map((_, n) => exposureOf(`${repo}#${n + 1}`)));
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
    const credential = await scene.credential(await scene.integration(`Authority ${places}`, { agreed }), o);
    const repo = place();
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
    await scene.alert({ number: 1, secret: credential.value }, { repo: place() });
    await scene.settled();
    const after = await of();
    expect(after).toMatchObject({ incident_id: before.incident_id, match: 'value', may_act: 'act' });
    expect(after.run_id).not.toBe(before.run_id);
    expect((await scene.call('GET', `/api/v1/incidents/${before.incident_id}`)).body.state).toBe(
      'containing',
    );
  });
});

describe('what a delivery left out', () => {
  const path = (repo: string, n: number) => `/repos/${repo}/secret-scanning/alerts/${n}`;

  test('is asked of the source’s own API, with its places', async () => {
    const credential = await scene.credential(await scene.integration('Fetched'));
    const repo = place();
    api.set(path(repo, 9), {
      status: 200,
      body: { number: 9, secret: credential.value, validity: 'active' },
    });
    api.set(`${path(repo, 9)}/locations`, {
      status: 200,
      body: [{ type: 'commit', details: { path: 'x.env', start_line: 1 } }],
    });
    await scene.alert({ number: 9 }, { repo });
    await scene.settled();
    expect(await exposureOf(`${repo}#9`)).toMatchObject({
      state: 'accepted',
      match: 'value',
      version_id: credential.versionId,
      source_says: 'live',
    });
    expect(asked.find((one) => one.path === path(repo, 9))?.authorization).toBe(
      'Bearer ghp_a_token_of_the_scene',
    );
    const { id } = await exposureOf(`${repo}#9`);
    expect((await scene.call('GET', `/api/v1/exposures/${id}`)).body.foundAt).toMatchObject([
      { path: 'x.env' },
    ]);
  });

  test('and where it is refused: triage that names what is missing', async () => {
    const repo = place();
    api.set(path(repo, 3), { status: 403, body: {} });
    await scene.alert({ number: 3 }, { repo });
    await scene.settled();
    expect(await exposureOf(`${repo}#3`)).toMatchObject({
      state: 'triage',
      triage_reason: expect.stringContaining('token may not read'),
    });
    expect(await alerts('exposure.not-fetched')).toMatchObject([{ severity: 'critical' }]);
    // Somebody gives the token more; the source tells again.
    const credential = await scene.credential(await scene.integration('Refused first'));
    api.set(path(repo, 3), { status: 200, body: { secret: credential.value } });
    await scene.alert({ number: 3 }, { repo, action: 'reopened' });
    await scene.settled();
    expect(await exposureOf(`${repo}#3`)).toMatchObject({
      state: 'accepted',
      version_id: credential.versionId,
    });
  });

  test('a busy API is asked again', async () => {
    const credential = await scene.credential(await scene.integration('Busy'));
    const repo = place();
    api.set(path(repo, 4), { status: 503, body: {} });
    await scene.alert({ number: 4 }, { repo });
    await scene.settled();
    expect(await exposureOf(`${repo}#4`)).toMatchObject({ state: 'fetching' });
    api.set(path(repo, 4), { status: 200, body: { secret: credential.value } });
    world.clock.advance(HOUR);
    await scene.settled();
    expect(await exposureOf(`${repo}#4`)).toMatchObject({ state: 'accepted' });
  });
});

describe('what matches nothing', () => {
  test('is triage with a reason and an alert; matched once its credential becomes known', async () => {
    const integration = await scene.integration('Imported later');
    const credential = await scene.credential(integration, { fingerprinted: false });
    const repo = place();
    await scene.alert({ number: 1, secret: credential.value }, { repo });
    await scene.settled();
    expect(await exposureOf(`${repo}#1`)).toMatchObject({
      state: 'triage',
      match: 'none',
      triage_reason: expect.any(String),
    });
    expect((await alerts('exposure.in-triage')).length).toBeGreaterThan(0);
    await scene.fingerprint([credential]);
    const { versionAdded } = await import('../../src/domain/credentials/credentials.events.ts');
    const { Outbox } = await import('../../src/platform/outbox/outbox.ts');
    await scene.work((db) => world.app.get(Outbox).put(db, versionAdded, { versionIds: [] }));
    await scene.settled();
    expect(await exposureOf(`${repo}#1`)).toMatchObject({
      state: 'accepted',
      match: 'value',
      version_id: credential.versionId,
    });
  });

  test('is placed by a person, or dismissed by two', async () => {
    const credential = await scene.credential(await scene.integration('By hand'), {
      authority: 'revoke_now',
    });
    const [placed, dismissed] = [place(), place()];
    await scene.alert({ number: 1, secret: `unknown-${newId()}` }, { repo: placed });
    await scene.alert({ number: 1, secret: `unknown-${newId()}` }, { repo: dismissed });
    await scene.settled();
    const [one, two] = [await exposureOf(`${placed}#1`), await exposureOf(`${dismissed}#1`)];
    const byHand = await scene.call('POST', `/api/v1/exposures/${one.id}/match`, {
      body: { versionId: credential.versionId, reason: 'the owner recognised it' },
    });
    expect(byHand).toMatchObject({ status: 200, body: { isNew: true } });
    expect(await exposureOf(`${placed}#1`)).toMatchObject({
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

describe('reports over the API', () => {
  const report = async (token: string, reports: unknown[]) =>
    scene.call('POST', '/api/v1/exposures', { token, body: { reports } });

  test('match or not, the answer is the same; a party learns nothing of what it matched', async () => {
    const own = await scene.credential(await scene.integration('Own', { parties: [scene.customerId] }));
    const foreign = await scene.credential(await scene.integration('Foreign'));
    const token = await scene.token('party_contact', scene.customerId);
    const answers = [];
    for (const value of [own.value, foreign.value, `nothing-${newId()}`])
      answers.push(await report(token, [{ ref: 'seen', value }]));
    const shapes = answers.map(({ status, body, headers }) =>
      JSON.stringify([
        status,
        Object.keys(headers).toSorted(),
        JSON.stringify(body).replaceAll(/EXP-\d{4}-\d+/g, 'EXP'),
      ]),
    );
    expect(new Set(shapes).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 202, body: { exposures: [{ ref: 'seen' }] } });
    await scene.settled();
    const list = await scene.call('GET', '/api/v1/exposures', { token });
    expect(list.body.exposures).toHaveLength(3);
    for (const one of list.body.exposures) {
      expect(Object.keys(one).toSorted()).toEqual([
        'detectedAt',
        'externalRef',
        'id',
        'kind',
        'place',
        'receivedAt',
        'reference',
      ]);
    }
    expect(
      (await scene.call('GET', `/api/v1/exposures/${list.body.exposures[0].id}`, { token })).status,
    ).toBe(403);
    const states = await scene.rows<{
      state: string;
      match: string;
      trust: string;
      version_id: string | null;
    }>(`SELECT state, match, trust, version_id FROM exposure WHERE reporter_party_id = $1 ORDER BY id`, [
      scene.customerId,
    ]);
    expect(states).toEqual([
      { state: 'accepted', match: 'value', trust: 'approve', version_id: own.versionId },
      { state: 'triage', match: 'value', trust: 'approve', version_id: foreign.versionId },
      { state: 'triage', match: 'none', trust: 'approve', version_id: null },
    ]);
    // The operator sees what the party may not know, and who told.
    const { body } = await scene.call('GET', '/api/v1/exposures?state=triage&limit=200');
    expect(body.exposures).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          versionId: foreign.versionId,
          triageReason: expect.stringContaining('not in'),
        }),
      ]),
    );
  });

  test('a bad report is refused with its field, and the value is not echoed', async () => {
    const value = `CANARY-${newId()}`;
    const token = await scene.token('responder');
    for (const [reports, field] of [
      [[{ ref: 'a' }], '/reports/0/value'],
      [[{ value, detectedAt: 'yesterday' }], '/reports/0/detectedAt'],
      [[{ value, sha256: value }], '/reports/0/sha256'],
      [[], '/reports'],
      [Array.from({ length: 1001 }, () => ({ value })), '/reports'],
    ] as const) {
      const answer = await report(token, [...reports]);
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).toContain(field);
      expect(JSON.stringify(answer.body)).not.toContain(value);
    }
    const auditor = await scene.token('auditor');
    expect((await report(auditor, [{ value }])).status).toBe(403);
    expect((await scene.call('GET', '/api/v1/exposures', { token: auditor })).status).toBe(200);
    const engineer = await scene.token('integration_engineer');
    expect((await scene.call('GET', '/api/v1/exposures', { token: engineer })).status).toBe(403);
  });
});

describe('sources', () => {
  test('keys go in and never come out; two are good during a change, a retired one is not', async () => {
    const made = await scene.source({ key: 'rotating', kind: 'github', keys: ['the first key of them'] });
    const added = await scene.call('POST', `/api/v1/sources/${made.id}/keys`, {
      body: { key: 'the second key of them' },
    });
    expect(added).toMatchObject({
      status: 201,
      body: { keys: [{ id: expect.any(String) }, { id: expect.any(String) }] },
    });
    expect(JSON.stringify(added.body)).not.toContain('key of them');
    const send = async (key: string) =>
      (
        await scene.alert(
          { number: 1 },
          { source: 'rotating', key, event: 'ping', body: Buffer.from(`{"k":"${newId()}"}`) },
        )
      ).status;
    expect([await send('the first key of them'), await send('the second key of them')]).toEqual([202, 202]);
    await scene.call('DELETE', `/api/v1/sources/${made.id}/keys/${added.body.keys[0].id}`);
    expect([await send('the first key of them'), await send('the second key of them')]).toEqual([401, 202]);
    const { body: now, headers } = await scene.call('GET', `/api/v1/sources/${made.id}`);
    const stale = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { active: false },
      headers: { 'if-match': '"1"' },
    });
    expect(stale.status).toBe(412);
    const off = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { active: false },
      headers: { 'if-match': String(headers['etag']) },
    });
    expect(off).toMatchObject({ status: 200, body: { active: false, rowVersion: now.rowVersion + 1 } });
    expect(await send('the second key of them')).toBe(401);
  });

  test('another API address drops the token that was meant for the old one', async () => {
    const made = await scene.source({
      key: 'moving',
      kind: 'github',
      keys: [GITHUB_KEY],
      apiBaseUrl: 'https://a.example',
      apiToken: 'a-token-1',
    });
    const moved = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { apiBaseUrl: 'https://b.example' },
      headers: { 'if-match': '"1"' },
    });
    expect(moved.body).toMatchObject({ apiBaseUrl: 'https://b.example', hasApiToken: false });
  });

  test('the format of a signed report is published, and fits what is taken', async () => {
    const answer = await world.app.inject('/api/schemas/report.json');
    expect(answer.headers['content-type']).toContain('application/schema+json');
    const { report } = { report: z.fromJSONSchema(answer.json()) };
    const good = { type: 'exposure.reported', data: { reports: [{ ref: 'r', sha256: 'a'.repeat(64) }] } };
    expect(report.safeParse(good).success).toBe(true);
    for (const bad of [{}, { ...good, type: 'other' }, { ...good, data: { reports: [{ value: 'v' }] } }])
      expect(report.safeParse(bad).success).toBe(false);
  });

  test('a party or contact that is not there is named by its own field', async () => {
    for (const field of ['partyId', 'ownerContactId']) {
      const { body } = await scene.call('POST', '/api/v1/sources', {
        body: { key: 'nobodys', kind: 'github', name: 'A source', [field]: newId() },
      });
      expect(body).toMatchObject({ status: 400, errors: [{ field: `/${field}` }] });
    }
  });

  test('an edit takes the version that stands, one of several, or any', async () => {
    const { body: made } = await scene.call('POST', '/api/v1/sources', {
      body: { key: 'matched', kind: 'github', name: 'A source' },
    });
    const edit = async (match: string) => {
      const headers = { 'if-match': match };
      return (await scene.call('PATCH', `/api/v1/sources/${made.id}`, { body: { name: match }, headers }))
        .status;
    };
    expect([await edit('"7", "1"'), await edit('"7", "1"'), await edit('*')]).toEqual([200, 412, 200]);
  });

  test.each([
    [{ key: 'x1', kind: 'of-nobody' }, 400],
    [{ key: 'x2', kind: 'github', keys: ['short'] }, 400],
    [{ key: 'x3', kind: 'standard-webhooks', keys: ['whsec_QUJD'] }, 400],
    [{ key: 'x4', kind: 'api', keys: ['a key that has no use there'] }, 400],
    [{ key: 'Not Kebab', kind: 'github' }, 400],
    [{ key: 'x5', kind: 'github', partyId: newId() }, 400],
    [{ key: 'github', kind: 'github' }, 409],
  ])('%j is refused', async (input, status) => {
    const answer = await scene.call('POST', '/api/v1/sources', { body: { name: 'A source', ...input } });
    expect(answer.status).toBe(status);
  });
});

test('a reported value is in no table, no log and no answer, in no spelling', async () => {
  const secret = `CANARY-${newId()}+/=&"ü`;
  const known = await scene.credential(await scene.integration('Canary'), { value: secret });
  const repo = place();
  await scene.alert(
    {
      number: 1,
      secret,
      secret_type: secret,
      resolution_comment: secret,
      html_url: `https://x.example/?q=${encodeURIComponent(secret)}`,
    },
    {
      repo,
      more: {
        sender: { login: secret },
        location: {
          type: 'commit',
          details: { path: `/tmp/${secret}`, commit_url: `https://x.example/${encodeURIComponent(secret)}` },
        },
      },
    },
  );
  await scene.alert({ number: 2, secret: `${secret}2` }, { repo }); // matches nothing
  await scene.signed([
    {
      ref: `ref ${secret}`,
      value: secret,
      kind: secret,
      place: secret,
      foundAt: [{ type: 'log', path: secret }],
    },
  ]);
  await scene.call('POST', '/api/v1/exposures', {
    body: { reports: [{ value: secret, ref: secret, supplierId: secret }] },
  });
  await scene.call('POST', '/api/v1/exposures', {
    body: { reports: [{ value: secret, detectedAt: 'bad' }] },
  });
  await scene.settled();
  expect(await exposureOf(`${repo}#1`)).toMatchObject({ state: 'accepted', version_id: known.versionId });
  const stored = await scene.everythingStored();
  expect(stored).toContain(repo); // the search sees what is there
  for (const spelling of spellingsOf(secret)) {
    expect(stored).not.toContain(spelling);
    expect(world.log.text).not.toContain(spelling);
  }
  const { body } = await scene.call('GET', '/api/v1/exposures?limit=200');
  expect(JSON.stringify(body)).not.toContain(secret);
  // Nothing is left of any envelope.
  expect(await scene.rows(`SELECT FROM exposure_batch WHERE values_ref IS NOT NULL`)).toEqual([]);
  const sealed = await scene.rows<{ bound_to: string }>(
    `SELECT bound_to FROM sealed_secret WHERE destroyed_at IS NULL`,
  );
  expect(
    sealed.filter(
      ({ bound_to: to }) => to.startsWith('exposure_batch') || to.startsWith('credential_version'),
    ),
  ).toEqual([]);
});
