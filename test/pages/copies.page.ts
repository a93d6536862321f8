import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { DownstreamService } from '../../src/domain/incidents/downstream.service.ts';
import { FailuresService } from '../../src/domain/incidents/failures.service.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { iso, MINUTE } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let ids: PortfolioScene;
let made: IncidentScene;

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
  const by = system('test', 'test');
  await site.world.app.get(DownstreamService).list(made.incident, by);
  const failures = site.world.app.get(FailuresService);
  const at = (minutes: number) => iso(site.world.clock.now() - minutes * MINUTE);
  const told = {
    integrationId: ids.billing,
    credentialId: ids.credentials.shared,
    versionId: ids.versions.shared,
    fallback: 'triggered' as const,
    fallbackNote: 'reads from the replica',
    note: '',
  };
  expectOk(await failures.report({ ...told, consumer: 'Invoice export', at: at(9), status: 401 }, by));
  expectOk(
    await failures.report(
      { ...told, consumer: 'Nightly ledger sync', at: at(4), failure: 'timeout', fallback: 'not_triggered' },
      by,
    ),
  );
  const vera = await site.account('Vera', 'admin');
  page = await site.browser.page();
  await site.signIn(page, vera.email, '/');
}, 120_000);
afterAll(() => site.close());

test('a credential shows which version each copy holds, drawn and in words, and a copy is said to hold another', async () => {
  await page.goto(`${site.url}/credentials/CRD-2026-0001`);
  await site.judge(page, 'credential-copies');
  const panel = page.locator('#convergence');
  expect(await panel.innerText()).toMatch(/known copies are not known to hold version 3|holds version 3/);
  expect(await panel.locator('svg[role=img]').getAttribute('aria-label')).toMatch(
    /^Copies that hold version 3: \d+ seen to hold it, \d+ said to hold it/,
  );
  await page.locator('a', { hasText: 'record another version' }).first().click();
  await site.judge(page, 'copy-moves');
  await page.getByLabel('Version', { exact: true }).selectOption({ label: 'version 4, pending' });
  await page.getByLabel('Put there by').fill('Olga, deploy night');
  await page.locator('main button[type=submit]').first().click();
  await page.waitForURL(/\/credentials\/CRD-2026-0001$/);
  await page.locator('summary', { hasText: 'What was put where' }).click();
  expect(await page.locator('main').innerText()).toContain('Olga, deploy night');
  expect(await panel.innerText()).toMatch(/version 4/);
});

test('the file of a scan is handed in on the page of a copy, and says what it shows', async () => {
  await page.goto(`${site.url}/credentials/CRD-2026-0001`);
  await page.locator('a', { hasText: 'hand in a scan' }).first().click();
  await site.judge(page, 'copy-scan');
  const hand = async (content: string) => {
    await page.getByLabel('Its report').setInputFiles({
      name: 'report.json',
      mimeType: 'application/json',
      buffer: Buffer.from(content),
    });
    await page.getByLabel('Paths that it came to').fill('.');
    await page.locator('main button[type=submit]').first().click();
  };
  await hand('{"no": "report"}');
  await page.getByText(/not in the form/).waitFor();
  expect(await page.getByLabel('Paths that it came to').inputValue()).toBe('.');
  await hand('no JSON');
  await page.getByText('This is no JSON file.').waitFor();
  await hand('[]');
  await page.getByText(/^The scan does not tell: /).waitFor();
  expect(await page.locator('main').innerText()).toMatch(/Looks at it[\s\S]*scan by gitleaks/);
  site.browser.complaints.length = 0; // the browser reports the 422s itself
});

test('who uses a credential as they should is listed, and declared on a page', async () => {
  await page.goto(`${site.url}/credentials/CRD-2026-0001`);
  await page.locator('a', { hasText: 'known actors' }).click();
  await site.judge(page, 'known-actors');
  const actors = page.getByLabel('Actors, as the feeds name them');
  await actors.fill(`ci\nghp_${'Zx9'.repeat(12)}`);
  await page.locator('main button[type=submit]').first().click();
  await page.getByText(/Seems to hold a secret/).waitFor();
  expect(await page.content()).not.toContain('ghp_');
  site.browser.complaints.length = 0; // the browser reports the 422 itself
  await actors.fill('ci\n\nnightly export');
  await page.locator('main button[type=submit]').first().click();
  await page.waitForURL(/\/credentials\/CRD-2026-0001$/);
  expect(await page.locator('main').innerText()).toContain('Known actors: ci, nightly export.');
});

test('the room shows what was reached, with who looks and until when, and what failed, told apart', async () => {
  await page.goto(`${site.url}/incidents/INC-2026-0007`);
  await site.judge(page, 'incident-reach');
  await page.locator('#reached-more summary').click();
  const reach = await page.locator('#room-reach').innerText();
  expect(reach).toMatch(/reads\s+in Ledger production/);
  // Whoever the matrix makes accountable for downstream impact looks, whose ever the system is.
  expect(reach).toMatch(/Aurora Pay\s+Ann Meyer/);
  expect(reach).toMatch(/left/);
  const failed = await page.locator('#room-failures').innerText();
  expect(failed).toMatch(/Invoice export[\s\S]*authentication/);
  expect(failed).toMatch(/Nightly ledger sync[\s\S]*did not start/);
});

test('an item is settled on its page; a person reports a failure on the page of failures', async () => {
  await page.goto(`${site.url}/downstream?incident=INC-2026-0007`);
  await site.judge(page, 'downstream');
  await page.locator('main tbody a').first().click();
  await site.judge(page, 'downstream-item');
  await page.getByLabel(/What was found and done/).fill('The access log has no entry of it.');
  await page.locator('main button[type=submit]').first().click();
  await page.getByText('It is on record.').waitFor();
  await page.goto(`${site.url}/incidents/INC-2026-0007/failures`);
  await site.judge(page, 'failures');
  await page.getByLabel('Which service, job or page fails').fill('Checkout');
  await page.getByLabel('HTTP status that it got').fill('403');
  await page.locator('main button[type=submit]').first().click();
  await page.getByText(/On record as/).waitFor();
});

test('a party sees what is its own to look at, and nothing of the incident', async () => {
  const { rows } = await site.scene.client.query<{ id: string }>(
    `SELECT id FROM downstream_item WHERE kind = 'bad_writes' AND system_name = 'Ledger production'`,
  );
  expectOk(
    await site.world.app
      .get(DownstreamService)
      .assign(rows[0]!.id, { partyId: ids.northwind }, 'any', system('test', 'test')),
  );
  const { email } = await site.account('Nora', 'party_contact', { partyId: ids.northwind });
  const outside = await site.browser.page();
  await outside.context().clearCookies();
  await site.signIn(outside, email, '/downstream');
  await site.judge(outside, 'downstream-outside');
  const text = await outside.locator('main').innerText();
  expect(text).toContain('Ledger production');
  expect(text).not.toContain('Invoice archive');
  expect(text).not.toContain('INC-2026-0007');
});
