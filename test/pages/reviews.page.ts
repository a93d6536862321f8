import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { GateScene } from '../support/gate-scene.ts';
import { Console } from './console.ts';

let site: Console;
let gate: GateScene;
let page: Page;
let vera: string;

beforeAll(async () => {
  site = await Console.start();
  gate = await GateScene.set(site.world);
  vera = (await site.account('Vera', 'vendor_risk')).email;
  await site.account('Rita', 'responder', 'auditor');
  page = await site.browser.page();
  page.setDefaultTimeout(6000);
  await site.signIn(page, vera, '/access-reviews');
}, 120_000);
afterAll(() => site.close());

const main = () => page.locator('main').innerText();
const card = (title: string) => page.locator('#items section.card').filter({ hasText: title });

describe('access reviews', () => {
  test('one is opened by hand, for a reason', async () => {
    expect(await main()).toContain('No review yet');
    await page.getByText('Open one by hand').click();
    await page.getByLabel('Integration', { exact: true }).fill('INT-2026-9999');
    await page.getByLabel('Why').fill('Before the audit');
    await page.getByRole('button', { name: 'Open the review' }).click();
    expect(await main()).toContain('There is no integration with this reference.');
    expect(await page.getByLabel('Why').inputValue()).toBe('Before the audit');
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await page.getByLabel('Integration', { exact: true }).fill(gate.reference);
    await page.getByRole('button', { name: 'Open the review' }).click();
    await page.waitForURL(/access-reviews\/ARV-\d{4}-\d{4}$/);
    expect(await main()).toContain('Before the audit');
    await site.judge(page, 'review');
  });

  test('what is kept, and what is removed with its reason', async () => {
    const paylane = card('Checkout access token');
    expect(await paylane.innerText()).toMatch(/Incident desk.*revoke.*agreed way to revoke/s);
    expect(await page.locator('#items input:checked').count()).toBe(0);
    await paylane.getByRole('button', { name: 'Remove what is ticked' }).click();
    expect(await main()).toContain('Tick at least one.');
    await paylane.getByLabel(/Incident desk.*agreed way/).check();
    await paylane.getByRole('button', { name: 'Remove what is ticked' }).click();
    expect(await main()).toContain('Say why: it goes on record.');
    await paylane.getByLabel(/Incident desk.*agreed way/).check();
    await paylane.getByLabel('Why').fill('The desk is closed');
    await paylane.getByRole('button', { name: 'Remove what is ticked' }).click();
    site.browser.complaints.length = 0; // and these
    expect(await main()).toContain('1 removed.');
    await page.getByRole('link', { name: 'what is decided, too' }).click();
    expect(await card('Checkout access token').innerText()).toMatch(
      /to be taken away.*Vera.*The desk is closed/s,
    );
  });

  test('by person; nobody is asked about themselves', async () => {
    await page.getByRole('link', { name: 'By person' }).click();
    await site.judge(page, 'review-by-person');
    expect(await card('vera@aurora.example').innerText()).toContain('is for somebody else to decide');
    expect(await card('vera@aurora.example').getByRole('checkbox').count()).toBe(0);
    const rita = card('rita@aurora.example');
    expect(await rita.getByRole('checkbox').count()).toBe(2);
    await rita.getByLabel(/responder/).check();
    await rita.getByLabel('Why').fill('On call');
    await rita.getByRole('button', { name: 'Keep what is ticked' }).click();
    expect(await main()).toContain('1 kept.');
  });

  test('all of a group at one press, without ticking and without scripts', async () => {
    const address = page.url();
    const plain = await site.plainPage();
    await plain.goto(address.replace('by=person', 'by=credential'));
    const group = plain
      .locator('#items section.card')
      .filter({ has: plain.getByRole('button', { name: /Keep all \d+ of these/ }) })
      .first();
    const title = (await group.locator('h3').innerText()).split('\n')[0]!;
    const count = await group.getByRole('checkbox').count();
    await group.getByLabel('Why').fill('The team is as it was');
    await group.getByRole('button', { name: `Keep all ${count} of these` }).click();
    expect(await plain.locator('main').innerText()).toContain(`${count} kept.`);
    const after = plain.locator('#items section.card').filter({ hasText: title });
    expect(await after.getByRole('checkbox').count()).toBe(0);
    await plain.close();
  });

  test('everything that is left, with one reason', async () => {
    await page.getByRole('link', { name: 'only what is open' }).click();
    await page.getByText(/Decide all \d+ on this page that are yours/).click();
    const all = page.getByRole('form', { name: 'Everything of yours on this page' });
    await all.getByLabel('Why').fill('Looked at with the team');
    await all.getByRole('button', { name: 'Keep all of them' }).click();
    expect(await main()).toMatch(/\d+ kept\./);
    expect(await page.locator('#items').getByRole('checkbox').count()).toBe(0);
  });

  test('the list says how far it is, the integration says that it runs', async () => {
    await page.goto(`${site.url}/access-reviews`);
    await site.judge(page, 'reviews');
    const row = page.getByRole('row', { name: /Before the audit/ });
    expect(await row.innerText()).toMatch(/\d+ of \d+ decided, 1 removed/);
    expect(await row.innerText()).toContain('1 removal open');
    await page.goto(`${site.url}/integrations/${gate.reference}`);
    // Its own part is decided; what is left are accounts.
    expect(await main()).not.toContain('Access is being reviewed');
  });

  test('the file opens as text, whatever a name begins with', async () => {
    await page.goto(`${site.url}/access-reviews`);
    const link = await page.getByRole('link', { name: /Before the audit/ }).getAttribute('href');
    const file = await page.request.get(`${site.url}${link}/items.csv`);
    expect(file.headers()['content-type']).toContain('text/csv');
    const lines = (await file.text()).trim().split('\r\n');
    expect(lines[1]).toContain('"decision","reason","decided by"');
    expect(lines.filter((line) => line.includes('"remove","The desk is closed","Vera"'))).toHaveLength(1);
  });

  test('an account is closed from the page of accounts, and its access is reviewed', async () => {
    const other = await site.plainPage();
    await other.goto(`${site.url}/settings/users`);
    expect(await other.locator('main').innerText()).not.toContain('Rita');
    const root = await site.account('Root', 'admin');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await site.signIn(page, root.email, '/settings/users');
    await page.getByRole('form', { name: 'Close the account of Rita' }).getByRole('button').click();
    expect(await main()).toContain('The account is closed.');
    await site.judge(page, 'accounts');
  });
});
