import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { afresh, Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let second: string;
let supplier: string;

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  // The scene wrote references by hand.
  for (const kind of ['exp', 'inc', 'cas', 'ntc'])
    await site.scene.client.query(`SELECT setval('reference_${kind}', 1000)`);
  const feed = newId();
  await site.scene.put('usage_feed', {
    id: feed,
    key: 'gateway',
    reported_by: 'test',
    first_received_at: site.scene.ago(48 * HOUR),
    last_received_at: site.scene.ago(HOUR),
  });
  for (const [n, actor, environment] of [
    [1, 'exporter-7', 'production'],
    [2, 'somebody-else', 'laptop'],
  ] as const) {
    const of = {
      version_id: ids.versions.live,
      credential_id: ids.credentials.live,
      integration_id: ids.billing,
    };
    const at = site.scene.ago(n * HOUR);
    await site.scene.put('usage_event', {
      id: newId(),
      ...of,
      location_id: n === 1 ? ids.locations.log : null,
      at,
      outcome: 'accepted',
      actor,
      environment,
      reported_by: 'test',
      feed_id: feed,
      event_id: `e${n}`,
    });
    await site.scene.put('usage_seen', {
      ...of,
      location_id: n === 1 ? ids.locations.log : '00000000-0000-0000-0000-000000000000',
      feed_key: feed,
      first_at: at,
      last_at: at,
      last_accepted_at: at,
      last_actor: actor,
      last_environment: environment,
      uses: 1,
    });
  }
  const { rows } = await site.scene.client.query<{ reference: string }>(
    `SELECT p.reference FROM party p JOIN credential c ON c.verifier_party_id = p.id GROUP BY p.id ORDER BY count(*) DESC LIMIT 1`,
  );
  supplier = rows[0]!.reference;
  const [rita, adam] = [await site.account('Rita', 'responder'), await site.account('Adam', 'responder')];
  page = await site.browser.page();
  await site.signIn(page, rita.email, '/');
  second = adam.email;
}, 120_000);
afterAll(() => site.close());

describe('mass revocation', () => {
  test('select, see who breaks, and a second person approves what was seen', async () => {
    await page.goto(`${site.url}/mass-revocations/new`);
    await site.judge(page, 'mass-new');
    await page.fill('[name=reason]', 'Their signing key was stolen.');
    await page.click('main form button[type=submit]');
    expect(await page.locator('main').innerText()).toMatch(/at least one condition/);
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await page.fill('[name=environment]', 'production');
    await page.click('main form button[type=submit]');
    await page.waitForURL(/MRV-/u);
    await site.judge(page, 'mass-draft');
    const text = await page.locator('main').innerText();
    expect(text).toMatch(/waits for a second person/);
    expect(text).toMatch(/Billing export to Northwind/);
    const versions = /Revoke (\d+) versions/.exec(text)![1]!;
    // Who asked is not offered what would be refused.
    expect(text).toContain('You asked for it: a second person approves it.');
    expect(await page.locator('form[aria-label=Approve]').count()).toBe(0);
    const where = new URL(page.url()).pathname;
    await page.context().clearCookies();
    await site.signIn(page, second, where);
    await page.fill('[name=versions]', versions);
    await page.click('form[aria-label=Approve] button');
    await site.until(async () => {
      const { rows } = await site.scene.client.query(`SELECT FROM mass_revocation WHERE state = 'started'`);
      return rows.length === 1;
    });
    await afresh(page);
    await site.judge(page, 'mass-started');
    expect(await page.locator('main').innerText()).toMatch(/INC-\d{4}-\d{4}/);
    await page.goto(`${site.url}/mass-revocations`);
    await site.judge(page, 'mass-list');
  });

  test('everything of a supplier: counts that add up, every line', async () => {
    await page.goto(`${site.url}/completeness/${supplier}?since=2020-01-01T00:00:00Z`);
    await site.judge(page, 'completeness');
    expect(await page.locator('main').innerText()).toMatch(/the counts add up: none is missing/);
  });
});

describe('who used it', () => {
  test('the exposure window of an incident, each use labelled, blind spots stated', async () => {
    await page.goto(`${site.url}/incidents/INC-2026-0007/exposure-window`);
    await site.judge(page, 'exposure-window');
    const text = await page.locator('main').innerText();
    expect(text).toMatch(/somebody-else[\s\S]*other environment/);
    expect(text).toMatch(/What nobody can know[\s\S]*Nobody vouches for the clock/);
  });

  test('last use stands on the page of the credential', async () => {
    await page.locator('main h2 a').first().click();
    expect(await page.locator('main').innerText()).toMatch(/Last use/);
    await site.judge(page, 'credential-usage');
  });
});
