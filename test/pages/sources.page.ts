import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { SignalPeer } from '../support/signal-peer.ts';
import { RISC, claimsOf, setOver, voices } from '../support/source-voices.ts';
import { afresh, Console } from './console.ts';
import { CANARY } from './scene.ts';

let site: Console;
let page: Page;
/** A transmitter of security event tokens that is asked for them. */
let stream: SignalPeer;

beforeAll(async () => {
  stream = await SignalPeer.start();
  site = await Console.start({ outboundAllow: [stream.host] });
  const { email } = await site.account('Olga', 'admin', 'responder');
  page = await site.browser.page();
  await site.signIn(page, email, '/settings/sources');
}, 120_000);
afterAll(async () => {
  await site.close();
  await stream.close();
});

const KEY = 'a secret of sixteen and more';

test('a source is added, gets a second key, and its deliveries are gone through again', async () => {
  await page.getByRole('link', { name: 'Add a source' }).click();
  await page.getByLabel('Kind').selectOption('github');
  await page.getByLabel('Name', { exact: true }).fill('Code host');
  await page.getByLabel('Key', { exact: true }).fill('code host');
  await page.getByLabel('Its key', { exact: true }).fill(KEY);
  await page.getByRole('button', { name: 'Add it' }).click();
  // Refused: what was typed stays, the secret does not.
  expect(await page.getByLabel('Key', { exact: true }).inputValue()).toBe('code host');
  expect(await page.getByLabel('Its key', { exact: true }).inputValue()).toBe('');
  site.browser.complaints.length = 0; // the browser reports the 422 itself
  await site.judge(page, 'source-new');
  await page.getByLabel('Key', { exact: true }).fill('code-host');
  await page.getByLabel('Its key', { exact: true }).fill(KEY);
  await page.getByRole('button', { name: 'Add it' }).click();
  await page.getByRole('heading', { level: 1, name: 'Code host' }).waitFor();

  const body = voices['github']!.leak('a value that nobody knows');
  const delivered = await site.world.app.inject({
    method: 'POST',
    url: '/api/v1/intake/code-host',
    payload: body,
    headers: voices['github']!.headers(body, KEY),
  });
  expect(delivered.statusCode).toBe(202);
  await site.until(async () => {
    await afresh(page);
    return (await page.getByRole('row', { name: /secret_scanning_alert/ }).innerText()).includes('accepted');
  });
  await page.getByLabel('A further key').fill('short');
  await page.getByRole('button', { name: 'Add it' }).click();
  expect(await page.locator('#keys .error').innerText()).toContain('at least 16 characters');
  await page.getByLabel('A further key').fill('another secret of sixteen and more');
  await page.getByRole('button', { name: 'Add it' }).click();
  expect(await page.locator('#keys li').count()).toBe(2);
  await page.getByRole('form', { name: 'Retire key 1' }).getByRole('button').click();
  expect(await page.locator('#keys li').count()).toBe(1);
  await page.getByRole('button', { name: 'Replay' }).click();
  expect(await page.locator('main').innerText()).toContain('gone through again');
  site.browser.complaints.length = 0;
  await site.judge(page, 'source');
  expect(await page.content()).not.toContain(KEY);
}, 180_000);

test('what was refused stands in the log with its reason and hash, never with its body', async () => {
  const forged = async (url: string) => {
    const { statusCode } = await site.world.app.inject({
      method: 'POST',
      url,
      payload: JSON.stringify({ token: CANARY }),
      headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
    });
    expect(statusCode).toBe(401);
  };
  for (let n = 0; n < 3; n++) await forged('/api/v1/intake/code-host');
  await forged('/api/v1/intake/code-hots');
  await page.goto(`${site.url}/settings/sources`);
  expect(await page.getByRole('row', { name: /^Code host/ }).innerText()).toContain('3 refused');
  expect(await page.locator('main').innerText()).toContain('refused: no such source');
  expect(await page.getByRole('row', { name: /code-hots/ }).count()).toBe(1);
  await site.judge(page, 'sources');
  await page.goto(`${site.url}/settings/sources/code-host`);
  await page.getByRole('link', { name: 'Refused' }).click();
  expect(await page.locator('#deliveries').innerText()).toMatch(/refused: not proven 3 this week, 3 in all/);
  expect(await page.locator('#deliveries tbody tr').count()).toBe(3);
  await page.getByText('Its hash and headers').first().click();
  expect(await page.locator('#deliveries details[open]').innerText()).toMatch(/sha256 [0-9a-f]{64}/);
  await site.judge(page, 'source-refused');
}, 180_000);

