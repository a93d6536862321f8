import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { OfferingParties } from '../support/offering-parties.ts';
import { afresh, Console } from './console.ts';

/** Pictures and axe on a busy machine. */
const LONG = 180_000;

let site: Console;
let page: Page;
const said = () => page.locator('main').innerText();

beforeAll(async () => {
  site = await Console.start();
  const parties = new OfferingParties(
    (sql, parameters) => site.scene.client.query(sql, parameters),
    () => new Date(),
  );
  await parties.customer(['security', 'contract'], 'Meadow Shop', 'Webshop payments');
  await parties.customer(['contract'], 'Bricks Kiosk', 'Kiosk payments');
  const { email } = await site.account('Olga', 'contract_owner');
  page = await site.browser.page();
  await site.signIn(page, email, '/offerings');
}, 120_000);
afterAll(() => site.close());

/** The browser reports a refused form itself. */
const quiet = () => (site.browser.complaints.length = 0);

test(
  'an offering is begun from a template, given a term, published, and proposed; each customer says where it stands',
  async () => {
    expect(await said()).toContain('Nothing is offered');
    await page.getByRole('link', { name: 'New offering' }).click();
    await page.fill('[name=name]', 'Card payments');
    await page.selectOption('[name=from]', 'template:supplier-issues');
    await page.getByRole('button', { name: 'Begin the draft' }).click();
    expect(await said()).toContain('nobody promises to tell anybody anything');

    await page.getByRole('link', { name: 'a further term' }).click();
    await page.getByRole('button', { name: 'Add the term' }).click();
    expect(await said()).toContain('names nobody');
    quiet();
    await page.getByRole('group', { name: 'Told, by role' }).getByLabel('security').check();
    await site.judge(page, 'offering-term');
    await page.getByRole('button', { name: 'Add the term' }).click();
    expect(await page.getByRole('row', { name: /we tell the customer/ }).innerText()).toContain('24 hours');

    await page.getByRole('link', { name: 'Change revocation' }).click();
    await page.fill('[name=window]', 'soon');
    await page.getByRole('button', { name: 'Save the row' }).click();
    expect(await page.locator('.error').first().innerText()).toMatch(/must be/);
    quiet();
    await page.fill('[name=window]', '2h');
    await page.getByRole('button', { name: 'Save the row' }).click();
    expect(await page.getByRole('row', { name: /^revocation/ }).innerText()).toContain('2 hours');
    await site.judge(page, 'offering-draft');

    await page.getByRole('button', { name: 'Publish as version 1' }).click();
    expect(await said()).toContain('Version 1 is published');
    for (const name of [/Webshop/, /Kiosk/]) await page.getByLabel(name).check();
    await page.getByRole('button', { name: 'Propose version 1' }).click();
    await site.until(async () => {
      const { rows } = await site.scene.client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM offering_target WHERE state = 'queued'`,
      );
      return rows[0]!.n === 0;
    });
    await afresh(page);
    expect(await page.getByRole('row', { name: /Webshop/ }).innerText()).toContain('waits for signatures');
    expect(await page.getByRole('row', { name: /Kiosk/ }).innerText()).toMatch(
      /could not be proposed[\s\S]*no reachable contact in the role security/,
    );
    await site.judge(page, 'offering');

    await page.getByRole('button', { name: 'Remind who has not signed' }).click();
    expect(await said()).toContain('1 were mailed too recently');
    await page.getByRole('link', { name: 'Kiosk payments' }).click();
    expect(await said()).toContain('Enter such a contact, then propose again');
    await site.judge(page, 'offering-customer');

    await page.goto(`${site.url}/offerings`);
    await site.judge(page, 'offerings');
  },
  LONG,
);
