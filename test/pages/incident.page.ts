import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { tabStops, TestBrowser } from '../support/browser.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { Console } from './console.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { CASES, LARGE, largeIncident } from './large-incident.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let made: IncidentScene;
let large: Id;

let ids: PortfolioScene;
beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
  const { email, userId } = await site.account('Rita', 'responder');
  const access = site.world.app.get(AccessService);
  const rita = await access.principalOfUser(userId, { correlationId: 'test' });
  large = await largeIncident(site.scene, ids, made, site.world.app, rita!);
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

  describe('of a large incident', () => {
    const parked = async () => {
      const { rows } = await site.scene.client.query(
        `SELECT FROM step s JOIN run r ON r.id = s.run_id WHERE r.subject_id = $1 AND s.state = 'parked'`,
        [large],
      );
      return rows.length;
    };
    const visible = (of: Page, selector: string) => of.locator(selector).filter({ visible: true }).count();
    const PHONE = { width: 360, height: 780 };

    test('is short on a phone: what is open comes first, what is settled is folded and counted', async () => {
      await site.until(async () => (await parked()) >= 10);
      await page.setViewportSize(PHONE);
      await page.goto(`${site.url}/incidents/${LARGE}`);
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      expect(height).toBeLessThan(11 * PHONE.height);
      expect(await visible(page, '#room-cases li')).toBe(3);
      expect(await page.locator('#room-cases').innerText()).toMatch(
        /More open cases\s+7 open\s+The other cases\s+5 contained/,
      );
      expect(await page.locator('#room-credentials').innerText()).toMatch(
        /More that are not proven dead\s+7 alive\s+Proven dead\s+20 proven dead/,
      );
      // Late before what has time, and both before what is told.
      expect(await page.locator('#room-notices').innerText()).toMatch(
        /late by[\s\S]*left[\s\S]*More clocks that run\s+7 to be told\s+Nothing left to tell\s+20 told in time/,
      );
      expect(await page.locator('#room-reach tbody tr').first().innerText()).toContain('late by');
      await site.judge(page, 'incident-large');
    });

    test('loses nothing: a fold opens by a key, every item stands in it once, and paper has them all', async () => {
      await page.setViewportSize(PHONE);
      await page.goto(`${site.url}/incidents/${LARGE}`);
      const settled = page.locator('#cases-settled');
      await settled.locator('summary').focus();
      await page.keyboard.press('Enter');
      expect(await visible(page, '#cases-settled li')).toBe(5);
      await page.keyboard.press('Enter');
      expect(await visible(page, '#cases-settled li')).toBe(0);
      const all = {
        '#room-cases li': CASES,
        '#room-credentials tbody tr': 2 * CASES,
        '#room-notices tbody tr': 2 * CASES,
        '#room-board .copies > li': 4 * CASES,
        '#room-witnesses li': CASES,
        '#room-alive tbody tr': 10,
        '#room-waiting .asks > li': 8,
      };
      for (const [selector, count] of Object.entries(all))
        expect([selector, await page.locator(selector).count()]).toEqual([selector, count]);
      await page.emulateMedia({ media: 'print' });
      for (const [selector, count] of Object.entries(all))
        expect([selector, await visible(page, selector)]).toEqual([selector, count]);
      // What only a screen can do anything with stays away from paper.
      expect(await page.getByText('Record an instant').isVisible()).toBe(false);
      await page.emulateMedia({ media: 'screen' });
      await page.setViewportSize({ width: 1360, height: 900 });
    });

    test('the whole of each list is a page', async () => {
      await page.goto(`${site.url}/incidents/${LARGE}/cases`);
      expect(await page.locator('main li[id^=case-]').count()).toBe(CASES);
      await site.judge(page, 'incident-cases');
      for (const [path, count] of [
        ['/notices?show=all', 2 * CASES],
        ['/exposures?show=all', CASES],
      ] as const) {
        await page.goto(`${site.url}${path}&incident=${LARGE}`);
        expect(await page.locator('main tbody tr').count()).toBe(count);
        expect(await page.locator('main').innerText()).toContain(`Only what is about ${LARGE}`);
      }
    });

    test('who asked for a step is told that a second person decides, and that person decides', async () => {
      const words = 'Who requested this cannot approve it; a second person has to.';
      const asks = (of: Page) => of.locator('.asks li').filter({ hasText: 'key of export' });
      const { rows } = await site.scene.client.query<{ id: Id }>(
        `SELECT s.id FROM step s JOIN run r ON r.id = s.run_id WHERE r.subject_id = $1 AND s.state = 'parked' ORDER BY s.id`,
        [large],
      );
      const step = `/steps/${rows[0]!.id}`;
      for (const path of [`/incidents/${LARGE}`, `/work?show=parked&incident=${LARGE}`, step]) {
        await page.goto(`${site.url}${path}`);
        expect(await page.locator('main').innerText()).toContain(words);
        expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
      }
      await page.goto(`${site.url}/incidents/${LARGE}`);
      await page.locator('#cases-settled summary').click();

      const { email } = await site.account('Omar', 'responder');
      const theirs = await TestBrowser.open();
      try {
        const second = await theirs.page();
        await site.signIn(second, email, `/incidents/${LARGE}`);
        expect(await asks(second).filter({ hasText: words }).count()).toBe(0);
        expect(await second.getByRole('button', { name: 'Approve' }).count()).toBeGreaterThan(0);
        await second.goto(`${site.url}${step}`);
        await second.getByRole('button', { name: 'Approve' }).click();
        await second.getByText('Your decision is on record.').waitFor();
      } finally {
        await theirs.close();
      }
      // What moves draws the reader's own words again, and leaves open what they opened.
      await page.locator('#room-timeline').getByText('Approved').waitFor({ timeout: 15_000 });
      await page.locator(`#ask-${rows[0]!.id}`).waitFor({ state: 'detached', timeout: 15_000 });
      expect(await asks(page).filter({ hasText: words }).count()).toBeGreaterThan(0);
      expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
      expect(await visible(page, '#cases-settled li')).toBe(5);
    });
  });

  test('without scripts it is a plain page that says so', async () => {
    const plain = await site.plainPage();
    await plain.goto(`${site.url}/incidents/INC-2026-0007`);
    expect(await plain.locator('main').innerText()).toContain('Load it again');
    expect(await plain.locator('#room-counts').innerText()).toContain('exposed');
    await plain.goto(`${site.url}/incidents/${LARGE}`);
    await plain.locator('#cases-settled summary').click();
    expect(await plain.locator('#cases-settled li').filter({ visible: true }).count()).toBe(5);
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
