import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Checkpointer } from '../../src/domain/ledger/checkpointer.ts';
import { Sequencer } from '../../src/domain/ledger/sequencer.ts';
import { Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  const { email } = await site.account('Adele', 'admin');
  page = await site.browser.page();
  await site.signIn(page, email, '/');
}, 120_000);
afterAll(() => site.close());

describe('the first page', () => {
  test('says what is alive, what waits, and which clock runs out next', async () => {
    await page.goto(`${site.url}/`);
    await site.judge(page, 'home');
    const text = await page.locator('main').innerText();
    expect(text).toMatch(/3\s+still alive/);
    expect(text).toContain('Ledger keys in a public repository');
    expect(text).toMatch(/One report waits in triage/);
    expect(text).toMatch(/Northwind Cloud confirmed, NTC-\d{4}-\d{4}, [^\n]+\s+20 h 0 min left/);
  });
});

describe('incidents', () => {
  test('are listed with how far each is from being dead', async () => {
    await page.goto(`${site.url}/incidents`);
    await site.judge(page, 'incidents');
    expect(await page.locator('tbody').innerText()).toMatch(/1 proven dead[\s\S]*3 alive/);
    await page.goto(`${site.url}/incidents/INC-2026-0007/credentials`);
    await site.judge(page, 'incident-credentials');
    expect(await page.locator('tbody tr').count()).toBe(4);
  });
});

describe('notices', () => {
  test('with their clocks; one with its letter, its attempts and what was frozen', async () => {
    await page.goto(`${site.url}/notices`);
    await site.judge(page, 'notices');
    const rows = page.locator('tbody tr');
    expect(await rows.filter({ hasText: 'NTC-2026-0003' }).innerText()).toMatch(
      /late by 1 h 0 min[\s\S]*bounced/,
    );
    await page.goto(`${site.url}/notices/NTC-2026-0001`);
    await site.judge(page, 'notice');
    const text = await page.locator('main').innerText();
    expect(text).toContain('250 2.0.0 Ok: queued as 7F2C1');
    expect(text).toContain('Ledger read key');
    await page.goto(`${site.url}/notices/NTC-2026-0003`);
    expect(await page.locator('main').innerText()).toContain('nobody was reached in 80 % of the window');
  });
});

describe('alerts', () => {
  test('are handled once, and found again among the handled', async () => {
    await page.goto(`${site.url}/alerts`);
    await site.judge(page, 'alerts');
    const slow = page.locator('.asks li').filter({ hasText: 'The queue of notices is slow.' });
    await slow.getByRole('button', { name: 'Handled' }).click();
    await page.waitForURL(`${site.url}/alerts`);
    expect(await slow.count()).toBe(0);
    await page.getByRole('link', { name: 'Handled' }).click();
    expect(await slow.innerText()).toContain('handled by Adele');
  });
});

describe('the ledger', () => {
  test('shows its entries, and says whether the tree is what was signed', async () => {
    await site.world.app.get(Sequencer).sequence();
    await site.world.app.get(Checkpointer).checkpoint();
    await page.goto(`${site.url}/ledger?kind=incident`);
    await site.judge(page, 'ledger');
    expect(await page.locator('main').innerText()).toContain('signed, and the tree is what was signed');
    await page.locator('tbody a').first().click();
    await site.judge(page, 'ledger-entry');
    expect(await page.locator('main').innerText()).toContain('proven to be in the signed tree');
  });

  test('and says so when it is not', async () => {
    await site.scene.client.query(`UPDATE ledger_checkpoint SET root = decode(repeat('00', 32), 'hex')`);
    await page.goto(`${site.url}/ledger`);
    expect(await page.locator('main').innerText()).toContain('not sound');
  });
});

describe('settings', () => {
  test.each([
    ['sources', /GitHub secret scanning[\s\S]*acts on its word/],
    ['connections', /Northwind \(production\)[\s\S]*none/],
    ['users', /Adele[\s\S]*admin/],
    ['tokens', /No token|API tokens/],
  ])('%s', async (path, says) => {
    await page.goto(`${site.url}/settings/${path}`);
    await site.judge(page, `settings-${path}`);
    expect(await page.locator('main').innerText()).toMatch(says);
  });
});
