import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
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
    expect((await scene.alerts('intake.not-signed')).length).toBe(2); // of the two that exist and have a key
  });

  test('the same delivery again is the same answer; its id with another body is refused, and somebody hears of it', async () => {
    const credential = await scene.credential(await scene.integration('Redelivered'));
    const repo = scene.place();
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
    expect(await scene.alerts('intake.delivery-conflict')).toMatchObject([{ severity: 'critical' }]);
  });

  test('the same delivery ten times at once is one delivery', async () => {
    const credential = await scene.credential(await scene.integration('At once'));
    const repo = scene.place();
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
      expect(await scene.alerts('intake.unreadable')).toMatchObject([{ severity: 'critical' }]);
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
    expect(await scene.alerts('intake.too-large')).toMatchObject([{ ...told, occurrences: 1 }]);
    world.clock.advance(HOUR);
    expect((await send()).statusCode).toBe(413);
    expect(await scene.alerts('intake.too-large')).toMatchObject([{ ...told, occurrences: 2 }]);
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

  test('in another encoding than UTF-8: 415 with its field, and it stands in the log', async () => {
    const before = await counts();
    const answer = await world.app.inject({
      method: 'POST',
      url: '/api/v1/intake/reports',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      payload: Buffer.from('{}', 'utf16le'),
    });
    expect(answer.statusCode).toBe(415);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({
      code: 'unsupported-media-type',
      errors: [{ field: 'content-type' }],
    });
    expect(await counts()).toEqual(before);
    expect(
      await scene.one(`SELECT why, said FROM refused_delivery ORDER BY received_at DESC, id DESC LIMIT 1`),
    ).toMatchObject({ why: 'unreadable', said: expect.stringContaining('UTF-8') });
  });

  test('a source over its quota is told when to come back', async () => {
    await scene.source({ key: 'little', kind: 'github', keys: [GITHUB_KEY], quotaPerHour: 2 });
    const send = (n: number) =>
      scene.alert({ number: n }, { source: 'little', event: 'ping', body: Buffer.from(`{"n":${n}}`) });
    expect([(await send(1)).status, (await send(2)).status, (await send(3)).status]).toEqual([202, 202, 429]);
    expect(await scene.alerts('intake.over-quota')).toHaveLength(1);
    world.clock.advance(HOUR);
    expect((await send(4)).status).toBe(202);
  });
});

describe('what a delivery left out', () => {
  const path = (repo: string, n: number) => `/repos/${repo}/secret-scanning/alerts/${n}`;

  test('is asked of the source’s own API, with its places', async () => {
    const credential = await scene.credential(await scene.integration('Fetched'));
    const repo = scene.place();
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
    expect(await scene.exposureOf(`${repo}#9`)).toMatchObject({
      state: 'accepted',
      match: 'value',
      version_id: credential.versionId,
      source_says: 'live',
    });
    expect(asked.find((one) => one.path === path(repo, 9))?.authorization).toBe(
      'Bearer ghp_a_token_of_the_scene',
    );
    const { id } = await scene.exposureOf(`${repo}#9`);
    expect((await scene.call('GET', `/api/v1/exposures/${id}`)).body.foundAt).toMatchObject([
      { path: 'x.env' },
    ]);
  });

  test('and where it is refused: triage that names what is missing', async () => {
    const repo = scene.place();
    api.set(path(repo, 3), { status: 403, body: {} });
    await scene.alert({ number: 3 }, { repo });
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#3`)).toMatchObject({
      state: 'triage',
      triage_reason: expect.stringContaining('token may not read'),
    });
    expect(await scene.alerts('exposure.not-fetched')).toMatchObject([{ severity: 'critical' }]);
    // Somebody gives the token more; the source tells again.
    const credential = await scene.credential(await scene.integration('Refused first'));
    api.set(path(repo, 3), { status: 200, body: { secret: credential.value } });
    await scene.alert({ number: 3 }, { repo, action: 'reopened' });
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#3`)).toMatchObject({
      state: 'accepted',
      version_id: credential.versionId,
    });
  });

  test('a busy API is asked again', async () => {
    const credential = await scene.credential(await scene.integration('Busy'));
    const repo = scene.place();
    api.set(path(repo, 4), { status: 503, body: {} });
    await scene.alert({ number: 4 }, { repo });
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#4`)).toMatchObject({ state: 'fetching' });
    api.set(path(repo, 4), { status: 200, body: { secret: credential.value } });
    world.clock.advance(HOUR);
    await scene.settled();
    expect(await scene.exposureOf(`${repo}#4`)).toMatchObject({ state: 'accepted' });
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

test('a reported value is in no table, no log and no answer, in no spelling', async () => {
  const secret = `CANARY-${newId()}+/=&"ü`;
  const known = await scene.credential(await scene.integration('Canary'), { value: secret });
  const repo = scene.place();
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
  expect(await scene.exposureOf(`${repo}#1`)).toMatchObject({
    state: 'accepted',
    version_id: known.versionId,
  });
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

test('a value that somebody gives as the supplier’s id is taken for the value, and answered like any other', async () => {
  const known = await scene.credential(await scene.integration('Pasted into the wrong field'));
  const ids = [known.value, `nobody-knows-${known.value}`.slice(0, 40)];
  const answers = await Promise.all(
    ids.map((supplierId, n) =>
      scene.call('POST', '/api/v1/exposures', { body: { reports: [{ ref: `pasted-${n}`, supplierId }] } }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  expect(await scene.signed([{ ref: 'pasted-signed', supplierId: known.value }])).toMatchObject({
    status: 202,
  });
  await scene.settled();
  const rows = await scene.rows(
    `SELECT supplier_id, match, version_id FROM exposure WHERE version_id = $1 OR supplier_id = $2 ORDER BY id`,
    [known.versionId, ids[1]],
  );
  const matched = { supplier_id: null, match: 'value', version_id: known.versionId };
  expect(rows).toHaveLength(3);
  expect(rows).toEqual(
    expect.arrayContaining([matched, matched, { supplier_id: ids[1], match: 'none', version_id: null }]),
  );
  expect(await scene.everythingStored()).not.toContain(known.value);
});