test('the settings of a source are changed at one place, and what is wrong is said at its field', async () => {
  const responsible = newId();
  const at = new Date();
  const operator = newId();
  await site.scene.put('party', {
    id: operator,
    reference: 'PTY-2026-9000',
    name: 'Operator Ltd',
    is_operator: true,
    created_at: at,
    updated_at: at,
  });
  await site.scene.put('contact', {
    id: responsible,
    party_id: operator,
    name: 'Ria Responsible',
    role: 'security',
    created_at: at,
    updated_at: at,
  });
  await page.goto(`${site.url}/settings/sources/code-host`);
  await page.getByRole('link', { name: 'Change it' }).click();
  await page.getByLabel('Environment').fill('staging');
  await page.getByLabel('Owner').selectOption(responsible);
  await page.getByLabel('Deliveries an hour').fill('many');
  await page.getByLabel('Bytes of one delivery').fill('12');
  await page.getByLabel('Address of its API').fill('ftp://github.example');
  await page.getByLabel('Token', { exact: true }).fill(CANARY);
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.locator('#quotaPerHour-error').innerText()).toContain('whole number from 1 to 10000000');
  expect(await page.locator('#bodyLimit-error').innerText()).toContain('from 1024 to');
  expect(await page.locator('#apiBaseUrl-error').innerText()).toContain('http or https URL');
  // What was typed stays, but for the token.
  expect(await page.getByLabel('Environment').inputValue()).toBe('staging');
  expect(await page.getByLabel('Token', { exact: true }).inputValue()).toBe('');
  site.browser.complaints.length = 0;
  await site.judge(page, 'source-settings');
  await page.getByLabel('Deliveries an hour').fill('5000');
  await page.getByLabel('Bytes of one delivery').fill('2048');
  await page.getByLabel('Address of its API').fill('https://github.example/api');
  await page.getByLabel('Token', { exact: true }).fill(CANARY);
  // Somebody else was faster.
  const other = await site.browser.page();
  await other.goto(`${site.url}/settings/sources/code-host`);
  await other.getByRole('button', { name: 'Switch it off' }).click();
  await other.getByRole('button', { name: 'Switch it on' }).click();
  await other.close();
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.getByRole('alert').innerText()).toContain('Somebody changed the source');
  await page.goto(`${site.url}/settings/sources/code-host/edit`);
  await page.getByLabel('Environment').fill('staging');
  await page.getByLabel('Owner').selectOption(responsible);
  await page.getByLabel('Deliveries an hour').fill('5000');
  await page.getByLabel('Bytes of one delivery').fill('2048');
  await page.getByLabel('Address of its API').fill('https://github.example/api');
  await page.getByLabel('Token', { exact: true }).fill(CANARY);
  await page.getByRole('button', { name: 'Save' }).click();
  const facts = await page.locator('dl.facts').first().innerText();
  for (const one of [
    'staging',
    'Ria Responsible',
    '5000 an hour',
    '2048 bytes',
    'https://github.example/api',
    'there is one',
  ])
    expect(facts).toContain(one);
  expect(await page.content()).not.toContain(CANARY);
  // Nothing typed: the token that is there stays; ticked, it goes.
  await page.getByRole('link', { name: 'Change it' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.locator('dl.facts').first().innerText()).toContain('there is one');
  await page.getByRole('link', { name: 'Change it' }).click();
  await page.getByLabel('Drop the token that is there').check();
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.locator('dl.facts').first().innerText()).not.toContain('there is one');
  site.browser.complaints.length = 0;
}, 180_000);

