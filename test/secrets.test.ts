import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from './support/app.ts';
import { CarriedScene, GITHUB_KEY, GITHUB_TOKEN, WEBHOOK_KEY } from './support/carried-scene.ts';
import { releasedEveryWay } from './support/release-planted.ts';

/**
 * A value in every input that takes one, the flow to its end with its error paths, and then a search through everything
 * that the product wrote: rows, logs, pages, answers, mails, files. A sealed value can be opened only with the key.
 */

/** Holds what encodings change: quote, slash, plus, per cent. */
const valueOf = (what: string) =>
  `canary-${what}-${randomBytes(9).toString('hex')}"/+%${randomBytes(4).toString('hex')}`;

const LEAKED = ['reported', 'signed', 'delivered', 'fetched', 'echoed-by-key', 'echoed-by-token'].map(
  valueOf,
);
const [reported, signed, delivered, fetched, echoedByKey, echoedByToken] = LEAKED as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const unmatched = valueOf('unmatched');
const unsigned = valueOf('wrong-signature');
const malformed = valueOf('malformed-json');
const imported = valueOf('import-file');
const refusedField = valueOf('refused-field');
const inQuery = valueOf('query');
const placed = valueOf('placed');
const password = valueOf('password');
const wrongPassword = valueOf('wrong-password');
const wrongBearer = `cs_${randomBytes(32).toString('base64url')}`;

/** Every secret that went in, by what it is. */
const planted = new Map<string, string>();
/** Everything that came out. */
const seen: { where: string; text: string }[] = [];

let scene: CarriedScene;
let codeHost: Server;
let pages = 0;

/** How a value may lie about: as it is, and in every encoding that something here might put it in. */
function needlesOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const json = JSON.stringify(value).slice(1, -1);
  const html = value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return [
    ...new Set([
      value,
      json,
      JSON.stringify(json).slice(1, -1),
      html,
      encodeURIComponent(value),
      new URLSearchParams({ v: value }).toString().slice(2),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      [...value].toReversed().join(''),
      // Inside something longer base64 has three shapes.
      ...[0, 1, 2].flatMap((shift) =>
        (['base64', 'base64url'] as const).map((form) => {
          const text = Buffer.concat([Buffer.alloc(shift), bytes])
            .toString(form)
            .replace(/=+$/, '');
          return text.slice(Math.ceil((shift * 8) / 6), text.length - 1);
        }),
      ),
    ]),
  ];
}

function found(texts: readonly { where: string; text: string }[]): string[] {
  const hits: string[] = [];
  for (const [what, value] of planted)
    for (const needle of needlesOf(value))
      for (const { where, text } of texts) if (text.includes(needle)) hits.push(`${what} in ${where}`);
  return [...new Set(hits)];
}

/** Every column of every row of every table of every schema, read as a superuser. */
async function stored(): Promise<{ where: string; text: string }[]> {
  const columns = await scene.rows<{ name: string; columns: string[] }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, array_agg(quote_ident(a.attname) || CASE WHEN a.atttypid = 'bytea'::regtype THEN '' ELSE '::text' END ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' GROUP BY 1`,
  );
  const texts: { where: string; text: string }[] = [];
  for (const table of columns) {
    const rows = await scene.client.query({
      text: `SELECT ${table.columns.join(', ')} FROM ${table.name}`,
      rowMode: 'array',
    });
    const parts: string[] = [];
    for (const row of rows.rows as (string | Buffer | null)[][])
      for (const cell of row)
        if (cell !== null) parts.push(Buffer.isBuffer(cell) ? cell.toString('latin1') : cell);
    texts.push({ where: `table ${table.name}`, text: parts.join('\n') });
  }
  return texts;
}

async function filesOf(folder: string): Promise<{ where: string; text: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { where: `file ${path.slice(folder.length)}`, text: await readFile(path, 'latin1') };
      }),
  );
}

type Answer = { statusCode: number; body: string; headers: Record<string, unknown> };

