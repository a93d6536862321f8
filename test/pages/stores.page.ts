import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Secret } from '../../src/kernel/secret.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { Console } from './console.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start({
    stores: {
      writeTo: 'vault-kv2',
      // Nobody listens there: what is put stays on its way.
      vault: { url: 'https://127.0.0.1:9', token: Secret.of('t'), mount: 'secret', prefix: 'countersign' },
    },
  });
  const { email } = await site.account('Olga', 'admin');
  page = await site.browser.page();
  await site.signIn(page, email, '/settings/connections');
}, 120_000);
afterAll(() => site.close());

test('stores say what they can do, where new secrets go, and what is on its way', async () => {
  const vault = site.world.app.get(Vault);
  await site.world.app
    .get(Transactions)
    .run(system('test', 'c'), (db) => vault.put(db, 'a', Secret.of('value-that-nobody-sees')));
  await page.getByRole('link', { name: 'Stores' }).click();
  const row = page.getByRole('row', { name: /KV version 2/ });
  expect(await row.innerText()).toMatch(/new secrets go here[\s\S]*1[\s\S]*1 on the way/);
  expect(await page.getByRole('row', { name: /Environment/ }).innerText()).toContain('read only');
  expect(await page.locator('main').innerText()).not.toContain('value-that-nobody-sees');
  await site.judge(page, 'stores');
}, 180_000);
