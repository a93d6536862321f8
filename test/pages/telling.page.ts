import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EDITABLE, OF_EVERY_MESSAGE } from '../../src/domain/notices/notice-samples.ts';
import { NoticeTemplates } from '../../src/domain/notices/notice-templates.ts';
import { overflowOf, picture, TestBrowser } from '../support/browser.ts';
import { Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';

let site: Console;

beforeAll(async () => {
  site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
}, 120_000);
afterAll(() => site.close());

describe('the texts of notices', () => {
  test('are read, previewed with a real notice, saved as a version, compared, and taken back', async () => {
    const { email } = await site.account('Petra', 'contract_owner');
    const page = await site.browser.page();
    await site.signIn(page, email, '/notice-templates');
    await site.judge(page, 'notice-templates');
    await page.getByRole('link', { name: 'de', exact: true }).first().click();
    expect(await page.locator('.letter').innerText()).toContain('An den Sicherheitskontakt');
    await page.goto(`${site.url}/notice-templates/exposure/en`);
    const subject = await page.inputValue('[name=subject]');
    await page.fill('[name=subject]', `Ours, ${subject}`);
    await page.getByRole('button', { name: 'Preview' }).click();
    expect(await page.locator('main').innerText()).toMatch(/Ours, NTC-\d{4}-\d+/);
    await page.fill('[name=note]', 'Says whose it is');
    const text = await page.inputValue('[name=text]');
    await page.fill('[name=text]', '{{ password }}');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.locator('.error').innerText()).toContain('which this category does not have');
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await page.fill('[name=text]', text);
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.locator('main').innerText()).toContain('Version 1 writes every such notice');
    await page.getByRole('link', { name: 'Version 1' }).click();
    expect(await page.locator('ins').first().innerText()).toContain('Ours,');
    await site.judge(page, 'notice-template');
    await page.getByRole('button', { name: 'Use the shipped text again' }).click();
    expect(await page.locator('main').innerText()).toContain('The shipped text is used again');
  }, 120_000);
});

describe('a mail as its reader sees it', () => {
  const templates = () => site.world.app.get(NoticeTemplates);

  test.each([
    ['exposure', 'en'],
    ['exposure', 'de'],
    ['drill', 'en'],
    ['written', 'en'],
  ])(
    '%s in %s fits 360 and 600 pixels, light and dark, with images off, and fetches nothing',
    async (category, language) => {
      const { html } = templates().render(category, language, {
        ...EDITABLE[category]!.sample,
        ...OF_EVERY_MESSAGE,
        integrationName: 'Payments bridge between the warehouse in Rotterdam and the bank'.repeat(2),
      });
      const browser = await TestBrowser.open();
      try {
        const page = await browser.page();
        const fetched: string[] = [];
        await page.route('**/*', (route) => {
          fetched.push(route.request().url());
          return route.abort();
        });
        for (const [width, scheme] of [
          [360, 'light'],
          [600, 'light'],
          [360, 'dark'],
        ] as const) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme: scheme });
          await page.setContent(html);
          expect(await overflowOf(page)).toEqual([]);
          await picture(page, `mail-${category}-${language}-${width}-${scheme}`);
        }
        expect(fetched).toEqual([]);
        expect(await page.locator('a').first().getAttribute('href')).toBe(OF_EVERY_MESSAGE.link);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
