import { Signer } from '@fastify/cookie';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { InjectOptions } from 'fastify';
import { randomBytes } from 'node:crypto';
import { routesOf } from '../src/create-app.ts';
import type { RegisteredRoute } from '../src/api/admission.ts';
import { AccessService } from '../src/domain/access/access.service.ts';
import { grantsOf } from '../src/domain/access/permissions.ts';
import { SessionStore } from '../src/domain/access/session-store.ts';
import { newId } from '../src/kernel/ids.ts';
import { ROLES, system, type Role } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { Keys } from '../src/platform/signing/keys.ts';
import { startApp, type TestApp } from './support/app.ts';
import { routeSamples, type RouteSamples } from './support/route-samples.ts';

// Every route that is registered × every role × a thing of one's own party, of another party, of nobody. Nothing here names
// a route: a new one is tested from the moment it exists.

let world: TestApp;
let routes: RegisteredRoute[];
let samples: RouteSamples;
const own = newId();
const other = newId();
/** How each role shows who it is: a token for the API, a session for the console. */
const tokens = new Map<string, string>();
const cookies = new Map<string, string>();

const by = system('test', 'test-routes');

beforeAll(async () => {
  world = await startApp();
  routes = routesOf(world.app).filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS');
  await world.app.get(Transactions).run(by, async (db) => {
    for (const [id, name] of [
      [own, 'Own'],
      [other, 'Other'],
    ]) {
      await db.query(
        `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
        [id, `PTY-2026-${name === 'Own' ? 9001 : 9002}`, name, world.clock.date()],
      );
    }
  });
  samples = await routeSamples(world, own);
  for (const role of ROLES) {
    for (const party of role === 'party_contact' ? [own, other] : [undefined]) {
      const name = nameOf(role, party);
      tokens.set(name, await world.token(role, party));
      cookies.set(name, await sessionOf(role, party));
    }
  }
}, 120_000);
afterAll(() => world.close());

const nameOf = (role: Role, party?: string) =>
  party === undefined ? role : `${role} of ${party === own ? 'own' : 'other'}`;

async function sessionOf(role: Role, party?: string): Promise<string> {
  const email = `${role}-${party ?? 'operator'}@test.example`;
  const { userId } = expectOk(
    await world.app
      .get(AccessService)
      .createUser({ email, name: role, roles: [role], partyId: party ?? null }, by),
  );
  const sid = randomBytes(24).toString('base64url');
  await new Promise<void>((resolve, reject) => {
    world.app
      .get(SessionStore)
      .set(sid, { userId, cookie: { originalMaxAge: 3_600_000 } } as never, (thrown) =>
        thrown ? reject(thrown as Error) : resolve(),
      );
  });
  const secret = world.app
    .get(Keys)
    .sessionSecret()
    .useBytes((bytes) => bytes.toString('base64'));
  return `cs_sid=${encodeURIComponent(new Signer(secret, 'sha256').sign(sid))}`;
}

/** The answer's status; a stream is let go as soon as it begins. */
async function ask(route: RegisteredRoute, url: string, who?: string): Promise<number> {
  const answer = await world.app.inject({ ...requestFor(route, url, who), payloadAsStream: true });
  answer.stream().destroy();
  return answer.statusCode;
}

function requestFor(route: RegisteredRoute, url: string, who?: string): InjectOptions {
  const console = route.declaration?.face === 'console';
  const headers: Record<string, string> = {};
  if (who !== undefined && console) headers['cookie'] = cookies.get(who)!;
  if (who !== undefined && !console) headers['authorization'] = `Bearer ${tokens.get(who)!}`;
  const body = ['POST', 'PUT', 'PATCH'].includes(route.method);
  if (body) headers['content-type'] = console ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    method: route.method as 'GET',
    url,
    headers,
    ...(body ? { payload: console ? '' : '{}' } : {}),
  };
}

const filled = (url: string, parameters: Record<string, string>) =>
  url.replaceAll(/:(\w+)/g, (_, name: string) => parameters[name] ?? newId()).replace('*', 'nothing.txt');

const protectedRoutes = () => routes.filter(({ declaration }) => declaration?.permission !== undefined);
const label = ({ method, url }: RegisteredRoute) => `${method} ${url}`;

/** Runs `judge` for every route and says of each what it did wrong. */
async function faults(
  among: RegisteredRoute[],
  judge: (route: RegisteredRoute) => Promise<string[]>,
): Promise<string[]> {
  const found: string[] = [];
  for (const route of among) found.push(...(await judge(route)).map((fault) => `${label(route)}: ${fault}`));
  return found;
}

describe('every route', () => {
  test('says who may come: a permission, or why anybody may', () => {
    expect(routes.length).toBeGreaterThan(5);
    for (const route of routes) {
      const { permission, open } = route.declaration ?? {};
      expect({
        route: label(route),
        declared: Boolean(permission) !== Boolean(open && open.length >= 10),
      }).toEqual({ route: label(route), declared: true });
    }
  });

  test('of the API is described in words of its own, under an id of its own', async () => {
    const { paths } = (await world.app.inject('/api/openapi.json')).json<{
      paths: Record<string, Record<string, { summary?: string; operationId?: string }>>;
    }>();
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        ...operation,
      })),
    );
    expect(operations.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        routes
          .filter(({ url, declaration }) => url.startsWith('/api/v1/') && declaration?.face === 'api')
          .map((route) => label(route).replaceAll(/:(\w+)/g, '{$1}')),
      ),
    );
    expect(operations.filter(({ summary }) => !/^[A-Z](?=.* ).{8,118}[^.]$/.test(summary ?? ''))).toEqual([]);
    for (const said of ['summary', 'operationId'] as const) {
      const values = operations.map((operation) => operation[said]);
      expect(values.filter((value, at) => value === undefined || values.indexOf(value) !== at)).toEqual([]);
    }
  });

  test('of the API that changes what has a version says that it takes If-Match, and reading it gives the tag', async () => {
    interface Operation {
      parameters?: { name: string; in: string; required?: boolean }[];
      responses: Record<string, { headers?: Record<string, unknown> }>;
    }
    const { paths } = (await world.app.inject('/api/openapi.json')).json<{
      paths: Record<string, Record<string, Operation>>;
    }>();
    const takes = ({ parameters = [] }: Operation) =>
      parameters.some((one) => one.in === 'header' && one.name === 'If-Match' && one.required);
    const edits = Object.entries(paths).flatMap(([path, { patch }]) => (patch ? [{ path, patch }] : []));
    expect(edits.length).toBeGreaterThan(5);
    // The framework of shared signals speaks its own protocol, in which a stream has no version.
    const own = edits.filter(({ path }) => path !== '/api/v1/ssf/streams');
    expect(own.filter(({ patch }) => !takes(patch)).map(({ path }) => path)).toEqual([]);
    const read = ['credentials', 'integrations', 'parties', 'contacts', 'offerings'].map(
      (what) => paths[`/api/v1/${what}/{id}`]!['get']!,
    );
    expect(read.filter(({ responses }) => !responses['200']?.headers?.['ETag'])).toEqual([]);
    expect(takes(paths['/api/v1/credentials/{id}']!['get']!)).toBe(false);
  });

  test('that is read answers HEAD to the same people as GET, and with nothing but the head', async () => {
    const heads = new Map(
      routesOf(world.app)
        .filter(({ method }) => method === 'HEAD')
        .map(({ url, declaration }) => [url, declaration]),
    );
    const reading = routes.filter(({ method }) => method === 'GET');
    expect(reading.map(({ url }) => url).filter((url) => !heads.has(url))).toEqual([]);
    expect(
      await faults(reading, async (route) => {
        const wrong: string[] = [];
        const head = { ...route, method: 'HEAD', declaration: heads.get(route.url) };
        if (head.declaration?.permission !== route.declaration?.permission)
          wrong.push(`HEAD needs ${head.declaration?.permission}`);
        const sample = samples[route.url];
        for (const who of [undefined, sample ? 'party_contact of own' : 'admin', 'party_contact of other']) {
          const url = filled(route.url, sample ?? {});
          const [got, headed] = [
            await ask(route, url, who),
            await world.app.inject(requestFor(head, url, who)),
          ];
          if (headed.statusCode !== got)
            wrong.push(`answers ${who ?? 'a stranger'} ${got}, but HEAD ${headed.statusCode}`);
          // Of a refusal the socket leaves the body out.
          if (headed.statusCode < 400 && headed.payload !== '') wrong.push('answers HEAD with a body');
        }
        return wrong;
      }),
    ).toEqual([]);
  });

  test('refuses a stranger', async () => {
    expect(
      await faults(protectedRoutes(), async (route) => {
        const status = await ask(route, filled(route.url, {}));
        const refused =
          status === 401 || (route.declaration?.face === 'console' && (status === 302 || status === 303));
        return refused ? [] : [`answered ${status} to a stranger`];
      }),
    ).toEqual([]);
  });

  test('asks who is there before it reads what was sent', async () => {
    const guarded = routes.filter(
      ({ method, declaration }) =>
        method !== 'GET' && (declaration?.permission !== undefined || declaration?.machines),
    );
    expect(guarded.some(({ declaration }) => declaration?.machines)).toBe(true);
    expect(
      await faults(guarded, async (route) => {
        const wrong: string[] = [];
        for (const payload of ['{"odd":', '{}', '[]']) {
          const answer = await world.app.inject({
            method: route.method as 'POST',
            url: filled(route.url, {}),
            headers: { 'content-type': 'application/json' },
            payload,
          });
          const refused =
            answer.statusCode === 401 ||
            (route.declaration?.face === 'console' && [302, 303].includes(answer.statusCode));
          if (!refused) wrong.push(`answered ${answer.statusCode} to a stranger with ${payload}`);
        }
        return wrong;
      }),
    ).toEqual([]);
  });

  test('that is open to anybody and takes something proves its caller by that, or shows its own proof', () => {
    const taking = routes.filter(
      ({ method, declaration }) =>
        method !== 'GET' && declaration?.open && !declaration.machines && declaration.face === 'api',
    );
    expect(taking.map(label)).toEqual(['POST /api/v1/intake/:sourceKey']);
  });

  test('refuses every role without its permission, and breaks for nobody', async () => {
    expect(
      await faults(protectedRoutes(), async (route) => {
        const wrong: string[] = [];
        for (const role of ROLES) {
          const who = nameOf(role, role === 'party_contact' ? own : undefined);
          const status = await ask(route, filled(route.url, {}), who);
          const may = grantsOf(role).includes(route.declaration!.permission!);
          if (!may && status !== 403)
            wrong.push(`answered ${status} to ${who}, who lacks ${route.declaration!.permission}`);
          if (may && (status >= 500 || status === 401)) wrong.push(`answered ${status} to ${who}`);
        }
        return wrong;
      }),
    ).toEqual([]);
  });

  test('answers 404 for what is nowhere', async () => {
    const reading = protectedRoutes().filter(({ method, url }) => method === 'GET' && url.includes(':'));
    expect(
      await faults(reading, async (route) => {
        const status = await ask(route, filled(route.url, {}), 'admin');
        return status === 404 ? [] : [`answered ${status} for something that is nowhere`];
      }),
    ).toEqual([]);
  });

  test('answers nobody with an error of its own, whatever stands in the address', async () => {
    const odd = ['%00', "'", '..', '%F0%9F%92%A9', '-1', 'x'.repeat(190), '__proto__', '%7B%22a%22%3A1%7D'];
    expect(
      await faults(
        routes.filter(({ url }) => url.includes(':')),
        async (route) => {
          const wrong: string[] = [];
          for (const text of odd) {
            const status = await ask(route, route.url.replaceAll(/:\w+/g, text), 'admin');
            if (status >= 500) wrong.push(`answered ${status} to ${text}`);
          }
          return wrong;
        },
      ),
    ).toEqual([]);
  });
});

describe('a party', () => {
  const open = () =>
    protectedRoutes().filter(
      ({ declaration, url }) =>
        url.includes(':') && grantsOf('party_contact').includes(declaration!.permission!),
    );

  test('has a sample of everything that it may ask for by name', () => {
    expect(
      open()
        .filter(({ url }) => !samples[url])
        .map(label),
    ).toEqual([]);
  });

  test('sees its own, and of another not even that it exists', async () => {
    expect(
      await faults(
        open().filter(({ url }) => samples[url]),
        async (route) => {
          const url = filled(route.url, samples[route.url]!);
          const mine = await ask(route, url, 'party_contact of own');
          const theirs = await ask(route, url, 'party_contact of other');
          const nobodys = await ask(route, filled(route.url, {}), 'party_contact of other');
          const wrong: string[] = [];
          if (route.method === 'GET' && mine !== 200) wrong.push(`answered ${mine} to its own party`);
          if (theirs < 400 || theirs >= 500) wrong.push(`answered ${theirs} to another party`);
          if (theirs !== nobodys)
            wrong.push(`tells another party (${theirs}) from nobody's (${nobodys}) thing`);
          return wrong;
        },
      ),
    ).toEqual([]);
  });
});
