import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { IncidentsService } from '../../src/domain/incidents/incidents.service.ts';
import { ObligationsService } from '../../src/domain/obligations/obligations.service.ts';
import { SupplierAccounts } from '../../src/domain/obligations/supplier-accounts.service.ts';
import { newId } from '../../src/kernel/ids.ts';
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
  const authority = newId();
  await client.query(
    `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, 'PTY-2026-9009', 'Data Protection Authority', false, $2, $2)`,
    [authority, new Date(now)],
  );
  await client.query(
    `INSERT INTO integration_party (integration_id, party_id, party_name, role)
     SELECT c.integration_id, $2, 'Data Protection Authority', 'authority' FROM incident_case c WHERE c.id = $1`,
    [made.case, authority],
  );
  await client.query(
    `INSERT INTO contact (id, party_id, role, ordinal, name, email, language, created_at, updated_at)
     VALUES ($1, $2, 'security', 1, 'Intake desk', 'desk@authority.example', 'en', $3, $3)`,
    [newId(), authority, new Date(now)],
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
    await page.locator('[role=img][aria-label^="The clocks that run"]').getAttribute('aria-label'),
  ).toMatch(/gdpr-33-1 notification, CAS-/);
  expect(await page.locator('#suppliers').innerText()).toMatch(/its own report/);
});

test('the first page names the duties of laws that run out next', async () => {
  await page.goto(`${site.url}/`);
  const duty = page.locator('a', { hasText: 'GDPR, controller tells the supervisory' });
  expect(await duty.first().getAttribute('href')).toBe('/incidents/INC-2026-0007/obligations');
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

test('a duty is told from here: drafted with what is known, and not sent by who wrote it', async () => {
  await page.goto(`${site.url}/incidents/INC-2026-0007/obligations`);
  await page.locator('#register a', { hasText: 'GDPR, controller tells the supervisory' }).first().click();
  await page.waitForURL(/\/obligations\/[0-9a-f-]+$/);
  await page.locator('summary', { hasText: 'Tell it from here' }).click();
  expect(await page.locator('#notice-contactId').innerText()).toMatch(
    /Intake desk, Data Protection Authority \(authority; desk@authority.example\)/,
  );
  await site.judge(page, 'obligation-tell');
  await page.locator('button', { hasText: 'Draft the notice' }).click();
  await page.waitForURL(/\/written-notices\/[0-9a-f-]+$/);
  const text = await page.locator('textarea[name=text]').inputValue();
  expect(text).toMatch(/first known on .*UTC/);
  expect(text).toMatch(/CRD-2026-\d+/);
  expect(text).toMatch(/What we ask of you: confirm that this reached you/);
  expect(await page.locator('main').innerText()).toContain('Somebody else reads it and has it sent.');
  await site.judge(page, 'report-written');
  await page.goto(`${site.url}/incidents/INC-2026-0007/obligations`);
  expect(
    await page.locator('#register tr', { hasText: 'GDPR, controller tells the supervisory' }).innerText(),
  ).toMatch(/Notice to Intake desk, Data Protection Authority: waits for its approval/);
});

test('a register longer than a page says how many there are, and leads on', async () => {
  const { client } = site.scene;
  await client.query(
    `INSERT INTO obligation (id, reference, incident_id, case_id, party_id, rule_id, rule_version, phase, title, tells, audience, start_event,
                             standing, due_why, frozen, created_at, updated_at)
     SELECT gen_random_uuid(), 'OBL-2026-' || (9000 + g), incident_id, case_id, party_id, 'of-test-' || g, rule_version, phase, 'Of a test ' || g, tells,
            audience, start_event, 'not_started', 'waits', frozen, created_at, updated_at
       FROM obligation, generate_series(1, 310) g WHERE rule_id = 'gdpr-34' AND incident_id = $1 AND NOT watched LIMIT 310`,
    [made.incident],
  );
  await page.goto(`${site.url}/incidents/INC-2026-0007/obligations`);
  const shown = () => page.locator('#register tbody tr').count();
  const [, total] = /300 of (\d+)/.exec(await page.locator('#register h2').innerText()) ?? [];
  expect(await shown()).toBe(300);
  await page.locator('#register a[rel=next]').click();
  await page.waitForURL(/after=/);
  expect((await shown()) + 300).toBe(Number(total));
  expect(await page.locator('#register a[rel=next]').count()).toBe(0);
  await page.locator('#register a', { hasText: 'First page' }).click();
  expect(await shown()).toBe(300);
  await client.query(`DELETE FROM obligation WHERE rule_id LIKE 'of-test-%'`);
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
