import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let email: string;
let page: Page;
/** Forms that were sent, by their path. */
let sent: string[];

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  ({ email } = await site.account('Rita', 'responder'));
}, 120_000);
afterAll(() => site.close());

beforeEach(async () => {
  page = await site.browser.page();
  await site.browser.context.clearCookies();
  await site.signIn(page, email);
  sent = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(new URL(request.url()).pathname);
  });
});

const DUTIES = '/incidents/INC-2026-0007/obligations';
const reason = () => page.locator('#hold [name=reason]');

async function placeHold(why: string): Promise<void> {
  await page.locator('#hold details').evaluate((one) => one.setAttribute('open', ''));
  await reason().fill(why);
  await page.locator('#hold').getByRole('button', { name: 'Place it' }).click();
}

/** Everything that this tab remembers. */
const memory = () => page.evaluate(() => JSON.stringify([{ ...sessionStorage }, history.state]));

describe('a form that is refused', () => {
  beforeEach(async () => {
    await page.goto(`${site.url}${DUTIES}`);
    await placeHold('no');
    await page.getByText('Say why: it goes on record.').waitFor();
    expect(sent).toEqual([`${DUTIES}/hold`]);
  });

  test('stands at the address of its page, and Reload sends nothing and loses nothing', async () => {
    expect(page.url()).toBe(`${site.url}${DUTIES}`);
    expect(await reason().inputValue()).toBe('no');
    await page.reload();
    expect(sent).toHaveLength(1);
    expect(await page.getByText('Say why: it goes on record.').count()).toBe(0);
    // In sight, although the form is folded on a page that is opened.
    expect(await reason().isVisible()).toBe(true);
    expect(await reason().inputValue()).toBe('no');
  });

  test('is found with what was typed from wherever one goes: back to it, and back before it', async () => {
    await page.goto(`${site.url}/incidents`);
    for (const _ of ['the refused page', 'the page before it']) {
      await page.goBack();
      expect(page.url()).toBe(`${site.url}${DUTIES}`);
      expect(await reason().isVisible()).toBe(true);
      expect(await reason().inputValue()).toBe('no');
    }
    expect(sent).toHaveLength(1);
  });

  test('opened by its address in the same tab, its page is as it is for everybody', async () => {
    await page.goto(`${site.url}/incidents`);
    await page.goto(`${site.url}${DUTIES}`);
    expect(await reason().inputValue()).toBe('');
  });
});

test('a secret value is kept nowhere; what stood beside it is', async () => {
  await page.goto(`${site.url}/report`);
  const form = page.getByRole('form', { name: 'One credential' });
  await form.locator('[name=value]').fill('tok_secret_value_of_somebody');
  await form.locator('[name=path]').fill('src/settings.ts');
  await form.locator('[name=url]').fill('no address');
  await form.getByRole('button').click();
  await page.waitForFunction(() => history.state !== null && document.querySelector('.error') !== null);
  expect(await memory()).not.toContain('tok_secret');
  await page.reload();
  expect(await form.locator('[name=value]').inputValue()).toBe('');
  expect(await form.locator('[name=path]').inputValue()).toBe('src/settings.ts');
  expect(await page.content()).not.toContain('tok_secret');
  expect(sent).toEqual(['/report']);
});

test('a secret of many lines is kept nowhere either', async () => {
  await site.browser.context.clearCookies();
  await site.signIn(page, (await site.account('Ada', 'admin')).email);
  await page.goto(`${site.url}/settings/sources/new`);
  const form = page.getByRole('form', { name: 'A source' });
  await form.locator('[name=name]').fill('Scanner of the office');
  await form.locator('textarea[name=secret]').fill('whsec_of_many_lines');
  await form.evaluate((one) => ((one as HTMLFormElement).noValidate = true));
  await form.getByRole('button').last().click();
  await page.waitForFunction(
    () => history.state !== null && document.querySelector('meta[name=answers-form]') !== null,
  );
  expect(await memory()).toContain('Scanner of the office');
  expect(await memory()).not.toContain('whsec');
  expect(await page.content()).not.toContain('whsec');
});

