import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { afresh, Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  page = await site.browser.page();
  await site.signIn(page, (await site.account('Rita', 'responder')).email, '/');
}, 120_000);
afterAll(() => site.close());

/** As if somebody else had revoked and proven so many of what is left of the draft. */
async function dies(most: number): Promise<void> {
  await site.scene.client.query(
    `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, liveness, liveness_at, liveness_evidence_id, control_evidence_id, updated_at)
     SELECT i.version_id, i.credential_id, i.integration_id, 'accepted', 'dead', now(), e.id, e.id, now()
       FROM mass_revocation_item i LEFT JOIN version_death d ON d.version_id = i.version_id, (SELECT id FROM evidence LIMIT 1) e
      WHERE d.liveness IS DISTINCT FROM 'dead' ORDER BY i.version_id LIMIT $1
     ON CONFLICT (version_id) DO UPDATE SET liveness = 'dead', liveness_evidence_id = excluded.liveness_evidence_id,
       control_evidence_id = excluded.control_evidence_id`,
    [most],
  );
}

test('a draft says how many are left of it, and waits for nobody where none is', async () => {
  await page.goto(`${site.url}/mass-revocations/new`);
  await page.fill('[name=reason]', 'Their signing key was stolen.');
  await page.fill('[name=environment]', 'production');
  await page.click('main form button[type=submit]');
  await page.waitForURL(/MRV-/u);
  const said = () => page.locator('main').innerText();
  const all = Number(/Revoke (\d+) versions/.exec(await said())![1]);
  expect(all).toBeGreaterThan(1);

  await dies(1);
  await afresh(page);
  await site.judge(page, 'mass-draft-partly');
  expect(await said()).toContain(`Revoke ${all - 1} of ${all} versions together`);
  expect(await said()).toMatch(
    /1 of \d+ versions was proven dead since: \d+ (is|are) left, and that is what is approved/,
  );

  await dies(all);
  await afresh(page);
  await site.judge(page, 'mass-overtaken');
  expect(await said()).toContain('overtaken: every version is proven dead');
  expect(await said()).toContain('Nothing is left to do');
  expect(await said()).not.toContain('waits for a second person');
  await page.goto(`${site.url}/mass-revocations`);
  expect(await said()).toContain('overtaken');
}, 180_000);
