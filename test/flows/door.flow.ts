import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { InjectOptions } from 'fastify';
import { system } from '../../src/kernel/principal.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';

let world: TestApp;
let admin: string;

beforeAll(async () => {
  world = await startApp();
  admin = await world.token('admin');
});
afterAll(() => world.close());

const ask = (request: InjectOptions) => world.app.inject(request);
const asAdmin = (request: InjectOptions) =>
  ask({ ...request, headers: { authorization: `Bearer ${admin}`, ...request.headers } });
const user = {
  email: 'Rita@operator.example',
  name: 'Rita',
  roles: ['responder'],
  password: 'correct horse battery',
};

describe('who comes in', () => {
  test('without a token nobody; with one, who it says', async () => {
    const refused = await ask({ url: '/api/v1/me' });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['content-type']).toMatch('application/problem+json');
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(refused.json()).toMatchObject({
      code: 'unauthenticated',
      status: 401,
      correlationId: refused.headers['x-correlation-id'],
    });

    const me = await asAdmin({ url: '/api/v1/me' });
    expect(me.json()).toMatchObject({ kind: 'token', roles: ['admin'], partyId: null });
  });

  test('a role without the permission is refused before its body is read', async () => {
    const auditor = await world.token('auditor');
    const answer = await ask({
      method: 'POST',
      url: '/api/v1/users',
      headers: { authorization: `Bearer ${auditor}`, 'content-type': 'application/json' },
      payload: '{"not json',
    });
    expect(answer.statusCode).toBe(403);
  });

  test('a revoked token is nobody at once, and so is one that has expired', async () => {
    const made = await asAdmin({
      method: 'POST',
      url: '/api/v1/tokens',
      payload: { name: 'ci', role: 'auditor' },
    });
    expect(made.statusCode).toBe(201);
    const { id, value } = made.json<{ id: string; value: string }>();
    expect(value).toMatch(/^cs_[\w-]{43}$/);
    const me = () => ask({ url: '/api/v1/me', headers: { authorization: `Bearer ${value}` } });
    expect((await me()).statusCode).toBe(200);
    expect((await asAdmin({ method: 'DELETE', url: `/api/v1/tokens/${id}` })).statusCode).toBe(204);
    expect((await me()).statusCode).toBe(401);
  });

  test('every spelling of an address meets the same guard or nothing', async () => {
    for (const url of [
      '/api/v1/users/',
      '//api/v1/users',
      '/api/v1/%75sers',
      '/API/v1/users',
      '/api/v1/users;x=1',
      '/api/v1/../v1/users',
      '/api/v1/users%2f',
    ]) {
      expect([401, 404]).toContain((await ask({ url })).statusCode);
    }
    expect((await ask({ method: 'HEAD', url: '/api/v1/users' })).statusCode).toBe(401);
  });

  test.each(['/api/v1/parties/%ff', '/%zz', '/api/v1/parties/%E0%A4%A'])(
    'the address %s cannot be read',
    async (url) => {
      const answer = await asAdmin({ url });
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toMatch('application/problem+json');
      expect(answer.json()).toMatchObject({
        code: 'bad-address',
        correlationId: answer.headers['x-correlation-id'],
        errors: [{ field: 'path', mend: expect.any(String) }],
      });
    },
  );

  test.each([
    ['BREW', 400, 'unknown-method'],
    ['PROPFIND', 405, 'method-not-allowed'],
  ])('the method %s gets a problem document', async (method, status, code) => {
    if (!world.app.getHttpServer().listening) await world.app.listen(0, '127.0.0.1');
    const { port } = world.app.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.end(`${method} /api/v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status, code });
  });

  test('another method than the address takes: 405, and which it takes', async () => {
    for (const [method, url, allow] of [
      ['GET', '/api/v1/intake/github', 'POST'],
      ['HEAD', '/api/v1/intake/github', 'POST'],
      ['DELETE', '/api/v1/users', 'GET, HEAD, POST'],
      ['PUT', '/api/v1/tokens/x?y=1', 'DELETE'],
    ] as const) {
      const answer = await ask({ method, url });
      expect([answer.statusCode, answer.headers['allow']]).toEqual([405, allow]);
      if (method !== 'HEAD') expect(answer.json()).toMatchObject({ status: 405, code: 'method-not-allowed' });
    }
    expect((await ask({ method: 'DELETE', url: '/nowhere' })).statusCode).toBe(404);
  });

  test('HEAD answers as GET does, without a body', async () => {
    if (!world.app.getHttpServer().listening) await world.app.listen(0, '127.0.0.1');
    const { port } = world.app.getHttpServer().address() as AddressInfo;
    const headers = { authorization: `Bearer ${admin}` };
    for (const path of ['/healthz', '/readyz', '/api/v1/users', '/api/openapi.json', '/sign-in']) {
      const url = `http://127.0.0.1:${port}${path}`;
      const [head, get] = [
        await fetch(url, { method: 'HEAD', headers }),
        await fetch(url, { method: 'GET', headers }),
      ];
      const said = ({ status, headers: all }: Response) => [
        path,
        status,
        ...['content-type', 'content-length', 'cache-control', 'allow'].map((name) => all.get(name)),
      ];
      expect(said(head)).toEqual(said(get));
      expect(head.status).toBe(200);
      expect(await head.text()).toBe('');
      expect(await get.text()).not.toBe('');
    }
  });

  test('what is nowhere is a problem document', async () => {
    const answer = await ask({ url: '/nowhere' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not-found' });
  });
});

describe('a list', () => {
  test.each(['/me', '/users', '/tokens', '/sources', '/exposures'])(
    '%s refuses a parameter that it does not know',
    async (list) => {
      const answer = await asAdmin({ url: `/api/v1${list}?limti=3` });
      expect(answer.json()).toMatchObject({ status: 400, errors: [{ mend: 'Leave out limti.' }] });
    },
  );

  test.each(['users', 'tokens', 'sources'])('of %s comes page by page, each row once', async (list) => {
    for (const n of [1, 2, 3, 4]) {
      const body = {
        users: { email: `page${n}@operator.example`, name: 'P', roles: ['auditor'] },
        tokens: { name: `page ${n}`, role: 'auditor' },
        sources: { key: `page-${n}`, kind: 'github', name: `Page ${n}`, keys: ['the key of a webhook'] },
      }[list];
      const made = await asAdmin({ method: 'POST', url: `/api/v1/${list}`, payload: body! });
      expect([made.statusCode, made.body]).toEqual([201, expect.any(String)]);
    }
    type Page = { next: string | null } & Record<string, { id: string }[]>;
    const page = async (query: string) => (await asAdmin({ url: `/api/v1/${list}?${query}` })).json<Page>();
    const ids = ({ [list]: rows }: Page) => rows!.map(({ id }) => id);
    const whole = await page('limit=200');
    const seen: string[] = [];
    let cursor = '';
    do {
      const one = await page(`limit=3${cursor}`);
      expect(ids(one).length).toBeLessThanOrEqual(3);
      seen.push(...ids(one));
      cursor = one.next === null ? '' : `&cursor=${one.next}`;
    } while (cursor);
    expect(seen).toEqual(ids(whole));
    expect(seen.length).toBeGreaterThanOrEqual(4);
  });
});

describe('what is taken', () => {
  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    asAdmin({
      method: 'POST',
      url: '/api/v1/users',
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    });

  test.each([
    ['{"email":"a@b.example","email":"c@d.example"}', 400, 'json-duplicate-key', '/email'],
    ['{"__proto__":{"x":1}}', 400, 'json-forbidden-key', '/__proto__'],
    ['{"name":"a\\u0000b"}', 400, 'json-forbidden-character', '/name'],
    ['['.repeat(5000), 400, 'json-too-deep', expect.any(String)],
    ['{', 400, 'json-syntax', '/'],
    ['', 400, 'invalid-input', '/'],
    ['null', 400, 'invalid-input', '/'],
    ['{"name":"x","roles":["emperor"],"email":"nobody"}', 400, 'invalid-input', '/email'],
  ])('%.40s: %i %s', async (body, status, code, field) => {
    const answer = await post(body);
    expect(answer.json()).toMatchObject({
      status,
      code,
      errors: expect.arrayContaining([expect.objectContaining({ field, mend: expect.any(String) })]),
    });
    expect(answer.statusCode).toBe(status);
  });

  test('ill-formed UTF-8, another encoding and another type are refused', async () => {
    expect((await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).json()).toMatchObject({
      code: 'json-encoding',
    });
    expect((await post('{}', { 'content-type': 'application/json; charset=utf-16' })).statusCode).toBe(415);
    expect((await post('{}', { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await post('{}', { 'content-type': 'application/json\t; x' })).statusCode).toBeLessThan(500);
    expect(
      (
        await asAdmin({
          method: 'POST',
          url: '/api/v1/users',
          payload: Buffer.from('{}'),
          headers: { 'content-type': '' },
        })
      ).statusCode,
    ).toBe(415);
  });

  test('too large is known before it is read', async () => {
    expect((await post(`"${'x'.repeat(1_000_001)}"`)).statusCode).toBe(413);
  });

  test('ten thousand bad items cost a hundred errors and little time', async () => {
    const answer = await post(
      JSON.stringify({ ...user, roles: Array.from({ length: 10_000 }, () => 'emperor') }),
    );
    expect(answer.json<{ errors: unknown[]; errorsLeftOut?: number }>().errors.length).toBeLessThanOrEqual(
      100,
    );
  });

  test('a path that names nothing of the right form is a 404', async () => {
    for (const id of ['1', "'", '%00', '..%2f', 'x'.repeat(150), '00000000-0000-4000-8000-000000000000']) {
      expect((await asAdmin({ method: 'DELETE', url: `/api/v1/tokens/${id}` })).statusCode).toBe(404);
    }
  });
});

describe('a POST that creates', () => {
  test('answers a repeat with what it answered first', async () => {
    const request: InjectOptions = {
      method: 'POST',
      url: '/api/v1/users',
      payload: user,
      headers: { 'idempotency-key': 'k1' },
    };
    const first = await asAdmin(request);
    const again = await asAdmin(request);
    expect(first.statusCode).toBe(201);
    expect(again.statusCode).toBe(201);
    expect(again.json()).toEqual(first.json());
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location });
    const other = await asAdmin({ ...request, payload: { ...user, name: 'Another' } });
    expect(other.json()).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });

  test('runs once when asked twice at the same moment', async () => {
    const request: InjectOptions = {
      method: 'POST',
      url: '/api/v1/users',
      payload: { ...user, email: 'twice@operator.example' },
      headers: { 'idempotency-key': 'k2' },
    };
    const codes = (await Promise.all([asAdmin(request), asAdmin(request), asAdmin(request)])).map(
      (answer) => answer.statusCode,
    );
    expect(codes.filter((code) => code === 201).length).toBeGreaterThanOrEqual(1);
    expect(codes.every((code) => code === 201 || code === 409)).toBe(true);
    const { users } = (await asAdmin({ url: '/api/v1/users' })).json<{ users: { email: string }[] }>();
    expect(users.filter(({ email }) => email === 'twice@operator.example')).toHaveLength(1);
  });

  test('whose process died runs anew if it had stored nothing, and is said to be lost if it had', async () => {
    const request = (email: string, key: string): InjectOptions => ({
      method: 'POST',
      url: '/api/v1/users',
      payload: { ...user, email },
      headers: { 'idempotency-key': key },
    });
    const rows = (sql: string) =>
      world.app.get(Transactions).run(system('test', 'test'), (db) => db.query(sql));
    const first = request('stored@operator.example', 'k4');
    expect((await asAdmin(first)).statusCode).toBe(201);
    // The mark came from the transaction of the request itself.
    expect(await rows(`SELECT stored, status FROM idempotency_key WHERE key = 'k4'`)).toEqual([
      { stored: true, status: 201 },
    ]);
    const died = `status = NULL, body = NULL, held_until = clock_timestamp()`;
    await rows(`UPDATE idempotency_key SET ${died} + interval '1 minute' WHERE key = 'k4'`);
    expect((await asAdmin(first)).json()).toMatchObject({ status: 409, code: 'in-progress' });
    await rows(`UPDATE idempotency_key SET ${died} - interval '1 second' WHERE key = 'k4'`);
    expect((await asAdmin(first)).json()).toMatchObject({ status: 409, code: 'answer-lost' });

    const second = request('anew@operator.example', 'k5');
    expect((await asAdmin(second)).statusCode).toBe(201);
    await rows(
      `DELETE FROM user_role WHERE user_id IN (SELECT id FROM user_account WHERE email = 'anew@operator.example')`,
    );
    await rows(`DELETE FROM user_account WHERE email = 'anew@operator.example'`);
    await rows(`UPDATE idempotency_key SET ${died} - interval '1 second', stored = false WHERE key = 'k5'`);
    expect((await asAdmin(second)).statusCode).toBe(201);
  });

  test('that was refused may be sent again', async () => {
    const request: InjectOptions = {
      method: 'POST',
      url: '/api/v1/users',
      payload: { ...user, email: 'anew@operator.example' },
      headers: { 'idempotency-key': 'k6' },
    };
    expect((await asAdmin(request)).json()).toMatchObject({ code: 'email-taken' });
    expect(
      (await asAdmin({ ...request, payload: { ...user, email: 'free@operator.example' } })).statusCode,
    ).toBe(201);
  });

  test('never shows a token twice', async () => {
    const request: InjectOptions = {
      method: 'POST',
      url: '/api/v1/tokens',
      payload: { name: 'once', role: 'auditor' },
      headers: { 'idempotency-key': 'k3' },
    };
    const first = await asAdmin(request);
    expect(first.statusCode).toBe(201);
    expect((await asAdmin(request)).json()).toMatchObject({ status: 409, code: 'answered-once' });
    const { value } = first.json<{ value: string }>();
    const rows = await world.app.get((await import('typeorm')).DataSource).query('SELECT current_user');
    expect(rows).toHaveLength(1);
    expect(world.log.text).not.toContain(value);
  });

  test('is refused in the same words for a taken address', async () => {
    expect((await asAdmin({ method: 'POST', url: '/api/v1/users', payload: user })).json()).toMatchObject({
      status: 409,
      code: 'email-taken',
    });
  });
});

describe('what the process says of itself', () => {
  test('alive, ready, measured, described', async () => {
    expect((await ask({ url: '/healthz' })).json()).toEqual({ alive: true });
    const ready = await ask({ url: '/readyz' });
    expect(ready.json()).toMatchObject({
      ready: true,
      parts: { database: 'ok', migrations: 'ok', clock: 'ok' },
    });
    expect((await ask({ url: '/metrics' })).statusCode).toBe(401);
    expect((await asAdmin({ url: '/metrics' })).statusCode).toBe(200);
    const described = (await ask({ url: '/api/openapi.json' })).json<{
      openapi: string;
      paths: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    }>();
    expect(described.openapi).toBe('3.1.0');
    expect(described.paths['/api/v1/tokens']).toMatchObject({
      post: { 'x-permission': 'tokens:create', requestBody: expect.anything() },
    });
    expect(described.components.schemas).toMatchObject({
      CreateToken: expect.anything(),
      Problem: expect.anything(),
    });
  });

  test('pages may load nothing from elsewhere', async () => {
    const { headers } = await ask({ url: '/healthz' });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect((await ask({ url: '/assets/htmx/htmx.min.js' })).statusCode).toBe(200);
    expect((await ask({ url: '/assets/htmx/../package.json' })).statusCode).toBe(404);
  });
});
