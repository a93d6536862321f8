import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PollSourcesSweep } from '../../src/domain/exposures/poll-sources.sweep.ts';
import { RefusedDeliveries } from '../../src/domain/exposures/refused-deliveries.service.ts';
import { RefusedDeliveriesSweep } from '../../src/domain/exposures/refused-deliveries.sweep.ts';
import { PublishedKeys } from '../../src/domain/exposures/published-keys.service.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene, REPORTS_KEY, spellingsOf } from '../support/leak-scene.ts';
import { CANARY, RISC, claimsOf, setOver, voices } from '../support/source-voices.ts';

const BY = system('test', 'test-correlation');
const TRANSMITTER = 'Bearer of-the-stream-one';

let world: TestApp;
let scene: LeakScene;
let outside: Server;
let base: string;
/** What the outside answers, by path. */
const answers = new Map<string, (request: IncomingMessage, body: string, response: ServerResponse) => void>();

beforeAll(async () => {
  outside = createServer((request, response) => {
    void buffer(request).then((body) => {
      const answer = answers.get(request.url ?? '');
      if (answer) answer(request, body.toString('utf8'), response);
      else response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(outside.address() as AddressInfo).port}`;
  base = `http://${host}`;
  world = await startApp({ config: { outboundAllow: [host] } });
  scene = await LeakScene.set(world);
  for (const [kind, voice] of Object.entries(voices)) {
    await scene.source({
      key: `a-${kind}`,
      kind,
      ...(voice.source.filesOnly ? {} : { keys: [voice.key] }),
      ...(kind === 'set'
        ? { settings: { issuer: 'https://idp.example/', audience: 'https://countersign.example' } }
        : {}),
    });
  }
  await scene.source({ key: 'github', kind: 'github', keys: [GITHUB_KEY] });
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterAll(async () => {
  await world.close();
  await new Promise((resolve) => outside.close(resolve));
});

function deliver(key: string, body: Buffer, headers: Record<string, string>) {
  return world.app.inject({ method: 'POST', url: `/api/v1/intake/${key}`, payload: body, headers });
}

/** As the kind's own sender would; its clock is ours. */
function spoken(kind: string, body: Buffer, key = voices[kind]!.key) {
  const headers = voices[kind]!.headers(body, key, { id: newId(), at: world.clock.now() });
  return deliver(`a-${kind}`, body, { 'content-type': 'application/octet-stream', ...headers });
}

async function hand(kind: string, body: Buffer | string, more = '', token?: string) {
  const answer = await world.app.inject({
    method: 'POST',
    url: `/api/v1/exposure-files?kind=${kind}${more}`,
    payload: body,
    headers: {
      authorization: `Bearer ${token ?? (await scene.token('responder'))}`,
      'content-type': 'application/octet-stream',
    },
  });
  return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
}

const deliveries = async () => (await scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM delivery`)).n;

const SIGNED = Object.keys(voices).filter((kind) => !voices[kind]!.source.filesOnly);
const FILES = ['gitleaks', 'trufflehog', 'sarif', 'csv'];

describe('the door of every kind', () => {
  test.each(SIGNED)(
    '%s: 202 to a good delivery and again to the same one; a tampered one leaves nothing',
    async (kind) => {
      const { leak, otherKey } = voices[kind]!;
      const body = leak(CANARY);
      const before = await deliveries();
      expect((await spoken(kind, body)).statusCode).toBe(202);
      expect((await spoken(kind, body)).statusCode).toBe(202);
      expect((await deliveries()) - before).toBeLessThanOrEqual(2);
      const exposed = await scene.rows(
        `SELECT e.id FROM exposure e JOIN source s ON s.id = e.source_id WHERE s.key = $1`,
        [`a-${kind}`],
      );
      expect(exposed).toHaveLength(1);
      const stored = await deliveries();
      const bad = Buffer.from(body);
      bad[bad.length - 3] = bad[bad.length - 3]! ^ 1;
      const headers = voices[kind]!.headers(body, voices[kind]!.key, { id: newId(), at: world.clock.now() });
      expect((await deliver(`a-${kind}`, bad, headers)).statusCode).toBe(kind === 'set' ? 400 : 401);
      if (kind !== 'set') expect((await spoken(kind, body, otherKey)).statusCode).toBe(401);
      expect(await deliveries()).toBe(stored);
    },
  );

  test.each(SIGNED)('%s: more than it takes is 413, and somebody hears of it', async (kind) => {
    const { source } = voices[kind]!;
    const announced = await deliver(`a-${kind}`, Buffer.alloc(source.bodyLimit + 1, 0x20), {
      'content-type': 'application/json',
    });
    expect(announced.statusCode).toBe(413);
    const named = await scene.one<{ n: number }>(
      `SELECT count(*)::int AS n FROM alert a JOIN source s ON s.id = a.subject_id WHERE a.kind = 'intake.too-large' AND s.key = $1`,
      [`a-${kind}`],
    );
    expect(named.n).toBe(1);
  });

  test('a source may take more than its kind does, and less', async () => {
    await scene.source({ key: 'narrow', kind: 'github', keys: [GITHUB_KEY], bodyLimit: 1024 });
    const body = Buffer.from(`{"zen":"${'x'.repeat(1024)}"}`);
    expect(await scene.alert({ number: 1 }, { source: 'narrow', body, event: 'ping' })).toMatchObject({
      status: 413,
    });
    expect(await scene.alert({ number: 1 }, { body, event: 'ping' })).toMatchObject({ status: 202 });
  });

  test.each(FILES)('%s is no delivery: nothing signs it', async (kind) => {
    expect((await spoken(kind, voices[kind]!.leak(CANARY))).statusCode).toBe(401);
    const bad = await scene.call('POST', '/api/v1/sources', {
      body: { key: `keyed-${kind}`, kind, name: 'x', keys: ['a key of some length'] },
    });
    expect(bad).toMatchObject({ status: 400, body: { errors: [{ field: '/keys/0' }] } });
  });

  test('settings are judged by the kind, and named', async () => {
    const bad = (kind: string, settings: object) =>
      scene.call('POST', '/api/v1/sources', { body: { key: 'bad', kind, name: 'x', settings } });
    expect(await bad('set', { issuer: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: '/settings/audience' }] },
    });
    expect(await bad('set', { issuer: 'x', audience: 'y', pollUrl: 'ftp://x' })).toMatchObject({
      body: { errors: [{ field: '/settings/pollUrl' }] },
    });
    expect(await bad('github', { issuer: 'x' })).toMatchObject({ status: 400 });
  });
});

describe('a partner of GitHub', () => {
  test('is told which tokens are its own, and which are not once its inventory is complete', async () => {
    const credential = await scene.credential(await scene.integration('Partner'));
    const partner = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = 'a-github-partner'`);
    const message = (n: number) =>
      Buffer.from(
        JSON.stringify([
          { token: credential.value, type: 'ours', url: `https://github.com/o/r/${n}`, source: 'commit' },
          { token: `made-up-${n}-token`, type: 'ours', url: '', source: 'commit' },
        ]),
      );
    const labels = async (body: Buffer) =>
      ((await spoken('github-partner', body)).json() as { label: string }[]).map(({ label }) => label);
    expect(await labels(message(1))).toEqual(['true_positive']);
    const changed = await scene.call('PATCH', `/api/v1/sources/${partner.id}`, {
      body: { settings: { inventoryIsComplete: true } },
      headers: { 'if-match': '*' },
    });
    expect(changed).toMatchObject({ status: 200, body: { settings: { inventoryIsComplete: true } } });
    expect(await labels(message(2))).toEqual(['true_positive', 'false_positive']);
    // The same message again is answered the same.
    expect(await labels(message(2))).toEqual(['true_positive', 'false_positive']);
    await scene.settled();
    expect(
      (await scene.rows(`SELECT FROM exposure WHERE version_id = $1`, [credential.versionId])).length,
    ).toBe(2);
    // One entry that cannot be read: the others are taken, and somebody is told of it.
    const [ours] = JSON.parse(message(3).toString()) as object[];
    expect(await labels(Buffer.from(JSON.stringify([{ token: 5 }, ours])))).toEqual(['true_positive']);
    await scene.settled();
    expect(
      (await scene.rows(`SELECT FROM exposure WHERE version_id = $1`, [credential.versionId])).length,
    ).toBe(3);
    expect((await scene.alerts('intake.unreadable')).at(-1)).toMatchObject({
      severity: 'critical',
      message: expect.stringMatching(/^1 entry of a delivery .* cannot be read, .*: body\/0\/token/),
    });
  });

  test('keys are fetched as GitHub publishes them, under their tag; a change is learnt by the first delivery', async () => {
    const asked: (string | undefined)[] = [];
    let list = voices['github-partner']!.otherKey;
    let tag = '"one"';
    answers.set('/meta/public_keys/secret_scanning', (request, _, response) => {
      asked.push(request.headers['if-none-match']);
      if (request.headers['if-none-match'] === tag) return void response.writeHead(304).end();
      response.writeHead(200, { etag: tag }).end(list);
    });
    const { id } = await scene.source({ key: 'published', kind: 'github-partner', apiBaseUrl: base });
    const speak = (key: string) => {
      const body = Buffer.from(`[{"token":"${newId()}","type":"t","url":""}]`);
      return deliver('published', body, voices['github-partner']!.headers(body, key, {}));
    };
    // No key at all: refused, and asked for.
    expect((await speak(list)).statusCode).toBe(202);
    expect(asked).toEqual([undefined]);
    const stranger = voices['github-partner']!.key;
    expect((await speak(stranger)).statusCode).toBe(401);
    world.clock.advance(16 * MINUTE);
    await world.app.get(PublishedKeys).refresh(BY);
    expect(asked.at(-1)).toBe('"one"');
    // GitHub changes its keys: the next delivery is signed with one that we do not know yet.
    const old = list;
    list = stranger;
    tag = '"two"';
    world.clock.advance(2 * MINUTE);
    expect((await speak(stranger)).statusCode).toBe(202);
    expect((await speak(old)).statusCode).toBe(401);
    expect(
      await scene.one(`SELECT published_tag, published_at IS NOT NULL AS known FROM source WHERE id = $1`, [
        id,
      ]),
    ).toEqual({ published_tag: '"two"', known: true });
    expect(
      await scene.rows(`SELECT FROM ledger_entry WHERE kind = 'source.published-keys-changed'`),
    ).toHaveLength(2);
  });
});

describe('security event tokens', () => {
  const push = (token: Buffer, headers: Record<string, string> = {}) =>
    deliver('a-set', token, { 'content-type': 'application/secevent+jwt', ...headers });
  const token = (more: object = {}, events: object = { [RISC]: { credential_type: 'api-key' } }) =>
    setOver(JSON.stringify(claimsOf(events, { jti: newId(), ...more })), voices['set']!.key);

  test('202 and nothing more; each refusal 400 with its code; what is off is denied', async () => {
    const good = token();
    const taken = await push(good);
    expect([taken.statusCode, taken.body]).toEqual([202, '']);
    expect((await push(good)).statusCode).toBe(202);
    const before = await deliveries();
    const code = async (body: Buffer, headers = {}) => {
      const answer = await push(body, headers);
      expect([answer.statusCode, answer.headers['content-type'], answer.headers['content-language']]).toEqual(
        [400, 'application/json; charset=utf-8', 'en'],
      );
      return (answer.json() as { err: string }).err;
    };
    expect(await code(good, { 'content-type': 'application/json' })).toBe('invalid_request');
    expect(await code(Buffer.from('x'))).toBe('invalid_request');
    expect(await code(token({}, {}))).toBe('invalid_request');
    expect(await code(token({ iss: 'https://x.example/' }))).toBe('invalid_issuer');
    expect(await code(token({ aud: 'https://x.example/' }))).toBe('invalid_audience');
    expect(await code(setOver('{}', voices['set']!.key, { kid: 'other' }))).toBe('invalid_key');
    expect(await code(setOver(JSON.stringify(claimsOf({})), voices['set']!.otherKey))).toBe(
      'authentication_failed',
    );
    expect(await deliveries()).toBe(before);
    const { id } = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = 'a-set'`);
    const edit = (change: object) =>
      scene.call('PATCH', `/api/v1/sources/${id}`, { body: change, headers: { 'if-match': '*' } });
    await edit({ active: false });
    expect(await code(token())).toBe('access_denied');
    // Who proves nothing is not told that there is such a source and that it is off.
    expect(await code(setOver(JSON.stringify(claimsOf({})), voices['set']!.otherKey))).toBe(
      'authentication_failed',
    );
    await edit({ active: true });
  });

  test('fetched by poll: acknowledged after they are stored, refused with their code, none twice', async () => {
    const waiting = new Map<string, string>();
    const refused: Record<string, unknown> = {};
    const asked: { authorization: string | undefined; ack: string[] }[] = [];
    answers.set('/poll', (request, body, response) => {
      const {
        ack = [],
        setErrs = {},
        maxEvents,
      } = JSON.parse(body) as {
        ack?: string[];
        setErrs?: Record<string, unknown>;
        maxEvents: number;
      };
      asked.push({ authorization: request.headers.authorization, ack });
      for (const jti of [...ack, ...Object.keys(setErrs)]) waiting.delete(jti);
      Object.assign(refused, setErrs);
      const sets = Object.fromEntries([...waiting].slice(0, Math.min(maxEvents, 2)));
      const moreAvailable = waiting.size > Object.keys(sets).length;
      response.end(JSON.stringify({ sets, moreAvailable }));
    });
    const settings = {
      issuer: 'https://idp.example/',
      audience: 'https://countersign.example',
      pollUrl: `${base}/poll`,
    };
    const { id } = await scene.source({
      key: 'polled',
      kind: 'set',
      keys: [voices['set']!.key],
      settings,
      apiToken: 'token-of-the-stream',
    });
    for (const jti of ['p1', 'p2', 'p3']) waiting.set(jti, token({ jti }).toString());
    waiting.set('bad', token({ jti: 'bad', iss: 'https://x.example/' }).toString());
    await world.app.get(PollSourcesSweep).sweep(BY);
    expect(waiting.size).toBe(0);
    expect(refused).toEqual({ bad: { err: 'invalid_issuer', description: expect.any(String) } });
    expect(asked[0]!.authorization).toBe('Bearer token-of-the-stream');
    const polled = () =>
      scene.rows(`SELECT delivery_id, via FROM delivery WHERE source_id = $1 ORDER BY delivery_id`, [id]);
    expect(await polled()).toEqual(['p1', 'p2', 'p3'].map((one) => ({ delivery_id: one, via: 'poll' })));
    // As after a death between storing and acknowledging.
    waiting.set('p1', token({ jti: 'p1' }).toString());
    const count = asked.length;
    await world.app.get(PollSourcesSweep).sweep(BY);
    // Its turn has not come.
    expect([waiting.size, asked.length]).toEqual([1, count]);
    world.clock.advance(20 * SECOND);
    await world.app.get(PollSourcesSweep).sweep(BY);
    expect([waiting.size, (await polled()).length]).toEqual([0, 3]);
    const source = async () => (await scene.call('GET', `/api/v1/sources/${id}`)).body;
    expect(await source()).toMatchObject({
      pollEverySeconds: 20,
      polled: { at: world.clock.date().toISOString(), taken: 1, refused: 0, problem: null },
    });

    // An hour between two questions; asked by hand before it is over.
    const change = (body: object) =>
      scene.call('PATCH', `/api/v1/sources/${id}`, { body, headers: { 'if-match': '*' } });
    expect(await change({ pollEverySeconds: 3600 })).toMatchObject({ body: { pollEverySeconds: 3600 } });
    expect((await change({ pollEverySeconds: 5 })).status).toBe(400);
    world.clock.advance(10 * MINUTE);
    waiting.set('p4', token({ jti: 'p4' }).toString());
    waiting.set('forged', setOver(JSON.stringify(claimsOf({})), voices['set']!.otherKey).toString());
    await world.app.get(PollSourcesSweep).sweep(BY);
    expect(waiting.size).toBe(2);
    const now = () => scene.call('POST', `/api/v1/sources/${id}/poll`);
    expect(await now()).toMatchObject({ status: 200, body: { taken: 1, refused: 1, problem: null } });
    expect([waiting.size, Object.keys(refused)]).toEqual([0, ['bad', 'forged']]);
    expect(refused['forged']).toMatchObject({ err: 'authentication_failed' });
    const log = await scene.call('GET', `/api/v1/sources/${id}/deliveries?only=refused`);
    expect(log.body).toMatchObject({
      deliveries: [
        {
          outcome: 'refused',
          via: 'poll',
          why: 'not-signed',
          reason: 'The signature does not fit the token.',
        },
        { outcome: 'refused', via: 'poll', why: 'not-signed', reason: expect.stringContaining('issuer') },
      ],
      refused: [{ why: 'not-signed', total: 2, lastWeek: 2 }],
    });

    answers.set('/poll', (_, __, response) => void response.writeHead(500).end());
    expect(await now()).toMatchObject({
      status: 200,
      body: { taken: 0, refused: 0, problem: 'The transmitter answered 500.' },
    });
    expect(await scene.alerts('intake.not-polled')).toMatchObject([{ severity: 'critical' }]);
    expect((await source()).polled.problem).toBe('The transmitter answered 500.');
    answers.set('/poll', (_, __, response) => void response.end('{"sets":{}}'));
    expect(await now()).toMatchObject({ body: { problem: null } });
    expect(await scene.alerts('intake.not-polled')).toEqual([]);
    await change({ active: false });
    expect(await now()).toMatchObject({ status: 409, body: { code: 'source-switched-off' } });
    const { id: pushes } = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = 'a-set'`);
    expect(await scene.call('POST', `/api/v1/sources/${pushes}/poll`)).toMatchObject({
      status: 409,
      body: { code: 'source-is-not-asked' },
    });
    expect(await scene.rows(`SELECT FROM ledger_entry WHERE kind = 'source.asked'`)).toHaveLength(3);
  });
});

