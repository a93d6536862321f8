import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { IncidentsService } from '../../src/domain/incidents/incidents.service.ts';
import { ObligationsService } from '../../src/domain/obligations/obligations.service.ts';
import { SupplierAccounts } from '../../src/domain/obligations/supplier-accounts.service.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR, iso } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let made: IncidentScene;
let supplier: { id: string; reference: string };

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
  const by = system('test', 'test');
  const { client } = site.scene;
  await client.query(
    `UPDATE party SET region = 'DE', sector = 'Payments', zone = 'Europe/Berlin' WHERE is_operator`,
  );
  await client.query(
    `INSERT INTO integration_party (integration_id, party_id, party_name, role)
     SELECT c.integration_id, p.id, p.name, 'customer' FROM incident_case c, party p WHERE c.id = $1 AND p.is_operator ON CONFLICT DO NOTHING`,
    [made.case],
  );
  // The scene gave its notices numbers by hand.
  await client.query(`SELECT setval('reference_ntc', 5000)`);
  const now = site.world.clock.now();
  const incidents = site.world.app.get(IncidentsService);
  for (const [kind, hours] of [
    ['detected', 4],
    ['confirmed', 3],
    ['classified', 2],
  ] as const)
    expectOk(
      await incidents.assertInstant(
        made.incident,
        { kind, at: iso(now - hours * HOUR), zone: 'UTC', basis: 'the team met', caseId: null },
        by,
      ),
    );
  await site.world.app.get(ObligationsService).reckonAll(made.incident, by);
  const { rows } = await client.query<{ id: string; reference: string }>(
    `SELECT p.id, p.reference FROM integration_party x JOIN party p ON p.id = x.party_id JOIN incident_case c ON c.integration_id = x.integration_id
      WHERE c.id = $1 AND x.role = 'supplier' AND NOT p.is_operator LIMIT 1`,
    [made.case],
  );
  supplier = rows[0]!;
  expectOk(
    await site.world.app.get(SupplierAccounts).state(
      made.case,
      {
        partyId: supplier.id,
        knewAt: iso(now - 90 * HOUR),
        knewBasis: 'its own report',
        toldAt: iso(now - 3 * HOUR),
        toldBasis: 'its mail',
        zone: 'UTC',
      },
      by,
    ),
  );
  const vera = await site.account('Vera', 'admin');
  page = await site.browser.page();
  await site.signIn(page, vera.email, '/');
}, 120_000);
afterAll(() => site.close());

test('the register tells dated, without a number and not started apart, in word and colour, and draws the clocks', async () => {
  await page.goto(`${site.url}/incidents/INC-2026-0007`);
  await page.locator('a', { hasText: 'all duties to tell' }).click();
  await page.waitForURL(/\/obligations$/);
  await site.judge(page, 'obligations');
  const register = page.locator('#register');
  const row = (text: string) => register.locator('tbody tr', { hasText: text });
  expect(await row('GDPR, controller tells the supervisory').innerText()).toMatch(/left|late/);
  expect(await row('GDPR, controller tells the people').innerText()).toMatch(/not started/);
  const classes = async (text: string) => row(text).locator('.chip').last().getAttribute('class');
  expect(await classes('GDPR, controller tells the supervisory')).not.toBe(
    await classes('GDPR, controller tells the people'),
  );
  expect(
    await page.locator('svg[role=img][aria-label^="The clocks that run"]').getAttribute('aria-label'),
  ).toMatch(/gdpr-33-1/);
  expect(await page.locator('#suppliers').innerText()).toMatch(/its own report/);
});

test('a duty shows its arithmetic, and what people decide about it', async () => {
  await page.goto(`${site.url}/incidents/INC-2026-0007/obligations`);
  await page.locator('#register a', { hasText: 'GDPR, controller tells the supervisory' }).first().click();
  await page.waitForURL(/\/obligations\/[0-9a-f-]+$/);
  await page.locator('summary', { hasText: 'It is not required here' }).click();
  await page.locator('#not-required-reason').fill('x');
  await page.locator('button', { hasText: 'Ask for it' }).click();
  expect(await page.locator('main').innerText()).toContain('Say why: it goes on record.');
  site.browser.complaints.length = 0; // the browser reports the 422 itself
  await page.locator('#not-required-reason').fill('only test data were reachable');
  await page.locator('button', { hasText: 'Ask for it' }).click();
  await page.waitForURL(/\/obligations\/[0-9a-f-]+$/);
  expect(await page.locator('main').innerText()).toMatch(/72 hours/);
  expect(await page.locator('main').innerText()).toContain('Vera says that it is not required');
  await site.judge(page, 'obligation');
});

test('a legal hold is placed, and not lifted by the same person', async () => {
  await page.goto(`${site.url}/incidents/INC-2026-0007/obligations`);
  await page.locator('#hold summary').click();
  await page.locator('#hold-reason').fill('a court asked for the record');
  await page.locator('#hold button').click();
  await page.locator('#hold', { hasText: 'a court asked for the record' }).waitFor();
  await page.locator('#hold summary').click();
  await page.locator('#hold-reason').fill('it is over');
  await page.locator('#hold button').click();
  expect(await page.locator('#hold').innerText()).toMatch(/a second person lifts it/);
  site.browser.complaints.length = 0; // the browser reports the 422 itself
});

test('a supplier’s page keeps its record', async () => {
  await page.goto(`${site.url}/parties/${supplier.reference}`);
  expect(await page.locator('#told').innerText()).toMatch(/3 d 15 h/);
  await site.judge(page, 'party-record');
});
