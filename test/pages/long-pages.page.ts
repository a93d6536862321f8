import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { ObligationsService } from '../../src/domain/obligations/obligations.service.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { LARGE, largeIncident } from './large-incident.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  const made = await incidentScene(site.scene, ids, site.world.app);
  const { email, userId } = await site.account('Rita', 'responder', 'vendor_risk');
  const rita = await site.world.app.get(AccessService).principalOfUser(userId, { correlationId: 'test' });
  const large = await largeIncident(site.scene, ids, made, site.world.app, rita!);
  const { client } = site.scene;
  await client.query(
    `UPDATE party SET region = 'DE', sector = 'Payments', zone = 'Europe/Berlin' WHERE is_operator`,
  );
  await client.query(`SELECT setval('reference_ntc', 5000)`);
  await site.world.app.get(ObligationsService).reckonAll(large, system('test', 'test'));
  await runOut(3);
  await client.query(
    `UPDATE obligation SET fulfilled_at = $1, timeliness = 'met', decided_at = $1 WHERE id IN (
       SELECT id FROM obligation WHERE incident_id = $2 AND standing = 'dated' AND NOT watched ORDER BY id DESC LIMIT 1)`,
    [site.scene.ago(HOUR), large],
  );
  page = await site.browser.page();
  await site.signIn(page, email);
}, 120_000);
afterAll(() => site.close());

/** So many of our duties with a date have run out an hour ago. */
async function runOut(most: number): Promise<void> {
  await site.scene.client.query(
    `UPDATE obligation SET due_at = $1, warn_at = NULL WHERE id IN (
       SELECT id FROM obligation WHERE standing = 'dated' AND NOT watched AND fulfilled_at IS NULL ORDER BY id LIMIT $2)`,
    [site.scene.ago(HOUR), most],
  );
}

const onPhone = () => page.setViewportSize({ width: 360, height: 780 });
const height = () => page.evaluate(() => document.documentElement.scrollHeight);
const inSight = (of: Locator) => of.filter({ visible: true }).count();

/** Everything in view, once every fold is open. */
async function unfold(): Promise<void> {
  for (const fold of await page.locator('details.fold > summary').all()) {
    await fold.focus();
    await page.keyboard.press('Enter');
  }
}

test('a long register of duties is short on a phone: what is late is in sight, the rest is folded and counted', async () => {
  await onPhone();
  await page.goto(`${site.url}/incidents/${LARGE}/obligations`);
  const rows = page.locator('#register tbody tr');
  const total = await rows.count();
  expect(await page.locator('#register h2').innerText()).toContain(`${total} in all`);
  expect(total).toBeGreaterThan(60);
  expect(await height()).toBeLessThan(8_000);
  const late = rows.filter({ hasText: 'late by' });
  expect(await inSight(late)).toBe(3);
  expect(await late.count()).toBe(3);
  expect(await rows.first().innerText()).toContain('late by');
  const folds = await page.locator('#register .fold > summary').allInnerTexts();
  const counted = folds.join(' ').match(/\d+(?= )/g) ?? [];
  expect(counted.reduce((sum, count) => sum + Number(count), await inSight(rows))).toBe(total);
  expect(folds.join('\n')).toMatch(
    /More that has to be told\s+\d+ no number\s+\d+ dated[\s\S]*Nothing left to tell\s+1 told in time/,
  );
  await site.judge(page, 'obligations-large');
  await unfold();
  expect(await inSight(rows)).toBe(total);
});

test('a fold says how many in it ran out since, in red, where they are too many for the first sight', async () => {
  await runOut(14);
  await onPhone();
  await page.goto(`${site.url}/incidents/${LARGE}/obligations`);
  expect(await height()).toBeLessThan(8_000);
  expect(await inSight(page.locator('#register tbody tr').filter({ hasText: 'late by' }))).toBe(12);
  expect(await page.locator('#register-open > summary .chip.live').innerText()).toMatch(/^2 late$/);
});

test('a long board of stoppers is short on a phone: what leaked and cannot be stopped for certain is in sight', async () => {
  await onPhone();
  await page.goto(`${site.url}/stoppers`);
  const rows = page.locator('.stop-board > li');
  const total = await rows.count();
  expect(total).toBeGreaterThan(30);
  expect(await height()).toBeLessThan(8_000);
  expect(await inSight(rows)).toBe(6);
  for (let at = 0; at < 6; at += 1) {
    expect(await rows.nth(at).innerText()).toMatch(/nobody can stop it|no proven way/);
    expect(await rows.nth(at).innerText()).toContain('exposed now');
  }
  // What is folded says of each integration how much of it is in danger.
  const folds = page.locator('.fold > summary');
  for (const fold of await folds.filter({ hasText: 'Export' }).all())
    expect(await fold.innerText()).toMatch(/\d exposed now\s+\d (no proven way|nobody can stop it)/);
  await site.judge(page, 'stoppers-large');
  await unfold();
  expect(await inSight(rows)).toBe(total);
});

test('the instants of many reports are folded in the room: the earliest of each kind, and what people said, is in sight', async () => {
  const { client } = site.scene;
  await client.query(
    `INSERT INTO instant SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'at', t.at + g * interval '1 second',
            'asserted_by_kind', CASE WHEN g = 40 THEN 'user' ELSE 'system' END, 'basis', 'report ' || g))).*
       FROM instant t, generate_series(1, 40) g
      WHERE t.incident_id = (SELECT id FROM incident WHERE reference = $1) AND t.case_id IS NULL`,
    [LARGE],
  );
  await onPhone();
  await page.goto(`${site.url}/incidents/${LARGE}`);
  const card = page.locator('#room-instants');
  const kinds = new Set(await card.locator('> dl dt').allInnerTexts());
  // One that a person said beside the earliest, of each kind.
  expect(await card.locator('> dl dt').count()).toBe(2 * kinds.size);
  expect(await card.locator('> dl').innerText()).toContain('report 40');
  expect(await card.locator('#instants-later > summary').innerText()).toMatch(
    /Later reports of the same\s+39 \w+/,
  );
  expect(await card.locator('#instants-later dt').count()).toBe(39 * kinds.size);
  expect((await card.boundingBox())!.height).toBeLessThan(1_000);
});
