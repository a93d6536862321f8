import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { MINUTE } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { deathOf } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let ids: PortfolioScene;

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  const { email } = await site.account('Rita', 'responder');
  page = await site.browser.page();
  await site.signIn(page, email, '/portfolio');
}, 120_000);
afterAll(() => site.close());

describe('integration', () => {
  test('who answers for what, who can stop what, what it stands on', async () => {
    await page.goto(`${site.url}/integrations/INT-2026-0001`);
    await site.judge(page, 'integration');
    const matrix = page.locator('table.matrix');
    expect(await matrix.locator('tr.gap').allInnerTexts()).toEqual([
      expect.stringMatching(/recovery\s+nobody answers for this/),
    ]);
    expect(await matrix.getByRole('row', { name: /storage part: staging/ }).innerText()).toMatch(
      /A[\s\S]*P[\s\S]*Nora Visser/,
    );
    const card = page.locator('section').filter({ hasText: 'Who can still stop what' });
    const order = await card.locator('ol').first().locator('li').allInnerTexts();
    expect(order[0]).toMatch(/Northwind Cloud[\s\S]*never tried|Northwind \(production\)/);
    expect(await card.innerText()).toMatch(/Mainframe batch password\s+nobody can stop it/);
    expect(await page.locator('svg[aria-label^=Dependencies]').getAttribute('aria-label')).toContain(
      'Fjord Hosting AS, object storage',
    );
  });

  test('a machine that passed its drill is called before a person who failed theirs', async () => {
    await page.goto(`${site.url}/credentials/CRD-2026-0001`);
    await site.judge(page, 'credential');
    const order = await page.locator('ol.stoppers li').allInnerTexts();
    expect(order).toHaveLength(2);
    expect(order[0]).toMatch(/Northwind \(production\)[\s\S]*proven[\s\S]*3 min in the last drill/);
    expect(order[1]).toMatch(/Piet de Boer[\s\S]*drill failed/);
  });

  test('a version that is proven dead is nowhere called active, and ends where it died; the one before is aimed at', async () => {
    await deathOf(site.scene, ids, ids.versions.live, ids.credentials.live);
    await page.goto(`${site.url}/credentials/CRD-2026-0001`);
    await site.judge(page, 'credential-dead-version');
    const row = page.locator('table tr').filter({ hasText: 'proven dead' });
    expect(await row.count()).toBe(1);
    expect(await row.innerText()).not.toContain('active');
    const died = site.scene
      .ago(188 * MINUTE)
      .toISOString()
      .slice(0, 10);
    expect(await page.locator('svg[aria-label^="Versions over time"]').getAttribute('aria-label')).toMatch(
      new RegExp(`version 3 dead, from [-0-9]+ until ${died}`),
    );
    expect(await page.locator('#convergence').innerText()).toContain('hold version 2');
    await page.goto(`${site.url}/integrations/INT-2026-0001`);
    const main = await page.locator('main').innerText();
    expect(main).toContain('3 dead');
    expect(main).not.toContain('3 active');
  });

  test('what is nowhere is a page that says so', async () => {
    const answer = await page.goto(`${site.url}/integrations/INT-2026-9999`);
    expect(answer?.status()).toBe(404);
    expect(await page.locator('main').innerText()).toContain('There is no such integration');
    site.browser.complaints.length = 0; // the browser reports the 404 itself
  });
});
