import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { Console } from './console.ts';

/** Pictures and axe on a busy machine. */
const LONG = 180_000;

let site: Console;
let page: Page;
const said = () => page.locator('main').innerText();

beforeAll(async () => {
  site = await Console.start();
  const aurora = await party('Aurora Pay', true);
  await supplied(aurora, 'Webshop payments', 'Meadow Shop', ['security', 'contract']);
  await supplied(aurora, 'Kiosk payments', 'Bricks Kiosk', ['contract']);
  const { email } = await site.account('Olga', 'contract_owner');
  page = await site.browser.page();
  await site.signIn(page, email, '/offerings');
}, 120_000);
afterAll(() => site.close());

/** The browser reports a refused form itself. */
const quiet = () => (site.browser.complaints.length = 0);

const put = (sql: string, parameters: unknown[]) => site.scene.client.query(sql, parameters);

async function party(name: string, operator = false): Promise<Id> {
  const id = newId();
  await put(
    `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, $2, $3, $4, now(), now())`,
    [id, `PTY-2026-${id.slice(-6)}`, name, operator],
  );
  const roles = operator ? ['security', 'contract', 'on_call'] : [];
  for (const role of roles) await contact(id, role);
  return id;
}

const contact = (partyId: Id, role: string) =>
  put(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, now(), now())`,
    [newId(), partyId, `${role} desk`, role, `${role}@${partyId.slice(-6)}.example`],
  );

async function supplied(supplier: Id, name: string, customer: string, roles: string[]): Promise<void> {
  const [id, customerId] = [newId(), await party(customer)];
  for (const role of roles) await contact(customerId, role);
  await put(
    `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $2, $3, now(), now())`,
    [id, `INT-2026-${Math.floor(Math.random() * 9000)}`, name],
  );
  for (const [partyId, role] of [
    [supplier, 'supplier'],
    [customerId, 'customer'],
  ])
    await put(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) SELECT $1, id, name, $3 FROM party WHERE id = $2`,
      [id, partyId, role],
    );
}

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
    await page.reload();
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