test('a refused sign-in keeps where it was to lead, and no password', async () => {
  await site.browser.context.clearCookies();
  await page.goto(`${site.url}/sign-in?next=/incidents`);
  await page.fill('[name=email]', email);
  await page.fill('[name=password]', 'wrong horse battery staple');
  await page.click('main button[type=submit]');
  await page.locator('main [role=alert]').waitFor();
  expect(await memory()).not.toContain('wrong horse');
  await page.reload();
  expect(page.url()).toBe(`${site.url}/sign-in?next=/incidents`);
  expect(await page.inputValue('[name=email]')).toBe(email);
  expect(await page.inputValue('[name=password]')).toBe('');
  expect(sent).toEqual(['/sign-in']);
});

test('without scripts the refused page itself has what was typed, and nothing was done', async () => {
  const plain = await site.plainPage();
  await plain.goto(`${site.url}${DUTIES}`);
  await plain.locator('#hold summary').click();
  await plain.locator('#hold [name=reason]').fill('no');
  await plain.locator('#hold').getByRole('button', { name: 'Place it' }).click();
  expect(await plain.locator('#hold [name=reason]').inputValue()).toBe('no');
  expect(await plain.locator('main').innerText()).toContain('None stands on it');
  await plain.close();
});

test('the script is kept for long under its own address, and under no other', async () => {
  const page = await (await fetch(`${site.url}/sign-in`)).text();
  const [address] = /\/assets\/forms\.js\?v=[\w-]+/.exec(page)!;
  const lasting = await fetch(`${site.url}${address}`);
  expect(lasting.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  const stale = await fetch(`${site.url}/assets/forms.js?v=older`);
  expect(stale.headers.get('cache-control')).toBe('public, no-cache');
});

test('what a form made and shows once is neither made again nor filled in again by Reload', async () => {
  await page.goto(`${site.url}/profile`);
  const form = page.getByRole('form', { name: 'API token of your own' });
  const name = form.getByLabel('What it is for');
  await name.fill('My script');
  await form.getByRole('button', { name: 'Make the token' }).click();
  await page
    .getByText(/\bcs_\w+/)
    .first()
    .waitFor();
  expect(page.url()).toBe(`${site.url}/profile`);
  await page.reload();
  expect(sent).toEqual(['/profile/tokens']);
  expect(await page.getByText(/\bcs_\w+/).count()).toBe(0);
  expect(await name.inputValue()).toBe('');
  const { rows } = await site.scene.client.query(`SELECT FROM api_token WHERE name = 'My script'`);
  expect(rows).toHaveLength(1);
});

test('a page that says why nothing can be done takes the place of the form, too', async () => {
  await page.goto(`${site.url}${DUTIES}`);
  await site.scene.client.query(
    `UPDATE incident SET reference = 'INC-2026-9007' WHERE reference = 'INC-2026-0007'`,
  );
  await placeHold('The authority asked for it.');
  await page.getByRole('link', { name: 'To the first page' }).waitFor();
  await site.scene.client.query(
    `UPDATE incident SET reference = 'INC-2026-0007' WHERE reference = 'INC-2026-9007'`,
  );
  await page.reload();
  expect(page.url()).toBe(`${site.url}${DUTIES}`);
  expect(await reason().inputValue()).toBe('The authority asked for it.');
  expect(sent).toHaveLength(1);
});

test('what has gone through after a refusal is remembered nowhere, and Back sends nothing', async () => {
  await page.goto(`${site.url}${DUTIES}`);
  await placeHold('no');
  await page.getByText('Say why: it goes on record.').waitFor();
  await reason().fill('The authority asked for it.');
  await page.locator('#hold').getByRole('button', { name: 'Place it' }).click();
  await page.getByText('A legal hold stands on it.').waitFor();
  expect(await memory()).not.toContain('The authority asked for it.');
  for (let back = 0; back < 2; back += 1) await page.goBack();
  expect(page.url()).toBe(`${site.url}${DUTIES}`);
  expect(sent).toEqual([`${DUTIES}/hold`, `${DUTIES}/hold`]);
});
