import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { tabStops } from '../support/browser.ts';
import { Console } from './console.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let made: IncidentScene;

let ids: PortfolioScene;
beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
  const { email } = await site.account('Rita', 'responder');
  page = await site.browser.page();
  await site.signIn(page, email, '/');
}, 120_000);
afterAll(() => site.close());

/** Steps of that run in a state, as the database has them. */
async function stepsIn(state: string): Promise<number> {
  const { rows } = await site.scene.client.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM step WHERE run_id = $1 AND state = $2',
    [made.run, state],
  );
  return rows[0]!.n;
}

describe('the room of an incident', () => {
  test('shows what lives, who is asked, and every clock', async () => {
    await site.until(async () => (await stepsIn('parked')) >= 3);
    await page.goto(`${site.url}/incidents/INC-2026-0007`);
    await site.judge(page, 'incident');
    const counts = await page.locator('#room-counts').innerText();
    expect(counts).toMatch(
      /4\s+exposed\s+1\s+proven dead\s+3\s+still alive\s+0\s+unproven\s+1\/4\s+copies gone/,
    );
    const asks = await page.locator('#room-waiting').innerText();
    expect(asks).toMatch(/Approve the revocation\s*·?\s*Ledger write key, version 3/);
    expect(asks).toMatch(/Put a replacement in place/);
    expect(await page.locator('#room-alive').innerText()).toMatch(
      /Mainframe batch password[\s\S]*nobody can stop it/,
    );
    // Whoever opens the room sees whom to call on the first screen, on a phone, too.
    const top = async (id: string) => (await page.locator(id).boundingBox())!.y;
    for (const width of [1360, 390]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await top('#room-alive tbody tr:first-child')).toBeLessThan(width > 900 ? 500 : 700);
      expect(await top('#room-alive')).toBeLessThan(await top('#room-counts'));
    }
    await page.setViewportSize({ width: 1360, height: 900 });
    expect(await page.locator('#room-notices').innerText()).toMatch(/Northwind Cloud[\s\S]*20 h 0 min left/);
    expect(await page.locator('#room-timeline').innerText()).toMatch(
      /Proven dead · Ledger read key, version 1/,
    );
    expect(await tabStops(page)).toEqual(expect.arrayContaining(['button Approve']));
  });

  test('moves by itself: an approval given elsewhere shows without loading again', async () => {
    const watching = await site.browser.page();
    await watching.goto(`${site.url}/incidents/INC-2026-0007`);
    const approval = watching.locator('#room-waiting li').filter({ hasText: 'Approve the revocation' });
    await approval.waitFor();
    await page.goto(`${site.url}/incidents/INC-2026-0007`);
    const node = page.locator('#room-waiting li').filter({ hasText: 'Approve the revocation' });
    await node.getByRole('button', { name: 'Approve' }).click();
    expect(await page.locator('main').innerText()).toContain('Your decision is on record.');
    await approval.waitFor({ state: 'detached', timeout: 15_000 });
    await watching.locator('#room-timeline').getByText('Approved').waitFor({ timeout: 15_000 });
    await site.judge(watching, 'incident-moved');
    await watching.close();
  });

  test('a replacement is recorded on the page of its step, and refused without what it needs', async () => {
    await page.goto(`${site.url}/work`);
    await site.judge(page, 'work');
    const ask = page.locator('.asks li').filter({ hasText: 'Put a replacement in place' });
    // The task belongs to the engineers: a responder finds it among everybody's.
    expect(await ask.count()).toBe(0);
    await page.getByRole('link', { name: /For anybody/ }).click();
    await ask.getByRole('link', { name: /Complete/ }).click();
    await site.judge(page, 'step');
    await page.fill('[name=supplierId]', 'whsec_2');
    await page.fill('[name=sha256]', 'no hash');
    await page.getByRole('button', { name: 'Record and go on' }).click();
    expect(await page.locator('main').innerText()).toContain('64 hexadecimal digits.');
    expect(await page.inputValue('[name=supplierId]')).toBe('whsec_2');
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await page.fill('[name=sha256]', '');
    await page.getByRole('button', { name: 'Record and go on' }).click();
    await page.waitForURL(/\/work\?show=parked/);
    expect(await page.locator('main').innerText()).toContain('The new version is on record');
    const { rows } = await site.scene.client.query<{ output: { supplierId: string } }>(
      `SELECT output FROM step WHERE run_id = $1 AND state = 'done' AND output ? 'supplierId'`,
      [made.run],
    );
    expect(rows[0]?.output.supplierId).toBe('whsec_2');
  });

  test.each(['', '?back=//evil.example/x', '?back=/work'])(
    'a step opened at “%s” takes its forms',
    async (query) => {
      const { rows } = await site.scene.client.query<{ id: string }>(
        `SELECT id FROM step WHERE run_id = $1 AND state = 'parked' ORDER BY id LIMIT 1`,
        [made.run],
      );
      const step = `${site.url}/steps/${rows[0]!.id}`;
      await page.goto(`${step}${query}`);
      await page.fill('form[action$="/retry"] [name=reason]', 'It can be reached again.');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('It is tried again.').waitFor({ timeout: 10_000 });
      expect(page.url()).toBe(query === '?back=/work' ? `${site.url}/work` : step);
      await site.until(async () => (await stepsIn('parked')) >= 1);
    },
  );

  test('without scripts it is a plain page that says so', async () => {
    const plain = await site.plainPage();
    await plain.goto(`${site.url}/incidents/INC-2026-0007`);
    expect(await plain.locator('main').innerText()).toContain('Load it again');
    expect(await plain.locator('#room-counts').innerText()).toContain('exposed');
  });

  test('work names nobody else, and what a finished run left behind is none', async () => {
    const { client } = site.scene;
    const { rows } = await client.query<{ id: string }>(
      `UPDATE step SET approved = true, owner_role = 'responder', owner_contact_id = NULL
        WHERE id = (SELECT id FROM step WHERE run_id = $1 AND state = 'parked' ORDER BY id LIMIT 1) RETURNING id`,
      [made.run],
    );
    const { id } = rows[0]!;
    const listed = async (path: string) => {
      await page.goto(`${site.url}${path}`);
      return page.locator(`#ask-${id}`).count();
    };
    const stuck = async () => Number(await page.locator('a[href="/work?show=stuck"] .count').innerText());
    expect(await listed('/work')).toBe(1);
    expect(await page.locator(`#ask-${id}`).innerText()).not.toContain('· ');
    await client.query(`UPDATE step SET owner_contact_id = $2 WHERE id = $1`, [id, ids.contacts.piet]);
    expect(await listed('/work')).toBe(0);
    expect(await listed('/work?show=parked')).toBe(1);
    const before = await stuck();
    await client.query(`UPDATE step SET state = 'failed', finished_at = now() WHERE id = $1`, [id]);
    expect(await listed('/work?show=stuck')).toBe(1);
    expect(await stuck()).toBe(before + 1);
    await client.query(`UPDATE run SET state = 'failed', finished_at = now() WHERE id = $1`, [made.run]);
    expect(await listed('/work?show=stuck')).toBe(0);
    expect(await stuck()).toBe(await page.locator('.asks > li').count());
  });

  test('the stream ends when the server stops', async () => {
    const watching = await site.browser.page();
    await watching.goto(`${site.url}/incidents/INC-2026-0007`);
    await watching.locator('#room-counts').waitFor();
    await site.until(async () => site.viewers() > 0);
    const closing = site.world.app.close();
    await site.until(async () => site.viewers() === 0);
    await closing;
    site.browser.complaints.length = 0; // connection refused
    await watching.close();
  });
});
