import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Id } from '../../src/kernel/ids.ts';
import { MailServer } from '../support/mail-server.ts';
import { overflowOf, printed, tabStops, TestBrowser } from '../support/browser.ts';
import { Console } from './console.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

/** Pictures and axe on a busy machine. */
const LONG = 180_000;

let site: Console;
let mail: MailServer;
let ids: PortfolioScene;
let page: Page;
const PATH = '/integrations/INT-2026-0001/matrix';

beforeAll(async () => {
  mail = await MailServer.start();
  site = await Console.start({ smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] });
  ids = await portfolioScene(site.scene);
  const { email } = await site.account('Olga', 'admin');
  page = await site.browser.page();
  await site.signIn(page, email, '/matrices');
}, 120_000);
afterAll(async () => {
  await site.close();
  await mail.close();
});

const said = () => page.locator('main').innerText();
const newest = async (): Promise<Id> =>
  (
    await site.scene.client.query<{ id: Id }>(
      'SELECT id FROM matrix_version WHERE integration_id = $1 ORDER BY number DESC LIMIT 1',
      [ids.billing],
    )
  ).rows[0]!.id;

/** The newest mail to somebody that says this. */
async function letter(to: string, what: RegExp): Promise<string> {
  const found = () => mail.received.findLast((one) => one.to.includes(to) && what.test(one.text));
  await site.until(async () => found() !== undefined);
  return found()!.text;
}

/** The link that the mail about the newest version carries. */
async function linkFor(to: string): Promise<string> {
  const { rows } = await site.scene.client.query<{ hash: string }>(
    `SELECT encode(content_hash, 'hex') AS hash FROM matrix_version WHERE id = $1`,
    [await newest()],
  );
  const text = await letter(to, new RegExp(rows[0]!.hash));
  return `${site.url}/m/${/\/m\/([\w-]{43})/.exec(text)![1]!}`;
}

describe('the matrices of the portfolio', () => {
  test(
    'stand against duties; gaps are red and can be looked for',
    async () => {
      await page.goto(`${site.url}/matrices`);
      await site.judge(page, 'matrices');
      expect((await printed(page, 'matrices')).sheets).toBeGreaterThan(1);
      const billing = page.getByRole('row', { name: /Billing export/ });
      expect(await billing.innerText()).toMatch(/Northwind Cloud[\s\S]*gap/);
      await page.goto(`${site.url}/matrices?duty=recovery&gap=1&q=billing`);
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.goto(`${site.url}/matrices?duty=issuance&gap=1&q=billing`);
      expect(await said()).toContain('No integration is like that');
    },
    LONG,
  );

  test(
    'are a file that a spreadsheet opens without running anything',
    async () => {
      await site.scene.client.query(`UPDATE integration SET name = '=1+1' WHERE id = $1`, [ids.reporting]);
      const answer = await page.request.get(`${site.url}/matrices.csv`);
      expect(answer.headers()['content-type']).toContain('text/csv');
      const text = await answer.text();
      expect(text).toContain(`"'=1+1"`);
      expect(text).toContain('"downstream impact"');
      expect(text).toContain('"GAP"');
      await site.scene.client.query(`UPDATE integration SET name = 'Management reporting' WHERE id = $1`, [
        ids.reporting,
      ]);
    },
    LONG,
  );
});