test('keys that are published and prove nothing are counted, and it is said why', async () => {
  answers.set(
    '/unusable',
    (_, __, response) =>
      void response.end(
        JSON.stringify({
          keys: [
            { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ' },
            { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
          ],
        }),
      ),
  );
  const { id } = await scene.source({
    key: 'unusable',
    kind: 'set',
    keys: [],
    settings: {
      issuer: 'https://idp.example/',
      audience: 'us',
      pollUrl: `${base}/poll`,
      jwksUri: `${base}/unusable`,
    },
  });
  const asked = await scene.call('POST', `/api/v1/sources/${id}/poll`);
  expect(asked.body.problem).toMatch(
    /has 2 keys, and none that is usable: a symmetric key .*; a key that cannot be read/,
  );
  expect(asked.body.problem).not.toContain('has no key');
  const given = await scene.call('POST', `/api/v1/sources/${id}/keys`, {
    body: { key: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' },
  });
  expect([given.status, given.body]).toMatchObject([
    400,
    { errors: [{ problem: expect.stringMatching(/^has 1 key, and none that is usable/) }] },
  ]);
  await scene.call('PATCH', `/api/v1/sources/${id}`, {
    body: { active: false },
    headers: { 'if-match': '*' },
  });
});

describe('files', () => {
  test('the same leak through three sources is three exposures of one incident', async () => {
    const credential = await scene.credential(await scene.integration('Three ways'));
    const repo = scene.place();
    expect(await scene.alert({ number: 1, secret: credential.value }, { repo })).toMatchObject({
      status: 202,
    });
    expect(await scene.signed([{ ref: 'three-ways', value: credential.value }])).toMatchObject({
      status: 202,
    });
    const file = voices['gitleaks']!.leak(credential.value);
    expect(await hand('gitleaks', file, '&source=a-gitleaks')).toMatchObject({
      status: 202,
      body: { event: 'gitleaks.report', reports: 1, deliveryId: expect.any(String) },
    });
    // The same file again is the same delivery.
    expect(await hand('gitleaks', file, '&source=a-gitleaks')).toMatchObject({ status: 202 });
    const exposures = () =>
      scene.rows<{ incident_id: string; kind: string }>(
        `SELECT e.incident_id, s.kind FROM exposure e JOIN source s ON s.id = e.source_id
          WHERE e.version_id = $1 AND e.state = 'accepted' ORDER BY s.kind`,
        [credential.versionId],
      );
    await until(async () => (await exposures()).length === 3, 'all three are accepted');
    const rows = await exposures();
    expect(rows.map(({ kind }) => kind)).toEqual(['github', 'gitleaks', 'standard-webhooks']);
    expect(new Set(rows.map(({ incident_id }) => incident_id)).size).toBe(1);
    expect(
      await scene.one(`SELECT count(*)::int AS n FROM delivery WHERE via = 'file' AND redeliveries = 1`),
    ).toEqual({ n: 1 });
  });

  test('the date of a commit is when the leak came about, and no clock of knowing starts with it', async () => {
    const credential = await scene.credential(
      await scene.integration('Dated', { parties: [scene.customerId] }),
    );
    const [one] = JSON.parse(voices['gitleaks']!.leak(credential.value).toString('utf8')) as object[];
    const file = Buffer.from(JSON.stringify([{ ...one, Date: '2026-01-01T00:00:00Z' }]));
    expect(await hand('gitleaks', file, '&source=a-gitleaks')).toMatchObject({ status: 202 });
    const instants = () =>
      scene.rows<{ kind: string; at: Date }>(
        `SELECT DISTINCT i.kind, i.at FROM instant i JOIN exposure e ON e.incident_id = i.incident_id
          WHERE e.version_id = $1 AND i.kind IN ('occurred', 'detected')`,
        [credential.versionId],
      );
    await until(async () => (await instants()).length > 0, 'its instants stand');
    expect(await instants()).toEqual([{ kind: 'occurred', at: new Date('2026-01-01T00:00:00Z') }]);
  });

  test('every kind, in its bearer’s own name and by a party; never more than it takes', async () => {
    const credential = await scene.credential(
      await scene.integration('Files', { parties: [scene.customerId] }),
    );
    const party = await scene.token('party_contact', scene.customerId);
    const artifact = {
      vulnerabilities: [{ id: 'f', category: 'secret_detection', raw_source_code_extract: credential.value }],
    };
    for (const kind of FILES)
      expect(await hand(kind, voices[kind]!.leak(credential.value), '', party)).toMatchObject({
        status: 202,
        body: { reports: 1, deliveryId: null },
      });
    expect(await hand('gitlab', JSON.stringify(artifact))).toMatchObject({
      status: 202,
      body: { reports: 1 },
    });
    await scene.settled();
    expect(
      await scene.rows(`SELECT DISTINCT match FROM exposure WHERE version_id = $1`, [credential.versionId]),
    ).toEqual([{ match: 'value' }]);
    expect(await hand('csv', Buffer.alloc(1024 * 1024 + 1, 0x20))).toMatchObject({ status: 413 });
    expect(await hand('github', '{}')).toMatchObject({ status: 400, body: { errors: [{ field: 'kind' }] } });
    expect(await hand('csv', 'ref,value\n', '&source=nobody')).toMatchObject({ status: 404 });
    // A source of the operator is none of a party's business.
    expect(await hand('csv', 'ref,value\n', '&source=a-csv', party)).toMatchObject({ status: 404 });
    expect(await hand('csv', 'ref,value\n', '&source=a-sarif')).toMatchObject({ status: 400 });
    const many = `ref,value\n${Array.from({ length: 1001 }, (_, n) => `m${n},a-value-${n}`).join('\n')}`;
    expect(await hand('csv', many)).toMatchObject({ status: 400 });
    expect(await hand('csv', many, '&source=a-csv')).toMatchObject({ status: 202, body: { reports: 1001 } });
  });
});

describe('the delivery log', () => {
  const refusedOf = async (key: string, query = '') => {
    const { id } = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = $1`, [key]);
    return (await scene.call('GET', `/api/v1/sources/${id}/deliveries?only=refused${query}`)).body as {
      deliveries: Record<string, unknown>[];
      next: string | null;
      refused: { why: string; total: number; lastWeek: number }[];
    };
  };

  test('what is refused is on record: whose, why, its size and hash, never its body nor a secret header', async () => {
    const { id } = await scene.source({
      key: 'refusing',
      kind: 'gitlab',
      keys: [voices['gitlab']!.key],
      bodyLimit: 4096,
    });
    await scene.source({ key: 'keyless', kind: 'github' });
    const body = voices['gitlab']!.leak(CANARY);
    const good = voices['gitlab']!.headers(body, voices['gitlab']!.key, {
      id: newId(),
      at: world.clock.now(),
    });
    const send = async (key: string, payload: Buffer, headers: Record<string, string>) =>
      (await deliver(key, payload, headers)).statusCode;
    const tampered = Buffer.concat([body, Buffer.from(' ')]);
    const hostile = { 'x-gitlab-token': CANARY, 'user-agent': 'a\u0001b', authorization: `Bearer ${CANARY}` };
    expect(await send('refusing', tampered, hostile)).toBe(401);
    expect(await send('refusing', Buffer.alloc(5000, 0x20), good)).toBe(413);
    const broken = Buffer.from('{"object_kind":');
    const signed = voices['gitlab']!.headers(broken, voices['gitlab']!.key, {
      id: newId(),
      at: world.clock.now(),
    });
    expect(await send('refusing', broken, signed)).toBe(400);
    const { deliveries: rows, refused } = await refusedOf('refusing');
    const byWhy = Object.fromEntries(rows.map((row) => [row['why'], row]));
    expect(Object.keys(byWhy).toSorted()).toEqual(['not-signed', 'too-large', 'unreadable']);
    expect(byWhy['not-signed']).toMatchObject({
      outcome: 'refused',
      via: 'push',
      askedFor: 'refusing',
      deliveryId: null,
      size: tampered.length,
      sha256: createHash('sha256').update(tampered).digest('hex'),
      headers: { 'user-agent': 'a b', 'content-length': String(tampered.length) },
    });
    expect(byWhy['too-large']).toMatchObject({ size: 5000, sha256: null });
    expect(byWhy['unreadable']).toMatchObject({
      size: broken.length,
      reason: expect.stringContaining('body'),
    });
    expect(refused.map(({ total }) => total)).toEqual([1, 1, 1]);
    expect(JSON.stringify(await scene.rows(`SELECT * FROM refused_delivery`))).not.toContain(CANARY);

    // Nobody is told apart at the door; the log tells them.
    expect(await send('keyless', body, good)).toBe(401);
    await scene.call('PATCH', `/api/v1/sources/${id}`, {
      body: { active: false },
      headers: { 'if-match': '*' },
    });
    expect(await send('refusing', body, good)).toBe(401);
    expect(await send('glpat-0123456789abcdef', body, good)).toBe(401);
    expect(await send('Not-A-Key', body, good)).toBe(401);
    expect((await refusedOf('keyless')).deliveries).toMatchObject([{ why: 'no-key', sha256: null }]);
    expect((await refusedOf('refusing')).deliveries[0]).toMatchObject({ why: 'switched-off' });
    const elsewhere = await scene.call('GET', '/api/v1/sources/refused-deliveries');
    expect(elsewhere.body).toMatchObject({
      deliveries: [
        { askedFor: '…' },
        { askedFor: 'glpat-01…', why: 'unknown-source', headers: { 'content-type': expect.any(String) } },
      ],
      refused: [{ why: 'unknown-source', total: 2 }],
    });
  });

  test('a flood of refusals costs a few rows an hour and is counted to the last one; old rows go, the count stays', async () => {
    await scene.source({ key: 'flooded', kind: 'github', keys: [GITHUB_KEY] });
    const forged = (n: number) =>
      deliver('flooded', Buffer.from(`{"n":${n}}`), { 'x-hub-signature-256': 'sha256=00' });
    const before = await scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM refused_delivery`);
    for (let from = 0; from < 150; from += 30)
      await Promise.all(
        Array.from({ length: 30 }, async (_, n) => expect((await forged(from + n)).statusCode).toBe(401)),
      );
    const log = world.app.get(RefusedDeliveries);
    await log.flush();
    const first = await refusedOf('flooded', '&limit=15');
    expect(first).toMatchObject({ refused: [{ why: 'not-signed', total: 150, lastWeek: 150 }] });
    const second = await refusedOf('flooded', `&limit=15&before=${first.next}`);
    expect([first.deliveries.length, second.deliveries.length, second.next]).toEqual([15, 5, null]);
    const ids = [...first.deliveries, ...second.deliveries].map((one) => one['id']);
    expect(new Set(ids).size).toBe(20);
    const after = await scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM refused_delivery`);
    expect(after.n - before.n).toBe(20);
    // The next hour has a few of its own; a month later there is only the count.
    world.clock.advance(HOUR);
    await forged(151);
    expect((await refusedOf('flooded')).deliveries).toHaveLength(21);
    world.clock.advance(30 * ELAPSED_DAY + HOUR);
    await world.app.get(RefusedDeliveriesSweep).sweep(BY);
    expect(await refusedOf('flooded')).toMatchObject({
      deliveries: [],
      refused: [{ total: 151, lastWeek: 0 }],
    });
    await scene.work((db) =>
      db.query(
        `INSERT INTO refused_delivery (id, source_id, asked_for, via, why, said, correlation_id, received_at)
         SELECT gen_random_uuid(), s.id, s.key, 'push', 'stale', '', 'c', $1::timestamptz - n * interval '1 second'
           FROM source s, generate_series(1, 1100) AS n WHERE s.key = 'flooded'`,
        [world.clock.date()],
      ),
    );
    await world.app.get(RefusedDeliveriesSweep).sweep(BY);
    expect(
      await scene.one(
        `SELECT count(*)::int AS n FROM refused_delivery r JOIN source s ON s.id = r.source_id WHERE s.key = 'flooded'`,
      ),
    ).toEqual({ n: 1000 });
  });

  test('says what came, and goes through it once more: what is placed stays, what is not is matched anew', async () => {
    const value = `later-known-${newId()}`;
    await scene.signed(
      [
        { ref: 'log-1', value },
        { ref: 'log-2', sha256: 'ab'.repeat(32) },
      ],
      { id: 'log-delivery' },
    );
    await scene.settled();
    const source = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = 'reports'`);
    const page = async () =>
      (await scene.call('GET', `/api/v1/sources/${source.id}/deliveries?limit=200`)).body as {
        deliveries: Record<string, unknown>[];
      };
    const line = async () => (await page()).deliveries.find((one) => one['deliveryId'] === 'log-delivery')!;
    expect(await line()).toMatchObject({
      via: 'push',
      outcome: 'accepted',
      reports: 2,
      inTriage: 2,
      replays: 0,
    });
    // Its version is written down without telling anybody, as by hand in the database.
    const integration = await scene.integration('Log');
    await scene.credential(integration, { value });
    const replay = (id: unknown, token?: string) =>
      scene.call('POST', `/api/v1/sources/deliveries/${String(id)}/replay`, token ? { token } : {});
    const { id } = await line();
    expect(await replay(id)).toMatchObject({ status: 200, body: { matching: 2, fetching: 0 } });
    await scene.settled();
    expect(await scene.exposureOf('log-1')).toMatchObject({ state: 'accepted', match: 'value' });
    expect(await scene.exposureOf('log-2')).toMatchObject({ state: 'triage' });
    expect(await line()).toMatchObject({ inTriage: 1, replays: 1, replayedAt: expect.any(String) });
    expect(await replay(id)).toMatchObject({ status: 200, body: { matching: 1 } });
    await scene.settled();
    expect(await replay(newId())).toMatchObject({ status: 404 });
    expect(await replay(id, await scene.token('auditor'))).toMatchObject({ status: 403 });
    await scene.alert({ number: 1 }, { body: Buffer.from('{"zen":"x"}'), event: 'ping', id: 'log-ping' });
    const ping = await scene.one<{ id: string }>(`SELECT id FROM delivery WHERE delivery_id = 'log-ping'`);
    expect(await replay(ping.id)).toMatchObject({ status: 409, body: { code: 'nothing-to-replay' } });
  });
});