/** Notes what an answer said. */
function noted<T extends Answer>(where: string, answer: T): T {
  if (answer.statusCode === 500) throw new Error(`${where} answered 500: ${answer.body}`);
  const { 'set-cookie': _, ...headers } = answer.headers;
  seen.push({
    where: `answer of ${where} (${answer.statusCode})`,
    text: `${JSON.stringify(headers)}\n${answer.body}`,
  });
  return answer;
}

const cookieOf = (answer: { headers: Record<string, unknown> }) =>
  [answer.headers['set-cookie'] ?? ''].flat().map(String)[0]!.split(';')[0]!;

async function signIn(word: string): Promise<{ cookie: string; status: number }> {
  const form = await scene.world.app.inject({ url: '/sign-in' });
  const csrf =
    /name="_csrf"[^>]*value="([^"]+)"/.exec(form.body)?.[1] ??
    /value="([^"]+)"[^>]*name="_csrf"/.exec(form.body)?.[1];
  const answer = await scene.world.app.inject({
    method: 'POST',
    url: '/sign-in',
    headers: { cookie: cookieOf(form), 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({
      email: 'rita@aurora.example',
      password: word,
      next: '/',
      _csrf: csrf!,
    }).toString(),
  });
  noted('sign-in', answer);
  return { cookie: cookieOf(answer), status: answer.statusCode };
}

/** Every page that links lead to. */
async function crawl(cookie: string): Promise<void> {
  const paths = ['/', '/portfolio', '/portfolio/suppliers', '/incidents', '/notices', '/approvals'];
  const known = new Set(paths);
  for (const path of paths) {
    if (paths.length > 300) throw new Error('more pages than a test should have');
    const answer = noted(path, await scene.world.app.inject({ url: path, headers: { cookie } }));
    if (answer.statusCode === 200 && String(answer.headers['content-type']).startsWith('text/html')) pages++;
    for (const [, link] of answer.body.matchAll(/href="(\/[^"#]*)"/g)) {
      const to = link!.replaceAll('&amp;', '&');
      if (!known.has(to) && !to.startsWith('/assets') && paths.length < 300) {
        known.add(to);
        paths.push(to);
      }
    }
  }
}

/** Every list of the API, and everything that it names. */
async function readTheApi(): Promise<number> {
  const described = (await scene.get('/api/openapi.json')).json<{
    paths: Record<string, { get?: object }>;
  }>();
  const lists = Object.entries(described.paths).filter(([path, { get }]) => get && !path.includes('{'));
  let answers = 0;
  for (const [path] of lists) {
    const answer = noted(`GET ${path}`, await scene.get(path));
    if (answer.statusCode === 200) answers++;
    const ids = [...answer.body.matchAll(/"id":"([0-9a-f-]{36})"/g)].map(([, id]) => id!).slice(0, 10);
    for (const [one, { get }] of Object.entries(described.paths)) {
      if (!get || !one.startsWith(`${path}/{`)) continue;
      for (const id of ids) noted(`GET ${one}`, await scene.get(one.replace(/\{[^}]+\}/, id)));
    }
  }
  return answers;
}

beforeAll(async () => {
  codeHost = createServer((request, response) => {
    const locations = request.url?.includes('/locations');
    const allowed = request.headers.authorization === `Bearer ${GITHUB_TOKEN}`;
    response
      .writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' })
      .end(JSON.stringify(locations ? [] : { number: 2, secret: fetched, validity: 'active' }));
  });
  await new Promise<void>((resolve) => codeHost.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(codeHost.address() as AddressInfo).port}`;
  scene = await CarriedScene.open({
    credentials: LEAKED.length,
    integrations: 2,
    allow: [host],
    values: LEAKED,
    codeHost: `http://${host}`,
  });
}, 120_000);
afterAll(async () => {
  await scene?.close();
  codeHost?.closeAllConnections();
  codeHost?.close();
});

