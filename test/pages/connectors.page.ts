import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { overflowOf } from '../support/browser.ts';
import { Console } from './console.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  const { email } = await site.account('Adele', 'admin');
  page = await site.browser.page();
  await site.signIn(page, email, '/connectors');
}, 120_000);
afterAll(() => site.close());

test('what each supplier can do, and what a death there rests on', async () => {
  await page.goto(`${site.url}/connectors`);
  await site.judge(page, 'connectors');
  const row = page.locator('tbody tr').filter({ hasText: 'Stripe API key' });
  expect(await row.innerText()).toMatch(/probe[\s\S]*manual[\s\S]*source verified/);
  await row.getByRole('link').click();
  await site.judge(page, 'connector');
  const text = await page.locator('main').innerText();
  expect(text).toContain('not run against the product');
  expect(text).toMatch(/403[\s\S]*live[\s\S]*restricted key/);
  expect(text).toContain('trufflehog detector stripe');
  expect(text).toContain('Create a restricted key without permissions');
});

test('every preset fits a phone', async () => {
  await page.goto(`${site.url}/connectors`);
  const links = page.locator('tbody a');
  const paths = await links.evaluateAll((all) => all.map((one) => one.getAttribute('href')!));
  expect(paths.length).toBeGreaterThan(30);
  await page.setViewportSize({ width: 360, height: 780 });
  const wide: Record<string, string[]> = {};
  for (const path of paths) {
    await page.goto(`${site.url}${path}`);
    const found = await overflowOf(page);
    if (found.length > 0) wide[path] = found;
  }
  expect(wide).toEqual({});
});