describe('hostile deliveries', () => {
  const value = `${CANARY}-hostile`;
  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const bodies: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a bare value', Buffer.from(value)],
    ['a JSON text', Buffer.from(`"${value}"`)],
    ['deep', Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)],
    ['wide', Buffer.from(`[${'0,'.repeat(200_000)}0]`)],
    ['a member twice', Buffer.from(`{"a":"${value}","a":"${value}"}`)],
    ['a prototype', Buffer.from(`{"__proto__":{"a":"${value}"},"constructor":{"prototype":{}}}`)],
    ['ill-formed UTF-8', bytes(`{"a":"${value}`, [0xc3, 0x28, 0xff], '"}')],
    ['UTF-16', Buffer.from(`{"a":"${value}"}`, 'utf16le')],
    ['a NUL', Buffer.from(`{"a":"${value}\\u0000"}`)],
    ['half a pair', Buffer.from(`{"a":"${value}\\ud800"}`)],
    [
      'numbers beyond all',
      Buffer.from(`{"a":1e999,"b":-0,"c":123456789012345678901234567890,"d":"${value}"}`),
    ],
    [
      'formula, markup, escape codes',
      Buffer.from(`{"a":"=cmd|' /C calc'!A0<script>${value}</script>\\u001b[2J"}`),
    ],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex')],
  ];
  /** The same inside of what the kind takes, so that it is read to the end. */
  const inside = [
    `{"a":"${value}"}`,
    '['.repeat(5000) + ']'.repeat(5000),
    `{"${value}":1,"${value}":2}`,
    `{"__proto__":"${value}"}`,
    `"${value}\\u0000"`,
    `"${value}\\ud800"`,
    '1e999',
  ];

  test('each of each kind: an answer below 500, nothing half stored, no secret anywhere', async () => {
    const statuses = new Set<number>();
    for (const kind of SIGNED) {
      const all = [...bodies.map(([, body]) => body), ...inside.map((one) => voices[kind]!.around(one))];
      for (const body of all) {
        const before = await deliveries();
        const answer = await spoken(kind, body);
        statuses.add(answer.statusCode);
        expect(answer.statusCode).toBeLessThan(500);
        expect(answer.body).not.toContain(CANARY);
        if (answer.statusCode >= 400) expect(await deliveries()).toBe(before);
      }
    }
    for (const kind of [...FILES, 'gitlab']) {
      const all = [...bodies.map(([, body]) => body), ...inside.map((one) => voices[kind]!.around(one))];
      for (const body of all) {
        const before = await deliveries();
        const answer = await hand(kind, body);
        statuses.add(answer.status);
        expect(answer.status).toBeLessThan(500);
        expect(JSON.stringify(answer.body)).not.toContain(CANARY);
        expect(await deliveries()).toBe(before);
      }
    }
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([202, 400, 401]);
  });

  test('headers that are empty, endless, or say something else', async () => {
    for (const kind of SIGNED) {
      const body = voices[kind]!.leak(CANARY);
      const good = voices[kind]!.headers(body, voices[kind]!.key, { id: newId(), at: world.clock.now() });
      const before = await deliveries();
      for (const name of Object.keys(good).filter((one) => one !== 'content-type')) {
        for (const text of ['', 'x'.repeat(8000), "'; DROP TABLE delivery; --", 'é'.normalize('NFC')]) {
          const answer = await deliver(`a-${kind}`, body, { ...good, [name]: text });
          expect(answer.statusCode).toBeLessThan(500);
          if (name.includes('signature')) expect(answer.statusCode).toBe(401);
        }
      }
      expect((await deliveries()) - before).toBeLessThanOrEqual(3);
    }
    const odd = await deliver('a-set', voices['set']!.leak(''), {
      'content-type': 'application/secevent+jwt',
      authorization: TRANSMITTER,
    });
    expect(odd.statusCode).toBe(202);
  });

  test('no secret stands in a row or a line of the log', async () => {
    await scene.settled();
    const stored = await scene.everythingStored();
    for (const spelled of spellingsOf(value)) {
      expect(stored).not.toContain(spelled);
      expect(world.log.text).not.toContain(spelled);
    }
    expect(stored).not.toContain(CANARY);
    expect(world.log.text).not.toContain(CANARY);
  });
});
