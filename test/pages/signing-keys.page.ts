import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { afresh, Console } from './console.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

/** Pictures and axe on a busy machine. */
const LONG = 180_000;

let site: Console;
let page: Page;
let ids: PortfolioScene;
const said = () => page.locator('main').innerText();

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  const { email } = await site.account('Olga', 'contract_owner');
  page = await site.browser.page();
  await site.signIn(page, email, '/signing-keys');
}, 120_000);
afterAll(() => site.close());

test(
  'a key is registered for a contact, shown with what people compare, and retired',
  async () => {
    expect(await said()).toContain('No key is registered');
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    await page.selectOption('[name=contact]', ids.contacts.ann);
    await page.fill('[name=publicKey]', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    await page.getByRole('button', { name: 'Register' }).click();
    expect(await said()).toMatch(/no Ed25519 public key/i);
    expect(await page.content()).not.toContain('PRIVATE KEY');
    site.browser.complaints.length = 0; // the browser reports the refusal itself
    await page.selectOption('[name=contact]', ids.contacts.ann);
    await page.fill('[name=publicKey]', publicKey.export({ type: 'spki', format: 'pem' }) as string);
    await page.getByRole('button', { name: 'Register' }).click();
    expect(await page.getByRole('row', { name: /Ann Meyer/ }).innerText()).toContain('in use');
    await site.judge(page, 'signing-keys');
    // As if it had been registered by somebody who is not of their side, before that was refused.
    const hand = (await site.scene.client.query(`SELECT registered_by FROM signing_key`)).rows[0]
      .registered_by;
    await site.scene.client.query(`UPDATE signing_key SET registered_by = 'somebody else'`);
    await afresh(page);
    expect(await page.getByRole('row', { name: /Ann Meyer/ }).innerText()).toContain('not confirmed');
    await site.judge(page, 'signing-keys-not-confirmed');
    await site.scene.client.query(`UPDATE signing_key SET registered_by = $1`, [hand]);
    await afresh(page);
    expect(await page.getByRole('row', { name: /Ann Meyer/ }).innerText()).toContain('in use');
    await page.getByRole('button', { name: 'Retire' }).click();
    expect(await page.getByRole('row', { name: /Ann Meyer/ }).innerText()).toContain('retired');
    expect(await page.getByRole('button', { name: 'Retire' }).count()).toBe(0);
  },
  LONG,
);
