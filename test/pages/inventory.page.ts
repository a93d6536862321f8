import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newId } from '../../src/kernel/ids.ts';
import { ELAPSED_DAY, MINUTE } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let ids: PortfolioScene;

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  const { scene } = site;
  // One value in production and in staging; a report that matched nothing; a use from elsewhere.
  await scene.client.query(`UPDATE credential SET environment = 'staging' WHERE id = $1`, [
    ids.credentials.webhook,
  ]);
  await scene.client.query(`DELETE FROM fingerprint`);
  // The scene chose its own references; the application goes on from another number.
  await scene.client.query(`SELECT setval('reference_int', 9000)`);
  for (const [version, credential] of [
    [ids.versions.live, ids.credentials.live],
    [ids.versions.webhook, ids.credentials.webhook],
  ])
    await scene.put('fingerprint', {
      version_id: version,
      credential_id: credential,
      integration_id: ids.billing,
      scheme: 'hmac-sha256-v1',
      key_id: 'k1',
      digest: Buffer.alloc(32, 5),
      created_at: scene.ago(ELAPSED_DAY),
    });
  const batch = newId();
  await scene.put('exposure_batch', { id: batch, correlation_id: 'test', created_at: scene.ago(MINUTE) });
  await scene.put('exposure', {
    id: newId(),
    reference: 'EXP-2026-9001',
    batch_id: batch,
    external_ref: 'acme/tools#1',
    reporter_kind: 'token',
    reporter_id: 'scanner',
    trust: 'inform',
    place: 'github:acme/tools',
    state: 'triage',
    triage_reason: 'nothing matches',
    match: 'none',
    kind: 'api_key',
    publicly_leaked: true,
    received_at: scene.ago(MINUTE),
    correlation_id: 'test',
    updated_at: scene.ago(MINUTE),
  });
  await scene.put('usage_event', {
    id: newId(),
    version_id: ids.versions.live,
    credential_id: ids.credentials.live,
    integration_id: ids.billing,
    at: scene.ago(2 * ELAPSED_DAY),
    outcome: 'accepted',
    environment: 'laptop',
    reported_by: 'gateway',
  });
  await scene.put('usage_seen', {
    version_id: ids.versions.live,
    location_id: '00000000-0000-0000-0000-000000000000',
    feed_key: '00000000-0000-0000-0000-000000000000',
    credential_id: ids.credentials.live,
    integration_id: ids.billing,
    first_at: scene.ago(2 * ELAPSED_DAY),
    last_at: scene.ago(2 * ELAPSED_DAY),
    uses: 1,
  });
  const { email } = await site.account('Vera', 'vendor_risk');
  page = await site.browser.page();
  await site.signIn(page, email, '/stoppers');
}, 120_000);
afterAll(() => site.close());

describe('the stoppers board', () => {
  test('is red where nobody can stop it, or no drill proved a way', async () => {
    await site.judge(page, 'stoppers');
    const rows = page.locator('.stop-board > li');
    expect(await rows.count()).toBeGreaterThan(2);
    const texts = await rows.allInnerTexts();
    const red = await page.locator('.stop-board > li.red').allInnerTexts();
    expect(red).toEqual(texts.filter((text) => /nobody can stop it|no proven way/.test(text)));
    expect(red.length).toBeGreaterThan(0);
  });

  test('narrows to one integration, from the integration itself', async () => {
    await page.goto(`${site.url}/integrations/INT-2026-0001`);
    await page.click('text=on the board');
    await page.waitForURL(/integration=INT-2026-0001/);
    await page.check('[name=trouble]');
    await page.click('main form button');
    expect(await page.locator('.stop-board > li:not(.red)').count()).toBe(0);
    expect(page.url()).toContain('integration=INT-2026-0001');
  });
});

describe('the inventory', () => {
  test('says of each credential what is missing', async () => {
    await page.goto(`${site.url}/inventory`);
    await site.judge(page, 'inventory');
    expect(await page.locator('tbody').innerText()).toMatch(/kept nowhere known/);
  });

  test('is kept current by a form that needs no scripts, and lets nobody overwrite blindly', async () => {
    const plain = await site.plainPage();
    await plain.goto(`${site.url}/inventory`);
    await plain.locator('a[aria-label^="Edit "]').first().click();
    await plain.fill('[name=store]', 'vault: payments/billing');
    await plain.fill('[name=rotateEveryDays]', '0');
    await plain.click('main form button');
    expect(await plain.locator('#rotateEveryDays-error').innerText()).toMatch(/at least 1/);
    await plain.fill('[name=rotateEveryDays]', '30');
    await plain.click('main form button');
    expect(await plain.locator('[role=status]').innerText()).toMatch(/saved/);
    expect(await plain.locator('main').innerText()).toMatch(/vault: payments\/billing[\s\S]*every 30 days/);

    const edit = `${plain.url()}/edit`;
    const [first, second] = [await site.plainPage(), await site.plainPage()];
    for (const one of [first, second]) await one.goto(edit);
    await first.fill('[name=store]', 'vault: one');
    await first.click('main form button');
    await second.fill('[name=store]', 'vault: two');
    const answer = second.waitForResponse((response) => response.request().method() === 'POST');
    await second.click('main form button');
    expect((await answer).status()).toBe(412);
    expect(await second.locator('[role=alert]').innerText()).toMatch(/store is now "vault: one"/);
    await page.goto(edit);
    await site.judge(page, 'credential-edit');
  });

  test('shows one value in two environments as what blocks', async () => {
    await page.goto(`${site.url}/inventory/reuse`);
    await site.judge(page, 'inventory-reuse');
    expect(await page.locator('tbody').first().innerText()).toMatch(/blocks: across environments/);
  });

  test('shows what nobody declared, and takes it in', async () => {
    await page.goto(`${site.url}/inventory/shadows`);
    await site.judge(page, 'inventory-shadows');
    expect(await page.locator('main').innerText()).toMatch(
      /github:acme\/tools[\s\S]*public[\s\S]*used from another environment/,
    );
    await page.fill('[name=name]', 'Tools of Acme');
    await page.click('main form button');
    await page.waitForURL(/\/integrations\/INT-.*\/edit/);
    await site.judge(page, 'integration-edit');
    await page.goto(`${site.url}/inventory/unowned`);
    await site.judge(page, 'inventory-unowned');
    expect(await page.locator('tbody').innerText()).toMatch(/Tools of Acme[\s\S]*found, not declared/);
  });
});
