import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { newId } from '../../src/kernel/ids.ts';
import { ELAPSED_DAY, MINUTE } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene } from '../support/leak-scene.ts';
import { CANARY, voices } from '../support/source-voices.ts';

let world: TestApp;
let scene: LeakScene;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'github', kind: 'github', keys: [GITHUB_KEY] });
});
afterAll(() => world.close());

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

  test('an address that would never be dialled is refused when it is given, with its field', async () => {
    const make = (kind: string, more: object) =>
      scene.call('POST', '/api/v1/sources', { body: { key: 'inside', kind, name: 'Inside', ...more } });
    const set = { issuer: 'https://idp.example/', audience: 'us' };
    for (const [field, problem, kind, more] of [
      ['/apiBaseUrl', /public address/, 'github', { apiBaseUrl: 'https://169.254.169.254' }],
      ['/apiBaseUrl', /https/, 'github', { apiBaseUrl: 'http://github.example' }],
      ['/apiBaseUrl', /machine itself/, 'github', { apiBaseUrl: 'https://localhost' }],
      ['/settings/jwksUri', /public address/, 'set', { settings: { ...set, jwksUri: 'https://[::1]/jwks' } }],
      ['/settings/pollUrl', /public address/, 'set', { settings: { ...set, pollUrl: 'https://10.0.0.8/p' } }],
    ] as const) {
      const { status, body } = await make(kind, more);
      expect([status, body]).toMatchObject([
        400,
        { errors: [{ field, problem: expect.stringMatching(problem), mend: expect.stringMatching(/./) }] },
      ]);
    }
    expect((await make('github', { apiBaseUrl: 'https://a:b@x.example' })).status).toBe(400);
    const made = await scene.source({ key: 'outside', kind: 'set', keys: [], settings: set });
    const moved = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { settings: { ...set, pollUrl: 'https://192.168.1.1/poll' } },
      headers: { 'if-match': '*' },
    });
    expect([moved.status, moved.body]).toMatchObject([400, { errors: [{ field: '/settings/pollUrl' }] }]);
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

  test('a list of public keys is added as it is given when the source is made', async () => {
    const { body: made } = await scene.call('POST', '/api/v1/sources', {
      body: { key: 'partner-list', kind: 'github-partner', name: 'A partner' },
    });
    const one = () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = publicKey.export({ type: 'spki', format: 'pem' });
      return { key_identifier: randomUUID(), key, is_current: true };
    };
    const key = JSON.stringify({ public_keys: Array.from({ length: 8 }, one) });
    expect(key.length).toBeGreaterThan(1000);
    expect(await scene.call('POST', `/api/v1/sources/${made.id}/keys`, { body: { key } })).toMatchObject({
      status: 201,
    });
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
    ...['nonsense', 'https://', 'https://a b/', 'https://u:p@a.example', 'https://a.example/?q'].map(
      (apiBaseUrl) => [{ key: 'x6', kind: 'github', apiBaseUrl }, 400] as const,
    ),
    ...['nonsense', 'https://u:p@a.example/poll'].map(
      (pollUrl) => [{ key: 'x7', kind: 'set', settings: { pollUrl } }, 400] as const,
    ),
    [{ key: 'x5', kind: 'github', partyId: newId() }, 400],
    [{ key: 'github', kind: 'github' }, 409],
  ])('%j is refused', async (input, status) => {
    const answer = await scene.call('POST', '/api/v1/sources', { body: { name: 'A source', ...input } });
    expect(answer.status).toBe(status);
  });
});

