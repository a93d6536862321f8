import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { voices } from '../support/source-voices.ts';
import { Console } from './console.ts';
import { CANARY } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  const { email } = await site.account('Olga', 'admin', 'responder');
  page = await site.browser.page();
  await site.signIn(page, email, '/settings/sources');
}, 120_000);
afterAll(() => site.close());

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
    await page.reload();
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
}, 180_000);
