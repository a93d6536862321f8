import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Severity } from '../../src/domain/incidents/incident.rules.ts';
import { UPDATE_EVERY, UpdateCadenceSweep } from '../../src/domain/incidents/update-cadence.sweep.ts';
import { system } from '../../src/kernel/principal.ts';
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
  // The scene gave its notices their references itself.
  await site.scene.client.query(`SELECT setval('reference_ntc', 1000)`);
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

describe('a notice that somebody writes', () => {
  test('begins on the page of another, is edited by its writer, and sent by somebody else', async () => {
    const writer = await site.account('Wim', 'responder');
    const other = await site.account('Olga', 'contract_owner');
    const page = await site.browser.page();
    await site.browser.context.clearCookies();
    await site.signIn(page, writer.email, '/notices/NTC-2026-0001');
    await page.getByRole('button', { name: 'Write to them again' }).click();
    expect(await page.inputValue('[name=text]')).toContain('CAS-2026-0011');
    await page.fill('[name=subject]', 'The new key is in use');
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(await page.getByRole('button', { name: 'Approve and send' }).count()).toBe(0);
    await site.judge(page, 'written-notice');
    const address = page.url().slice(site.url.length);
    const second = await TestBrowser.open();
    try {
      const reader = await second.page();
      await site.signIn(reader, other.email, address);
      await reader.getByRole('button', { name: 'Approve and send' }).click();
      expect(await reader.locator('main').innerText()).toMatch(/sent as\s+NTC-\d{4}-\d+/);
      await reader.goto(`${site.url}/written-notices`);
      expect(await reader.locator('main').innerText()).toContain('The new key is in use');
    } finally {
      await second.close();
    }
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

test('whoever was told of an open case and hears nothing more is owed an update, until one goes out', async () => {
  const sweep = () => site.world.app.get(UpdateCadenceSweep).sweep(system('test', 'cadence'));
  const { client } = site.scene;
  const open = async () =>
    (
      await client.query<{ message: string }>(
        `SELECT message FROM alert WHERE kind = 'case.update-due' AND handled_at IS NULL ORDER BY dedupe_key`,
      )
    ).rows.map(({ message }) => message);
  const { rows } = await client.query<{ severity: Severity; last: Date; id: string }>(
    `SELECT i.severity, n.accepted_at AS last, n.id FROM notice n JOIN incident_case c ON c.id = n.subject_id JOIN incident i ON i.id = c.incident_id
      WHERE n.accepted_at IS NOT NULL AND c.state = 'open' ORDER BY n.accepted_at DESC LIMIT 1`,
  );
  const told = rows[0]!;
  await client.query(`UPDATE notice SET accepted_at = $1 WHERE accepted_at IS NOT NULL`, [told.last]);
  const due = told.last.getTime() + UPDATE_EVERY[told.severity];
  site.world.clock.advance(due - 1 - site.world.clock.now());
  await sweep();
  expect(await open()).toEqual([]);
  site.world.clock.advance(1);
  await sweep();
  await sweep();
  const reminded = await open();
  expect(reminded.length).toBeGreaterThan(0);
  expect(reminded[0]).toMatch(/is open, and a party that was told of it has heard nothing for \d+ h/);
  await client.query(`UPDATE notice SET accepted_at = $1 WHERE accepted_at IS NOT NULL`, [
    site.world.clock.date(),
  ]);
  await sweep();
  expect(await open()).toEqual([]);
});
