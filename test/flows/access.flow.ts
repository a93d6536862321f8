import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Body, Controller, Get, Module, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest, InjectOptions } from 'fastify';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { newId } from '../../src/kernel/ids.ts';
import { system, type Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { LinksService } from '../../src/domain/access/links.service.ts';
import { By, Permission, PerMinute, Public } from '../../src/domain/access/route.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Lifecycle } from '../../src/platform/health/lifecycle.ts';
import { startApp, type TestApp } from '../support/app.ts';

/** A console in three routes: what a real page goes through, without a page. */
@Controller('trial')
class TrialPages {
  constructor(private readonly access: AccessService) {}

  @Get('sign-in')
  @Public({ why: 'a trial', face: 'console' })
  form(@Res({ passthrough: true }) reply: FastifyReply): { token: string } {
    return { token: reply.generateCsrf() };
  }

  @Post('sign-in')
  @Public({ why: 'a trial', face: 'console' })
  async signIn(
    @Body() body: { email: string; password: string },
    @Req() request: FastifyRequest,
  ): Promise<object> {
    const judged = await this.access.authenticate(body.email, Secret.of(body.password), {
      correlationId: request.correlationId,
    });
    if (!judged.ok) return judged.error;
    await request.session.regenerate();
    request.session.userId = judged.value.userId;
    return { in: true };
  }

  @Get('desk')
  @Permission('incidents:read', { face: 'console' })
  desk(@By() by: Principal, @Res({ passthrough: true }) reply: FastifyReply): object {
    return { roles: by.roles, token: reply.generateCsrf() };
  }

  @Post('desk')
  @Permission('incidents:act', { face: 'console' })
  act(): object {
    return { acted: true };
  }

  @Get('hurried')
  @Public({ why: 'a trial' })
  @PerMinute(3)
  hurried(): object {
    return {};
  }

  @Get('broken')
  @Public({ why: 'a trial' })
  broken(): never {
    throw new Error('the secret is hunter2');
  }
}
@Module({ controllers: [TrialPages] })
class TrialModule {}

let world: TestApp;
let access: AccessService;
const by = system('test', 'test-access');
const password = () => Secret.of('correct horse battery');

beforeAll(async () => {
  world = await startApp({ settings: { modules: [TrialModule] } });
  access = world.app.get(AccessService);
  expectOk(
    await access.createUser(
      { email: 'Rita@Operator.example', name: 'Rita', roles: ['responder'], password: password() },
      by,
    ),
  );
});
afterAll(() => world.close());

const ask = (request: InjectOptions) => world.app.inject(request);
const from = { correlationId: 'c', ip: '192.0.2.7' };
const signIn = (email: string, text: string) => access.authenticate(email, Secret.of(text), from);

describe('signing in', () => {
  test('works whatever the case of the address, and stands in the ledger without the address of the caller', async () => {
    expectOk(await signIn('rita@operator.EXAMPLE', 'correct horse battery'));
    const rows = await world.app
      .get(Transactions)
      .run(by, (db) =>
        db.query<{ body: string }[]>(`SELECT body FROM ledger_entry WHERE body LIKE '%user.signed-in%'`),
      );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain('192.0.2.7');
  });

  test('with a wrong password and with an unknown address gets the same answer, and is slowed down alike', async () => {
    const tries: Record<string, unknown[]> = { 'rita@operator.example': [], 'nobody@operator.example': [] };
    for (const email of Object.keys(tries)) {
      for (let n = 0; n < 6; n++) {
        const judged = await signIn(email, 'wrong wrong wrong');
        tries[email]!.push(
          judged.ok ? 'in' : [judged.error.code, judged.error.message, judged.error.retryAfter],
        );
      }
    }
    expect(tries['nobody@operator.example']).toEqual(tries['rita@operator.example']);
    expect(tries['rita@operator.example']!.at(-1)).toEqual(['sign-in-slowed', expect.any(String), 30_000]);
    expect((await signIn('rita@operator.example', 'correct horse battery')).ok).toBe(false); // even right, while slowed
    world.clock.advance(MINUTE);
    expectOk(await signIn('rita@operator.example', 'correct horse battery'));
  });

  test('a password is long enough or refused, and is nowhere', async () => {
    const refused = await access.createUser(
      { email: 'short@operator.example', name: 'S', roles: ['auditor'], password: Secret.of('short') },
      by,
    );
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'password-length', fields: [{ field: '/password' }] },
    });
    const [row] = await world.app
      .get(Transactions)
      .run(by, (db) =>
        db.query<{ hash: string }[]>('SELECT password_hash AS hash FROM user_account LIMIT 1'),
      );
    expect(row!.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});

describe('a session', () => {
  const cookieOf = (answer: { headers: { 'set-cookie'?: string | string[] } }) =>
    [answer.headers['set-cookie'] ?? ''].flat()[0]!.split(';')[0]!;

  async function signedIn(): Promise<{ cookie: string; token: string }> {
    const form = await ask({ url: '/trial/sign-in' });
    const visitor = cookieOf(form);
    const { token } = form.json<{ token: string }>();
    const answer = await ask({
      method: 'POST',
      url: '/trial/sign-in',
      headers: { cookie: visitor, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        email: 'rita@operator.example',
        password: 'correct horse battery',
        _csrf: token,
      }).toString(),
    });
    expect(answer.json()).toEqual({ in: true });
    const cookie = cookieOf(answer);
    expect(cookie).not.toBe(visitor); // a session id from before the sign-in is worth nothing after it
    const desk = await ask({ url: '/trial/desk', headers: { cookie } });
    return { cookie, token: desk.json<{ token: string }>().token };
  }

  test('opens pages by role, and never the API', async () => {
    const { cookie } = await signedIn();
    expect((await ask({ url: '/trial/desk', headers: { cookie } })).json()).toMatchObject({
      roles: ['responder'],
    });
    expect((await ask({ url: '/trial/desk' })).statusCode).toBe(303);
    expect((await ask({ url: '/api/v1/me', headers: { cookie } })).statusCode).toBe(401);
    const token = await world.token('responder');
    expect(
      (await ask({ url: '/trial/desk', headers: { authorization: `Bearer ${token}` } })).statusCode,
    ).toBe(303);
  });

  test('changes something only from its own page', async () => {
    const { cookie, token } = await signedIn();
    const act = (headers: Record<string, string>) =>
      ask({ method: 'POST', url: '/trial/desk', headers: { cookie, ...headers } });
    expect((await act({ 'x-csrf-token': token })).json()).toEqual({ acted: true });
    const forged = await act({});
    expect([forged.statusCode, forged.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
    expect((await act({ 'x-csrf-token': 'guessed' })).statusCode).toBe(403);
    expect((await act({ 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    expect((await act({ 'x-csrf-token': token, origin: 'https://evil.example' })).statusCode).toBe(403);
  });

  test('is kept as a hash, ends with idleness, and with the account', async () => {
    const { cookie } = await signedIn();
    const stored = await world.app
      .get(Transactions)
      .run(by, (db) => db.query<object[]>('SELECT * FROM session'));
    const sid = decodeURIComponent(cookie.split('=')[1]!).split('.')[0]!;
    expect(JSON.stringify(stored)).not.toContain(sid);
    await world.app
      .get(Transactions)
      .run(by, (db) => db.query(`UPDATE user_account SET state = 'disabled' WHERE email LIKE 'rita%'`));
    expect((await ask({ url: '/trial/desk', headers: { cookie } })).statusCode).toBe(303);
    await world.app
      .get(Transactions)
      .run(by, (db) => db.query(`UPDATE user_account SET state = 'active' WHERE email LIKE 'rita%'`));
    expect((await ask({ url: '/trial/desk', headers: { cookie } })).statusCode).toBe(200);
    world.clock.advance(9 * HOUR);
    expect((await ask({ url: '/trial/desk', headers: { cookie } })).statusCode).toBe(303);
  });
});

describe('a token', () => {
  test('hands out no more than it holds', async () => {
    const limited: Principal = {
      kind: 'token',
      id: newId(),
      roles: [],
      permissions: ['tokens:create', 'users:create', 'self:read'],
      partyId: null,
      correlationId: 'c',
    };
    const expiresAt = world.clock.now() + HOUR;
    expect(await access.createToken({ name: 'up', role: 'admin', expiresAt }, limited)).toMatchObject({
      ok: false,
      error: { code: 'beyond-own-permissions' },
    });
    expect(
      await access.createUser({ email: 'up@operator.example', name: 'Up', roles: ['admin'] }, limited),
    ).toMatchObject({ ok: false, error: { code: 'beyond-own-permissions' } });
    expectOk(await access.createToken({ name: 'same', permissions: ['self:read'], expiresAt }, limited));
  });

  test('ends at its instant', async () => {
    const { value } = expectOk(
      await access.createToken({ name: 'short', role: 'auditor', expiresAt: world.clock.now() + HOUR }, by),
    );
    const resolve = () => value.use((text) => access.resolveToken(text, from));
    expect(await resolve()).toMatchObject({ kind: 'token', roles: ['auditor'], ip: '192.0.2.7' });
    world.clock.advance(HOUR);
    expect(await resolve()).toBeUndefined();
  });
});

describe('a link', () => {
  test('is good for its purpose, until its instant, until it is revoked; looking uses nothing up', async () => {
    const links = world.app.get(LinksService);
    const transactions = world.app.get(Transactions);
    const subject = { kind: 'notice', id: newId() };
    const make = () =>
      transactions.run(by, (db) =>
        links.createLink(db, {
          purpose: 'acknowledge',
          subject,
          permissions: ['notices:acknowledge'],
          expiresAt: world.clock.now() + HOUR,
        }),
      );
    const first = await make();
    const look = (link: { value: Secret }, purpose = 'acknowledge') =>
      link.value.use((text) => links.resolveLink(text, purpose, from));
    expect(await look(first)).toMatchObject({
      subject,
      usedAt: null,
      principal: { kind: 'link', permissions: ['notices:acknowledge'] },
    });
    expect(await look(first, 'sign-in')).toBeUndefined();
    await transactions.run(by, (db) => links.useLink(db, first.id));
    expect((await look(first))?.usedAt).not.toBeNull();
    await transactions.run(by, (db) => links.revokeLinks(db, subject));
    expect(await look(first)).toBeUndefined();
    const second = await make();
    world.clock.advance(HOUR);
    expect(await look(second)).toBeUndefined();
  });
});

describe('the door', () => {
  test('tells nothing of an unknown error but how to find it', async () => {
    const answer = await ask({ url: '/trial/broken', headers: { 'x-correlation-id': 'given-by-caller' } });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(answer.json()).toMatchObject({ code: 'internal-error', correlationId: 'given-by-caller' });
    expect(
      world.log.lines.filter((line) => line.includes('given-by-caller') && line.includes('unknown error')),
    ).toHaveLength(1);
  });

  test('logs neither tokens nor cookies nor forged lines', async () => {
    await ask({
      url: '/api/v1/me?link=planted-query',
      headers: {
        authorization: 'Bearer planted-bearer-value-000',
        cookie: 'cs_sid=planted-cookie',
        'x-correlation-id': 'a\nplanted-line',
      },
    });
    for (const planted of ['planted-bearer', 'planted-cookie', 'planted-query', 'planted-line'])
      expect(world.log.text).not.toContain(planted);
  });

  test('slows down those who hurry', async () => {
    const codes = [];
    for (let n = 0; n < 5; n++) codes.push((await ask({ url: '/trial/hurried' })).statusCode);
    expect(codes).toEqual([200, 200, 200, 429, 429]);
    const refused = await ask({ url: '/trial/hurried' });
    expect(refused.json()).toMatchObject({ code: 'too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('refuses new work while the process is unfit, and still says how it is', async () => {
    const lifecycle = world.app.get(Lifecycle);
    const admin = await world.token('admin');
    const post = () =>
      ask({
        method: 'POST',
        url: '/api/v1/tokens',
        headers: { authorization: `Bearer ${admin}` },
        payload: { name: 'x', role: 'auditor' },
      });
    lifecycle.fence(true);
    const refused = await post();
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('5');
    expect((await ask({ url: '/readyz' })).statusCode).toBe(503);
    lifecycle.fence(false);
    expect((await post()).statusCode).toBe(201);
  });

  test('no outsider reads accounts, tokens, sessions or the outbox, whatever the query', async () => {
    const outsider: Principal = { ...by, kind: 'user', partyId: newId() };
    for (const table of [
      'person',
      'user_account',
      'user_role',
      'api_token',
      'link_token',
      'session',
      'login_throttle',
      'idempotency_key',
      'outbox',
      'queue_canary',
    ]) {
      expect(
        await world.app.get(Transactions).run(outsider, (db) => db.query(`SELECT * FROM ${table}`)),
      ).toEqual([]);
      expect(await world.app.get(DataSource).query(`SELECT * FROM ${table}`)).toEqual([]);
    }
  });
});

describe("the operator's roles are for the installation", () => {
  const party = newId();
  const expiresAt = () => world.clock.now() + HOUR;
  const owner = async (sql: string, params: unknown[] = []) => {
    const client = new Client({ connectionString: world.database.ownerUrl });
    await client.connect();
    try {
      return (await client.query<{ n: number }>(sql, params)).rows;
    } finally {
      await client.end();
    }
  };
  beforeAll(() =>
    world.app
      .get(Transactions)
      .run(by, (db) =>
        db.query(
          `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-bound', 'Bound AG', $2, $2)`,
          [party, world.clock.date()],
        ),
      ),
  );

  test.each([
    ['/role', { role: 'admin' }],
    ['/role', { role: 'auditor' }],
    ['/permissions', { permissions: ['notices:read', 'tokens:create'] }],
  ] as const)('no token of %s %j is bound to a party', async (field, what) => {
    const made = await access.createToken(
      { name: 'bound', ...what, partyId: party, expiresAt: expiresAt() },
      by,
    );
    expect(made).toMatchObject({ ok: false, error: { kind: 'invalid', fields: [{ field }] } });
  });

  test.each([[['admin']], [['party_contact', 'responder']]] as const)(
    'nor an account of %j',
    async (roles) => {
      const made = await access.createUser(
        { email: 'b@bound.example', name: 'B', roles, partyId: party },
        by,
      );
      expect(made).toMatchObject({ ok: false, error: { kind: 'invalid', fields: [{ field: '/roles' }] } });
    },
  );

  test('and nobody is bound to a party that is not there', async () => {
    const nobodys = { partyId: newId(), name: 'N' };
    for (const made of [
      await access.createToken({ ...nobodys, role: 'party_contact', expiresAt: expiresAt() }, by),
      await access.createUser({ ...nobodys, email: 'n@bound.example', roles: ['party_contact'] }, by),
    ]) {
      expect(made).toMatchObject({
        ok: false,
        error: { code: 'unknown-party', fields: [{ field: '/partyId' }] },
      });
    }
    expectOk(
      await access.createToken(
        { name: 'C', role: 'party_contact', partyId: party, expiresAt: expiresAt() },
        by,
      ),
    );
  });

  test('the database holds the same line', async () => {
    const { userId } = expectOk(
      await access.createUser(
        { email: 'c@bound.example', name: 'C', roles: ['party_contact'], partyId: party },
        by,
      ),
    );
    await expect(
      owner(`INSERT INTO user_role (user_id, role, granted_at) VALUES ($1, 'admin', now())`, [userId]),
    ).rejects.toThrow(/operator role/);
    await expect(owner(`UPDATE api_token SET role = 'admin' WHERE party_id = $1`, [party])).rejects.toThrow(
      /operator role/,
    );
  });

  test('one from before, that is bound to a party, is refused what is not of that party, and nothing breaks', async () => {
    const value = expectOk(
      await access.createToken({ name: 'old', role: 'admin', expiresAt: expiresAt() }, by),
    ).value.use((text) => text);
    await owner('ALTER TABLE api_token DISABLE TRIGGER api_token_operator_unbound');
    await owner(`UPDATE api_token SET party_id = $1 WHERE name = 'old'`, [party]);
    await owner('ALTER TABLE api_token ENABLE TRIGGER api_token_operator_unbound');
    const post = (url: string, payload: object | string, type = 'application/json') =>
      ask({
        method: 'POST',
        url: `/api/v1${url}`,
        headers: { authorization: `Bearer ${value}`, 'content-type': type, 'idempotency-key': newId() },
        payload,
      });
    const contact = { role: 'party_contact', partyId: party };
    const answers = [
      await post('/sources', { key: 'bound', kind: 'github', name: 'Bound', keys: ['a key of the webhook'] }),
      await post('/imports?format=csv&kind=party', 'key,name\na,A\n', 'text/csv'),
      await post('/users', { email: 'd@bound.example', name: 'D', roles: ['party_contact'], partyId: party }),
      await post('/tokens', { name: 'T', ...contact }),
    ];
    for (const answer of answers) {
      expect(answer.json()).toMatchObject({ status: 403, code: 'beyond-own-party' });
    }
  });
});
