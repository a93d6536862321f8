import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { tabStops } from '../support/browser.ts';
import { Console } from './console.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  await portfolioScene(site.scene);
  const { email } = await site.account('Rita', 'responder');
  page = await site.browser.page();
  await page.goto(`${site.url}/portfolio`);
  await site.judge(page, 'sign-in');
  await site.signIn(page, email, '/portfolio');
}, 120_000);
afterAll(() => site.close());

describe('portfolio', () => {
  test('integrations by name, with their state, pass and the worst of their credentials', async () => {
    await page.goto(`${site.url}/portfolio`);
    await site.judge(page, 'portfolio');
    const first = page.locator('tbody tr').filter({ hasText: 'Billing export to Northwind' });
    expect(await first.innerText()).toMatch(
      /live[\s\S]*(held|lost)[\s\S]*1 nobody can stop[\s\S]*3 sound[\s\S]*Ann Meyer/,
    );
    expect(await tabStops(page)).toEqual(
      expect.arrayContaining(['a Billing export to Northwind', 'a Further']),
    );
  });

  test('pages follow each other without a gap or a repeat', async () => {
    await page.goto(`${site.url}/portfolio`);
    const seen: string[] = [];
    for (;;) {
      seen.push(...(await page.locator('tbody .ref').allInnerTexts()).map((text) => text.slice(0, 13)));
      const further = page.getByRole('link', { name: 'Further' });
      if ((await further.count()) === 0) break;
      await further.click();
    }
    expect(seen).toHaveLength(58);
    expect(new Set(seen).size).toBe(58);
  });

  test('search and filters narrow the list', async () => {
    await page.goto(`${site.url}/portfolio`);
    // Both are Northwind's and may have lost their pass by now: the name tells them apart.
    await page.fill('[name=q]', 'reporting');
    await page.selectOption('[name=pass]', 'lost');
    await page.click('main form.search button');
    await page.waitForURL(/pass=lost/u);
    expect(await page.locator('tbody tr').allInnerTexts()).toEqual([
      expect.stringContaining('Management reporting'),
    ]);
  });

  test('suppliers with who can be reached', async () => {
    await page.goto(`${site.url}/portfolio/suppliers`);
    await site.judge(page, 'suppliers');
    const row = page.locator('tbody tr').filter({ hasText: 'Northwind Cloud' });
    expect(await row.innerText()).toMatch(/no contract/);
  });
});