test('a stream that is asked: where, how often, with which token; when it last was, and what went wrong', async () => {
  await page.goto(`${site.url}/settings/sources/new`);
  await page.getByLabel('Kind').selectOption('set');
  await page.getByLabel('Name', { exact: true }).fill('Identity provider');
  await page.getByLabel('Key', { exact: true }).fill('idp');
  await page.getByLabel('Its key', { exact: true }).fill(voices['set']!.key);
  await page.getByLabel('Issuer').fill('https://idp.example/');
  await page.getByLabel('Audience').fill('https://countersign.example');
  await page.getByRole('button', { name: 'Add it' }).click();
  expect(await page.locator('#polling').count()).toBe(0);
  await page.getByRole('link', { name: 'Change it' }).click();
  await page.getByLabel('Is asked at').fill('not an address');
  await page.getByLabel('Seconds between two questions').fill('600');
  await page.getByLabel('Token', { exact: true }).fill(CANARY);
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.locator('[id="settings.pollUrl-error"]').innerText()).toContain('http or https URL');
  await page.getByLabel('Is asked at').fill(`${stream.url}/poll`);
  await page.getByLabel('Token', { exact: true }).fill(CANARY);
  await page.getByRole('button', { name: 'Save' }).click();
  const polling = page.locator('#polling');
  expect(await polling.innerText()).toContain('every 10 min');

  stream.answer(503);
  await page.getByRole('button', { name: 'Ask it now' }).click();
  expect(await polling.innerText()).toMatch(/could not be asked[\s\S]*The transmitter answered 503/);
  site.browser.complaints.length = 0;
  await site.judge(page, 'source-unasked');
  await page.goto(`${site.url}/settings/sources`);
  expect(await page.getByRole('row', { name: /Identity provider/ }).innerText()).toContain(
    'could not be asked',
  );

  const waiting: Record<string, string> = {
    one: setOver(
      JSON.stringify(claimsOf({ [RISC]: { credential_type: 'api-key' } }, { jti: 'one' })),
      voices['set']!.key,
    ).toString(),
    bad: setOver(JSON.stringify(claimsOf({}, { jti: 'bad' })), voices['set']!.otherKey).toString(),
  };
  stream.answerWith(({ body }, response) => {
    const said = JSON.parse(body) as { ack?: string[]; setErrs?: object };
    for (const jti of [...(said.ack ?? []), ...Object.keys(said.setErrs ?? {})]) delete waiting[jti];
    response.end(JSON.stringify({ sets: waiting }));
  });
  stream.taken();
  await page.goto(`${site.url}/settings/sources/idp`);
  await page.getByRole('button', { name: 'Ask it now' }).click();
  expect(await page.locator('main').innerText()).toContain(
    'It was asked. 1 stored and acknowledged, 1 refused.',
  );
  expect(stream.taken()[0]!.headers['authorization']).toBe(`Bearer ${CANARY}`);
  expect(waiting).toEqual({});
  expect(await polling.innerText()).toMatch(/answers[\s\S]*1 stored and acknowledged, 1 refused/);
  expect(await page.locator('#deliveries').innerText()).toMatch(/refused: not proven[\s\S]*fetched/);
  await site.judge(page, 'source-polled');
  expect(await page.content()).not.toContain(CANARY);
}, 180_000);

test('a person reports one leak, and hands in what a scanner found', async () => {
  await page.goto(`${site.url}/report`);
  await page.getByRole('button', { name: 'Report it' }).click();
  expect(await page.locator('main').innerText()).toContain('Give the value, or the supplier’s id of it.');
  await page.getByLabel('The value that leaked').fill(CANARY);
  await page.getByLabel('File or place').fill('a paste');
  await page.getByRole('button', { name: 'Report it' }).click();
  expect(await page.locator('main').innerText()).toMatch(/Your report is EXP-\d{4}-\d+/);
  expect(await page.content()).not.toContain(CANARY);

  const hand = async (kind: string, content: Buffer | string) => {
    await page.getByLabel('Of which scanner').selectOption(kind);
    const buffer = Buffer.from(content);
    await page
      .getByLabel(/^Its report/)
      .setInputFiles({ name: 'r.json', mimeType: 'application/json', buffer });
    await page.getByRole('button', { name: 'Hand it in' }).click();
    return page.locator('main').innerText();
  };
  expect(await hand('csv', 'ref,value\na,x,y\n')).toContain('Line 2');
  site.browser.complaints.length = 0;
  await site.judge(page, 'report');
  expect(await hand('gitleaks', voices['gitleaks']!.leak(CANARY))).toContain('One finding is reported.');
  expect(await hand('gitleaks', '[]')).toContain('a report without findings');
  const [row] = await site.world.app
    .get(Transactions)
    .run(system('test', 't'), (db) =>
      db.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM exposure WHERE external_ref LIKE 'c0ffee%'`),
    );
  expect(row!.n).toBe(1);
}, 180_000);

test('a supplier’s contact finds the same form, and below it what its party reported; nothing of a match', async () => {
  const partyId = newId();
  const at = new Date();
  await site.scene.put('party', {
    id: partyId,
    reference: 'PTY-2026-9001',
    name: 'Reporter AG',
    is_operator: false,
    created_at: at,
    updated_at: at,
  });
  const { email } = await site.account('Sven', 'party_contact', { partyId });
  await page.context().clearCookies();
  await site.signIn(page, email, '/report');
  expect(await page.locator('#reported').innerText()).toContain('Nothing yet.');
  await page.getByLabel('Or the supplier’s id of it').fill('key-4711');
  await page.getByRole('button', { name: 'Report it' }).click();
  expect(await page.locator('#reported tbody tr').count()).toBe(1);
  expect(await page.locator('#reported').innerText()).toMatch(/EXP-\d{4}-\d+/);
  site.browser.complaints.length = 0;
  await site.judge(page, 'report-outside');
  // The operator sees in the settings by which ways reports came that nobody set up.
  const { email: own } = await site.account('Otto', 'admin');
  await page.context().clearCookies();
  await site.signIn(page, own, '/settings/sources');
  for (const way of ['Console form', 'Supplier room: Reporter AG'])
    expect(await page.getByRole('row', { name: new RegExp(`^${way}`) }).count()).toBe(1);
  await site.judge(page, 'sources-ways');
}, 180_000);