describe('gaps of the portfolio', () => {
  test(
    'are chosen on the board and given to somebody, without scripts',
    async () => {
      const plain = await site.plainPage();
      await plain.goto(`${site.url}/matrices?gap=1&q=reporting`);
      await plain
        .getByRole('checkbox', { name: /of Management reporting/ })
        .first()
        .press('Space');
      await plain.getByRole('button', { name: 'Name who answers for the chosen gaps' }).press('Enter');
      expect(await plain.locator('main').innerText()).toMatch(
        /Who answers for the gaps[\s\S]*Management reporting/,
      );
      await plain.close();
      await page.goto(`${site.url}/matrices?gap=1&q=reporting`);
      await page
        .getByRole('checkbox', { name: /of Management reporting/ })
        .first()
        .check();
      await page.getByRole('button', { name: 'Name who answers for the chosen gaps' }).click();
      await site.judge(page, 'matrix-assign');
      await page.getByLabel('Accountable, and performing').selectOption('the customer of each');
      await page.getByRole('button', { name: 'Name them in the drafts' }).click();
      await site.judge(page, 'matrix-assigned');
      expect(await said()).toContain('1 of 1 integrations have a drafted row more');
    },
    LONG,
  );
});

describe('one matrix', () => {
  test(
    'says what is wrong with it, and is mended by forms, without scripts',
    async () => {
      await page.goto(`${site.url}${PATH}`);
      await site.judge(page, 'matrix');
      expect(await said()).toMatch(/Nobody answers for recovery/);
      const plain = await site.plainPage();
      await plain.goto(`${site.url}${PATH}`);
      await plain.getByRole('link', { name: 'Set recovery' }).click();
      await plain.getByRole('radio', { name: /Aurora Pay/ }).check();
      await plain.getByRole('button', { name: 'Save' }).click();
      expect(await plain.locator('main').innerText()).toContain('Nobody performs it');
      await plain.getByRole('checkbox', { name: /Aurora Pay/ }).check();
      await plain.fill('[name=window]', 'soon');
      await plain.getByRole('button', { name: 'Save' }).click();
      expect(await plain.locator('main').innerText()).toContain('Minutes, hours or days');
      await plain.fill('[name=window]', '2d');
      await plain.selectOption('[name=contact]', ids.contacts.ann);
      await plain.getByRole('button', { name: 'Save' }).click();
      expect(await plain.getByRole('row', { name: /^recovery/ }).innerText()).toMatch(
        /Aurora Pay[\s\S]*2 days[\s\S]*Ann Meyer/,
      );
      await plain.close();
    },
    LONG,
  );

  test(
    'a row is edited on a page of its own; somebody who was faster is told of',
    async () => {
      await page.goto(`${site.url}${PATH}/cell?duty=recovery`);
      await site.judge(page, 'matrix-cell');
      const other = await site.browser.page();
      await other.goto(`${site.url}${PATH}/cell?duty=recovery`);
      await other.fill('[name=note]', 'By night, too.');
      await other.getByRole('button', { name: 'Save' }).click();
      await other.close();
      await page.fill('[name=note]', 'Only by day.');
      await page.getByRole('button', { name: 'Save' }).click();
      expect(await said()).toMatch(/Somebody changed the draft[\s\S]*recovery was changed since you read it/);
      site.browser.complaints.length = 0; // the browser reports the 412 itself
    },
    LONG,
  );

  test(
    'several rows are set at once, on a phone, by keyboard and without scripts',
    async () => {
      await page.goto(`${site.url}${PATH}/bulk`);
      await site.judge(page, 'matrix-bulk');
      expect(await tabStops(page)).toEqual(
        expect.arrayContaining([
          'input row',
          'input performing',
          'input window',
          'button Set it on the chosen rows',
        ]),
      );
      const plain = await site.plainPage();
      await plain.setViewportSize({ width: 390, height: 844 });
      await plain.goto(`${site.url}${PATH}/bulk`);
      for (const duty of ['issuance', 'distribution'])
        await plain.getByRole('checkbox', { name: duty, exact: true }).press('Space');
      await plain.getByLabel('Within').selectOption('what is typed below');
      await plain.getByLabel('Window', { exact: true }).fill('3d');
      await plain.keyboard.press('Enter');
      await plain.waitForURL(`${site.url}${PATH}`);
      expect(await plain.locator('[role=status]').innerText()).toBe('2 rows saved.');
      for (const duty of [/^issuance/, /^distribution/])
        expect(await plain.getByRole('row', { name: duty }).innerText()).toContain('3 days');
      await plain.close();
    },
    LONG,
  );

  test(
    'is proposed, signed in the product, and by link with a code on a phone',
    async () => {
      // Every row needs somebody to ask.
      await site.scene.client.query(
        `UPDATE matrix_draft_row SET contact_id = CASE WHEN accountable_party_id = $2 THEN $3::uuid ELSE $4::uuid END WHERE integration_id = $1`,
        [ids.billing, ids.operator, ids.contacts.ann, ids.contacts.nora],
      );
      await page.goto(`${site.url}${PATH}`);
      await page.getByRole('button', { name: 'Propose' }).click();
      await page.waitForURL(`${site.url}${PATH}`);
      expect(await said()).toMatch(/is proposed\. Still to sign: [\s\S]*Northwind Cloud/);
      await page.goto(`${site.url}/matrices?q=billing`);
      expect(await page.getByRole('row', { name: /Billing export/ }).innerText()).toMatch(/proposed/);
      await page.goto(`${site.url}${PATH}`);
      const link = await linkFor('nora@northwind.example');
      const versionId = await newest();
      await page.goto(`${site.url}/matrices/${versionId}`);
      await site.judge(page, 'matrix-version');

      await page.emulateMedia({ media: 'print' });
      await page.setViewportSize({ width: 718, height: 1000 }); // a sheet of A4 between its margins
      for (const gone of ['header.top', '.crumbs', 'form', 'button'])
        expect(await page.locator(gone).first().isVisible()).toBe(false);
      expect(await page.locator('table.duties thead').isVisible()).toBe(true);
      const foot = page.locator('.paper-foot');
      const { rows } = await site.scene.client.query<{ hash: string; number: number }>(
        `SELECT encode(content_hash, 'hex') AS hash, number FROM matrix_version WHERE id = $1`,
        [versionId],
      );
      expect(await foot.innerText()).toBe(
        `INT-2026-0001, version ${rows[0]!.number}, SHA-256 of the content ${rows[0]!.hash}`,
      );
      // What repeats it on every sheet.
      expect(await foot.evaluate((element) => getComputedStyle(element as never).display)).toBe(
        'table-footer-group',
      );
      expect(
        await page
          .locator('tbody tr')
          .first()
          .evaluate((row) => getComputedStyle(row as never).breakInside),
      ).toBe('avoid');
      expect(await overflowOf(page)).toEqual([]);
      expect((await printed(page, 'matrix-version')).sheets).toBeGreaterThan(1);
      await page.emulateMedia({ media: 'screen' });
      await page.setViewportSize({ width: 1360, height: 900 });
      expect(await foot.isVisible()).toBe(false);

      const phone = await TestBrowser.open({ scripts: false });
      try {
        const visitor = await phone.page();
        await visitor.setViewportSize({ width: 390, height: 844 });
        await visitor.goto(link);
        expect(visitor.url()).toBe(`${site.url}/sign-matrix`);
        // The high tier asks for more than a link and a code to one mailbox: said before anybody tries, and the ways named.
        const high = await visitor.locator('main').innerText();
        expect(high).toContain('are one factor');
        expect(high).toContain('signed in with an account, with a code from its mailbox');
        expect(await visitor.locator('#sign').count()).toBe(0);
        await site.scene.client.query('UPDATE integration SET risk_tier = 2 WHERE id = $1', [ids.billing]);
        await visitor.reload();
        const text = await visitor.locator('main').innerText();
        expect(text).toContain('Nora Visser, you are asked to sign for Northwind Cloud');
        expect(text).toContain('n***@northwind.example');
        expect(text).toMatch(/What you are asked to do[\s\S]*Read[\s\S]*Have a code mailed[\s\S]*Sign/);
        expect(text).toMatch(/who asks\s+Aurora Pay/);
        expect(text).toMatch(/by when\s+\d{4}-\d\d-\d\d/);
        expect(text).toMatch(/what signing means\s+You say for Northwind Cloud that it answers/);
        expect(text).not.toMatch(/Quartz|Pigeon|ann@aurora/);
        expect(text).toMatch(/next review of the agreement\s+(\d{4}-\d\d-\d\d|none is agreed)/);
        expect(text).toMatch(/let pass for a time\s+nothing: no rule has an exception/);
        await visitor.getByRole('link', { name: 'Deutsch' }).click();
        expect(await visitor.locator('.letter').innerText()).toContain('rechenschaftspflichtig');
        expect(await overflowOf(visitor)).toEqual([]);
        expect(await visitor.locator('html').getAttribute('lang')).toBe('de');
        expect(await visitor.locator('main').innerText()).toMatch(
          /Nora Visser, Sie werden um Ihre Unterschrift gebeten für Northwind Cloud/,
        );
        await visitor.getByRole('link', { name: 'English' }).click();
        await visitor.fill('[name=code]', '00000000');
        await visitor.fill('[name=signs_for]', 'Nora Visser, head of security');
        await visitor.getByRole('button', { name: /Sign for Northwind/ }).click();
        expect(await visitor.locator('main').innerText()).toContain('The code was never asked for');

        await visitor.getByRole('button', { name: /Mail me/ }).click();
        expect(await visitor.locator('main').innerText()).toContain(
          'A code is on its way to n***@northwind.example',
        );
        const code = /^(\d{8})$/m.exec(await letter('nora@northwind.example', /^\d{8}$/m))![1]!;
        await visitor.fill('[name=code]', code);
        await visitor.fill('[name=signs_for]', 'Nora Visser, head of security');
        await visitor.getByRole('button', { name: /Sign for Northwind/ }).click();
        expect(await visitor.locator('main').innerText()).toMatch(
          /signed\s+for Northwind Cloud by Nora Visser/,
        );
        expect(await visitor.getByRole('button').count()).toBe(0);
      } finally {
        await phone.close();
      }

      await page.goto(`${site.url}/matrices/${versionId}`);
      await page.fill('[name=signs_for]', 'Olga Reyes, contract owner');
      await page.getByRole('button', { name: 'Sign', exact: true }).click();
      await page.waitForURL(`${site.url}/matrices/${versionId}`);
      await page.goto(`${site.url}${PATH}`);
      await site.judge(page, 'matrix-signed');
      expect(await said()).toContain('Both sides have signed');
    },
    LONG,
  );

  test(
    'one cell is edited after signing: the signatures fall, with the difference, side by side',
    async () => {
      const before = await newest();
      await page.goto(`${site.url}${PATH}/cell?duty=recovery`);
      expect(await said()).toContain('signatures fall at once');
      await page.fill('[name=window]', '4d');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.waitForURL(`${site.url}${PATH}`);
      expect(await said()).toMatch(/The signatures under version \d+ fell[\s\S]*2 days[\s\S]*4 days/);
      await site.judge(page, 'matrix-fell');
      await page.getByRole('button', { name: 'Propose' }).click();
      await page.waitForURL(`${site.url}${PATH}`);
      await page.goto(`${site.url}/matrices/${await newest()}/changes/${before}`);
      await site.judge(page, 'matrix-diff');
      expect(await page.locator('tr.changed').count()).toBe(1);
      await page.goto(await linkFor('nora@northwind.example'));
      await site.judge(page, 'sign-link');
      expect(await tabStops(page)).toEqual(
        expect.arrayContaining(['input code', 'input signs_for', 'button Sign for Northwind Cloud']),
      );
      await page.goto(`${site.url}/m/nothing`);
      site.browser.complaints.length = 0; // the browser reports the 404 itself
      await site.judge(page, 'sign-link-unknown');
    },
    LONG,
  );
});