describe('on the wire, each kind', () => {
  const SIGNED = Object.keys(voices).filter((kind) => !voices[kind]!.source.filesOnly);
  /** Kinds that sign the time at which they speak. */
  const TIMED = ['gitguardian', 'gitlab', 'standard-webhooks'];
  let port: number;

  beforeAll(async () => {
    for (const kind of SIGNED)
      await scene.source({
        key: `wire-${kind}`,
        kind,
        keys: [voices[kind]!.key],
        bodyLimit: 64 * 1024,
        ...(kind === 'set'
          ? { settings: { issuer: 'https://idp.example/', audience: 'https://countersign.example' } }
          : {}),
      });
    await world.app.listen(0, '127.0.0.1');
    ({ port } = world.app.getHttpServer().address() as AddressInfo);
  });

  const headersOf = (kind: string, body: Buffer, at = world.clock.now()) =>
    voices[kind]!.headers(body, voices[kind]!.key, { id: newId(), at });

  /** What the server says to these bytes; it ends the connection, or we do when it has answered. */
  function speak(kind: string, lines: string[], ...pieces: (Buffer | string)[]): Promise<number> {
    const socket = connect(port, '127.0.0.1');
    const head = [
      `POST /api/v1/intake/wire-${kind} HTTP/1.1`,
      'host: x',
      'connection: close',
      ...lines,
      '',
      '',
    ];
    return new Promise((resolve, reject) => {
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1');
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(said)?.[1];
        if (status === undefined) return;
        socket.destroy();
        resolve(Number(status));
      });
      // A server that has answered may close before the last of a flood has left.
      socket.on('error', () => {});
      socket.on('close', () => reject(new Error(`closed without an answer: ${kind} ${said}`)));
      socket.write(head.join('\r\n'));
      for (const piece of pieces) socket.write(piece);
    });
  }
  const plain = (headers: Record<string, string>) =>
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const send = (kind: string, body: Buffer, more: string[] = [], headers = headersOf(kind, body)) =>
    speak(kind, [...plain(headers), `content-length: ${body.length}`, ...more], body);
  const chunk = (bytes: Buffer | string) => `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
  const bugs = () => world.log.lines.filter((line) => line.includes('a request ended in an unknown error'));
  const kept = async () => (await scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM delivery`)).n;

  test.each(SIGNED)(
    '%s: odd bytes, types, encodings and headers are answered, and below 500',
    async (kind) => {
      const body = voices[kind]!.leak(CANARY);
      const zipped = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20));
      const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]);
      const typed = (type: string) => ({ ...headersOf(kind, body), 'content-type': type });
      const before = await kept();
      const answers = [
        await send(kind, marked),
        // Nothing is unpacked: what is signed are the bytes as they came.
        await send(kind, zipped, ['content-encoding: gzip']),
        await send(kind, gzipSync(body), ['content-encoding: gzip']),
        await send(kind, body, [], typed('application/json; charset=utf-16')),
        await send(kind, body, [], typed('text/html')),
        await send(kind, body, [], typed('multipart/form-data; boundary=x')),
        await send(kind, body, ['content-encoding: gzip, gzip, gzip']),
        await send(kind, Buffer.from(body.toString('latin1').replaceAll('"', '\u0000'), 'latin1')),
        // Each header twice: which of the two was signed is nobody's to choose.
        await speak(
          kind,
          [
            ...plain(headersOf(kind, body)),
            ...plain(headersOf(kind, body)),
            `content-length: ${body.length}`,
          ],
          body,
        ),
        await send(
          kind,
          body,
          Array.from({ length: 150 }, (_, n) => `x-flood-${n}: ${'y'.repeat(200)}`),
        ),
        await send(
          kind,
          body,
          Array.from({ length: 1500 }, (_, n) => `a${n}:`),
        ),
      ];
      expect(answers.filter((status) => status >= 500)).toEqual([]);
      expect(answers.at(-2)).toBe(431);
      expect([400, 401]).toContain(answers[1]);
      expect(await kept()).toBeLessThanOrEqual(before + 7);
      expect(bugs()).toEqual([]);
    },
  );

  test.each(SIGNED)(
    '%s: a body in chunks, without an end, without a length, with a wrong one',
    async (kind) => {
      const body = voices[kind]!.leak(`${CANARY}-in-chunks`);
      const chunked = ['transfer-encoding: chunked', ...plain(headersOf(kind, body))];
      const halves = [chunk(body.subarray(0, 20)), chunk(body.subarray(20)), '0\r\n\r\n'];
      expect(await speak(kind, chunked, ...halves)).toBe(202);
      const before = await kept();
      // Over the limit without having said so; the rest is not waited for.
      const flood = Array.from({ length: 70 }, () => chunk(Buffer.alloc(1024, 0x20)));
      expect(await speak(kind, chunked, ...flood)).toBe(413);
      expect(await speak(kind, [...plain(headersOf(kind, body)), 'content-length: 99999999'], body)).toBe(
        413,
      );
      expect(await speak(kind, [...plain(headersOf(kind, body)), 'content-length: -1'], body)).toBe(400);
      expect(await speak(kind, [...chunked, `content-length: ${body.length}`], ...halves)).toBe(400);
      expect(await speak(kind, chunked, 'zz\r\n')).toBe(400);
      // Whoever goes away in the middle leaves nothing behind, and is no fault of ours.
      const gone = connect(port, '127.0.0.1');
      const lines = [
        `POST /api/v1/intake/wire-${kind} HTTP/1.1`,
        'host: x',
        ...plain(headersOf(kind, body)),
        'content-length: 5000',
        '',
        '',
      ];
      await new Promise<void>((resolve) =>
        gone.write(lines.join('\r\n') + body.subarray(0, 10).toString('latin1'), () => resolve()),
      );
      gone.destroy();
      expect(await send(kind, body)).toBe(202);
      expect((await kept()) - before).toBeLessThanOrEqual(1);
      expect(bugs()).toEqual([]);
    },
  );

  test.each(SIGNED)(
    '%s: replayed it is one delivery; from another time it is refused where the time is signed',
    async (kind) => {
      const body = voices[kind]!.leak(`${CANARY}-replayed`);
      const headers = headersOf(kind, body);
      expect(await send(kind, body, [], headers)).toBe(202);
      const once = await kept();
      expect(await send(kind, body, [], headers)).toBe(202);
      expect(await kept()).toBe(once);
      for (const off of [-6 * MINUTE, 6 * MINUTE, 400 * ELAPSED_DAY]) {
        const other = voices[kind]!.leak(`${CANARY}-${off}`);
        const status = await send(kind, other, [], headersOf(kind, other, world.clock.now() + off));
        if (TIMED.includes(kind)) expect([kind, off, status]).toEqual([kind, off, 401]);
        else expect(status).toBeLessThan(500);
      }
      const { id } = await scene.one<{ id: string }>(`SELECT id FROM source WHERE key = $1`, [
        `wire-${kind}`,
      ]);
      const { body: log } = await scene.call(
        'GET',
        `/api/v1/sources/${id}/deliveries?only=refused&limit=200`,
      );
      const stale = log.deliveries.filter(({ why }: { why: string }) => why === 'stale');
      expect(stale).toHaveLength(TIMED.includes(kind) ? 3 : 0);
    },
  );
});