test('no secret that goes in is left anywhere but sealed', async () => {
  for (const [n, name] of [
    'reported',
    'signed',
    'delivered',
    'fetched',
    'echoed by key',
    'echoed by token',
  ].entries())
    planted.set(`value: ${name}`, LEAKED[n]!);
  for (const [name, value] of Object.entries({
    unmatched,
    unsigned,
    malformed,
    imported,
    refusedField,
    inQuery,
    placed,
    password,
    wrongPassword,
    wrongBearer,
    'signing key of reports': WEBHOOK_KEY.slice('whsec_'.length),
    'signing key of the code host': GITHUB_KEY,
    'token of the code host': GITHUB_TOKEN,
    'API token': scene.admin,
  }))
    planted.set(name, value);
  for (const [name, supplier] of Object.entries(scene.suppliers)) {
    for (const [part, value] of Object.entries(supplier.dialect.admin))
      if (part !== 'client_id') planted.set(`connection ${name}: ${part}`, value);
  }
  for (const canary of scene.canaries) planted.set(`control ${canary.name}`, canary.value);

  // Suppliers that say back what they were sent, in several encodings, before they do as they are asked.
  for (const supplier of Object.values(scene.suppliers)) {
    supplier.goesWrong('echo', 'revoke', 2);
    supplier.goesWrong('echo', 'probe', 2);
    supplier.goesWrong('echo', 'own', 1);
  }

  // What is refused.
  const account = { email: 'rita@aurora.example', name: 'Rita', roles: ['admin'], password };
  expect(noted('new user', await scene.post('/api/v1/users', account)).statusCode).toBe(201);
  expect((await signIn(wrongPassword)).status).toBe(401);
  const stranger = await scene.get(`/api/v1/exposures?value=${encodeURIComponent(inQuery)}`, {
    authorization: `Bearer ${wrongBearer}`,
  });
  expect(noted('a wrong token', stranger).statusCode).toBe(401);
  const query = await scene.get(`/api/v1/exposures?cursor=${encodeURIComponent(inQuery)}`);
  expect(noted('a value in the query', query).statusCode).toBeLessThan(500);
  const forged = { number: 9, secret: unsigned, repository: 'aurora/shop' };
  expect(
    noted('a wrong signature', await scene.githubAlert({ ...forged, key: 'not the key of this source' }))
      .statusCode,
  ).toBe(401);
  for (const body of [
    `{"reports":[{"value":${JSON.stringify(malformed)}`,
    `{"reports":[{"value":${JSON.stringify(malformed)},"value":${JSON.stringify(malformed)}}]}`,
    `{"reports":[${JSON.stringify(malformed)}]}`,
    `${malformed}`,
  ])
    expect(noted('malformed JSON', await scene.post('/api/v1/exposures', body)).statusCode).toBe(400);
  expect(
    noted(
      'a malformed delivery',
      await scene.githubAlert({ ...forged, body: `{"alert":{"secret":${JSON.stringify(malformed)}` }),
    ).statusCode,
  ).toBe(400);
  expect(
    noted(
      'a value in the wrong fields',
      await scene.post('/api/v1/exposures', {
        reports: [
          {
            sha256: refusedField,
            detectedAt: refusedField,
            sourceSays: refusedField,
            foundAt: [{ type: 'x', url: refusedField }],
          },
        ],
      }),
    ).statusCode,
  ).toBe(400);

  // A portfolio that carries values, as it must not.
  const file = [
    { kind: 'credentialVersion', credential: 'credential-0', number: 2, value: imported },
    {
      kind: 'credential',
      key: 'credential-9',
      name: 'K',
      type: 'api_key',
      integration: 'integration-0',
      secret: imported,
    },
    { kind: 'credentialVersion', credential: 'credential-0', number: 3, sha256: imported },
  ];
  const sent = noted(
    'an import with a value',
    await scene.post(
      '/api/v1/imports?name=bad.jsonl&source=proof',
      file.map((row) => JSON.stringify(row)).join('\n'),
      {
        'content-type': 'application/jsonl',
      },
    ),
  );
  expect(sent.statusCode).toBe(202);
  const importId = sent.json<{ id: string }>().id;
  await until(async () => {
    const { state } = (await scene.get(`/api/v1/imports/${importId}`)).json<{ state: string }>();
    return ['refused', 'failed'].includes(state);
  }, 'the refused import');
  noted('problems of the import', await scene.get(`/api/v1/imports/${importId}/problems`));

  // What is taken.
  const place = 'github:aurora/shop';
  const report = (values: string[]) =>
    values.map((value, n) => ({ ref: `${n}-${value.length}`, value, place }));
  expect(
    noted('a report', await scene.post('/api/v1/exposures', { reports: report([reported, unmatched]) }))
      .statusCode,
  ).toBe(202);
  expect(
    noted('a signed report', await scene.signedReport(report([reported, signed, echoedByKey, echoedByToken])))
      .statusCode,
  ).toBe(202);
  // At once: what waits for its match lies sealed.
  expect(found(await stored())).toEqual([]);
  expect(
    noted('a delivery', await scene.githubAlert({ number: 1, secret: delivered, repository: 'aurora/shop' }))
      .statusCode,
  ).toBe(202);
  expect(
    noted(
      'one without its value',
      await scene.githubAlert({ number: 2, secret: null, repository: 'aurora/shop' }),
    ).statusCode,
  ).toBe(202);
  await until(() => scene.live < LEAKED.length, 'the first revocation', 60_000);
  expect(found(await stored())).toEqual([]);
  const sealed = await scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM sealed_secret`);
  expect(sealed.n).toBeGreaterThan(0);

  await scene.carried();
  expect(scene.live).toBe(0);
  const { cookie, status } = await signIn(password);
  expect(status).toBe(303);
  const session = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1));
  planted.set('session', session.slice(0, session.lastIndexOf('.')));
  // A new value is placed, seen and checked out: two answers hold it, once each, and no other.
  const released = await releasedEveryWay(scene, {
    value: placed,
    leaked: reported,
    password,
    wrongPassword,
    cookie,
    noted,
  });
  expect(JSON.parse(released.checkedOut)).toMatchObject({ value: placed });
  expect(released.shown).toContain(placed.replaceAll('"', '&quot;'));
  for (const [n, assertion] of released.assertions.entries()) planted.set(`assertion ${n}`, assertion);
  await crawl(cookie);
  expect(pages).toBeGreaterThan(5);
  expect(await readTheApi()).toBeGreaterThan(8);

  // The suppliers were given the values: they were nowhere but under the key.
  for (const { supplier, issued } of scene.leaked) expect(supplier.revokesOf(issued.name)).toBeGreaterThan(0);
  const texts = [
    ...(await stored()),
    ...(await filesOf(scene.folder)),
    ...scene.world.log.lines.map((text) => ({ where: `log ${/"msg":"[^"]*"/.exec(text)?.[0]}`, text })),
    ...scene.mail.received.flatMap((mail) =>
      [mail.raw, mail.text, mail.html, mail.subject].map((text) => ({ where: 'mail', text })),
    ),
    ...seen,
  ];
  expect(scene.mail.received.length).toBeGreaterThan(0);
  expect(scene.world.log.lines.length).toBeGreaterThan(20);
  expect(found(texts)).toEqual([]);
}, 240_000);

test('the search finds what is there, in every spelling', async () => {
  await scene.client.query(`CREATE SCHEMA scratch; CREATE TABLE scratch.planted (t text, j jsonb, b bytea)`);
  try {
    const bytes = Buffer.from(`around ${reported} it`);
    for (const put of [
      [`x${reported}y`, null, null],
      [null, JSON.stringify({ deep: [`x${reported}`] }), null],
      [null, null, bytes],
      [bytes.toString('base64'), null, null],
      [bytes.subarray(1).toString('base64url'), null, null],
      [bytes.toString('hex'), null, null],
      [encodeURIComponent(reported), null, null],
      [[...reported].toReversed().join(''), null, null],
    ] as (string | Buffer | null)[][]) {
      await scene.client.query(`TRUNCATE scratch.planted`);
      await scene.client.query(`INSERT INTO scratch.planted VALUES ($1, $2, $3)`, put);
      expect(found(await stored())).toEqual(['value: reported in table scratch.planted']);
    }
  } finally {
    await scene.client.query(`DROP SCHEMA scratch CASCADE`);
  }
}, 60_000);
