import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { afresh, Console, PASSWORD } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let ids: PortfolioScene;
let rita: string;

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  rita = (await site.account('Rita', 'responder')).email;
  page = await site.browser.page();
}, 120_000);
afterAll(() => site.close());

const sessionId = async () =>
  (await site.browser.context.cookies()).find(({ name }) => name.endsWith('cs_sid'))?.value;

async function post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(`${site.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams(fields),
  });
}

describe('the door', () => {
  test('leads to where one wanted to go, under a new session', async () => {
    await page.goto(`${site.url}/incidents/INC-2026-0007`);
    expect(page.url()).toBe(`${site.url}/sign-in?next=%2Fincidents%2FINC-2026-0007`);
    const before = await sessionId();
    await page.fill('[name=email]', rita);
    await page.fill('[name=password]', PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${site.url}/incidents/INC-2026-0007`);
    expect(before).toBeDefined();
    expect(await sessionId()).not.toBe(before);
    expect(await page.locator('.who').innerText()).toContain('Rita');
  });

  test('leads nowhere outside', async () => {
    const elsewhere = await site.plainPage();
    await elsewhere.goto(`${site.url}/sign-in?next=//evil.example/`);
    expect(new URL(elsewhere.url()).pathname).toBe('/');
  });

  test('a form without the proof of this session is refused in words, and changes nothing', async () => {
    const cookie = `cs_sid=${await sessionId()}`;
    const attempts: Record<string, string>[] = [
      { cookie },
      { cookie, 'sec-fetch-site': 'cross-site' },
      { cookie, origin: 'https://evil.example' },
    ];
    for (const headers of attempts) {
      const refused = await post('/sign-out', {}, { ...headers, accept: 'text/html' });
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('did not come from our own page');
    }
    await afresh(page);
    expect(await page.locator('.who').innerText()).toContain('Rita');
  });

  test('a role that may not gets a page that says so', async () => {
    const { email } = await site.account('Ingo', 'integration_engineer');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${site.url}/sign-in`);
    await site.signIn(page, email, '/portfolio');
    expect(await page.locator('.top nav').innerText()).not.toContain('Incidents');
    const answer = await page.goto(`${site.url}/incidents`);
    expect(answer?.status()).toBe(403);
    site.browser.complaints.length = 0; // the browser reports the 403 itself
    await site.judge(page, 'problem');
    await page.goto(`${site.url}/portfolio`);
    await page.getByRole('button', { name: 'Sign out' }).click();
  });

  test('a wrong password and an unknown address get the same answer, and both are slowed down', async () => {
    const tries = async (email: string) => {
      const said: string[] = [];
      for (let n = 0; n < 7; n += 1) {
        await page.goto(`${site.url}/sign-in`);
        await page.fill('[name=email]', email);
        await page.fill('[name=password]', 'wrong');
        await page.getByRole('button', { name: 'Sign in' }).click();
        said.push(await page.locator('[role=alert]').innerText());
      }
      return said;
    };
    const known = await tries(rita);
    expect(await tries('nobody@aurora.example')).toEqual(known);
    expect(known[0]).toContain('wrong');
    expect(known[6]).toContain('Too many attempts');
    site.browser.complaints.length = 0; // the browser reports the 401s itself
  });

  test('a party’s own contact sees its integrations and nothing of others', async () => {
    const { email } = await site.account('Nora', { partyId: ids.northwind }, 'party_contact');
    await site.signIn(page, email, '/portfolio');
    await site.judge(page, 'party-portfolio');
    const names = await page.locator('tbody b').allInnerTexts();
    expect(names).toEqual(expect.arrayContaining(['Billing export to Northwind', 'Management reporting']));
    expect(names).toHaveLength(2);
    await page.goto(`${site.url}/integrations/INT-2026-0001`);
    await site.judge(page, 'party-integration');
    for (const path of [
      '/incidents/INC-2026-0007',
      '/integrations/INT-2026-0101',
      '/notices/NTC-2026-0003',
    ]) {
      const answer = await page.goto(`${site.url}${path}`);
      expect([403, 404]).toContain(answer?.status());
    }
    expect((await page.goto(`${site.url}/notices/NTC-2026-0001`))?.status()).toBe(200);
    await site.judgeText(page);
  });

  test('the style sheet is kept for ever under its own address, and no longer under another', async () => {
    await page.goto(`${site.url}/sign-in`);
    const href = await page.locator('link[rel=stylesheet]').getAttribute('href');
    const kept = await fetch(`${site.url}${href}`);
    expect(kept.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const stale = await fetch(`${site.url}/assets/console.css?v=older`);
    expect(stale.headers.get('cache-control')).toBe('public, no-cache');
  });
});

describe('decisions on an incident', () => {
  test('taking it on, and a close that is refused with what is missing', async () => {
    const { email } = await site.account('Rolf', 'responder');
    await page.context().clearCookies();
    await site.signIn(page, email, '/incidents/INC-2026-0007');
    await page.getByRole('button', { name: 'Take it on' }).click();
    await page.getByText('taken on by Rolf').waitFor();
    await page.getByRole('link', { name: 'Close or dismiss' }).click();
    await page.getByRole('form', { name: 'Close' }).getByLabel('Why').fill('It is over.');
    await page.getByRole('button', { name: 'Close the incident' }).click();
    expect(await page.locator('main').innerText()).toMatch(
      /not proven and not answered for[\s\S]*Ledger write key/,
    );
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await site.judge(page, 'decide');
  });

  test('a report in triage is placed by hand, and joins the open incident', async () => {
    await page.goto(`${site.url}/exposures`);
    await site.judge(page, 'triage');
    await page.getByRole('link', { name: 'EXP-2026-0003' }).click();
    await site.judge(page, 'exposure');
    await page.fill('[name=credential]', 'CRD-2026-9999');
    await page.getByRole('form', { name: 'It is this credential' }).getByLabel('Why').fill('The same file.');
    await page.getByRole('button', { name: 'Begin the incident' }).click();
    expect(await page.locator('main').innerText()).toContain('There is no such credential or version.');
    site.browser.complaints.length = 0;
    await page.fill('[name=credential]', 'CRD-2026-0001');
    await page.getByRole('form', { name: 'It is this credential' }).getByLabel('Why').fill('The same file.');
    await page.getByRole('button', { name: 'Begin the incident' }).click();
    await page.waitForURL(/\/incidents\/INC-2026-0007/);
    expect(await page.locator('#room-witnesses').innerText()).toContain('EXP-2026-0003');
  });
});
