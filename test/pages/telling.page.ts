import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Severity } from '../../src/domain/incidents/incident.rules.ts';
import { UPDATE_EVERY } from '../../src/domain/incidents/update-cadence.queries.ts';
import { UpdateCadenceSweep } from '../../src/domain/incidents/update-cadence.sweep.ts';
import type { Page } from 'playwright-core';
import { newId } from '../../src/kernel/ids.ts';
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
    // A mail that is no notice has a text, too, and its own variables alone.
    await page.goto(`${site.url}/notice-templates/access-review/de`);
    await site.judge(page, 'notice-template-mail');
    const review = await page.locator('main').innerText();
    expect(review).toContain(
      'Variables: reviewerName, reviewReference, stage, dueAt, open, lines, more, link.',
    );
    expect(await page.locator('.letter').innerText()).toContain('06.12.2026, 08:05 Uhr UTC');
    await page.goto(`${site.url}/profile`);
    await site.judge(page, 'profile');
    await page.selectOption('[name=language]', 'de');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.inputValue('[name=language]')).toBe('de');
    await page.goto(`${site.url}/notice-templates/exposure/en`);
    const subject = await page.inputValue('[name=subject]');
    await page.fill('[name=subject]', `Ours, ${subject}`);
    await page.getByRole('button', { name: 'Preview' }).click();
    expect(await page.locator('main').innerText()).toMatch(/Ours, NTC-\d{4}-\d+/);
    const html = await page.inputValue('[name=html]');
    const mail = page.frameLocator('iframe[name=mail]').locator('body');
    await page.fill('[name=html]', html.replace('{{ toParty }}', 'Typed, {{ toParty }}'));
    await page.getByRole('button', { name: 'See it as mail' }).click();
    await mail.getByText('Typed, ').first().waitFor();
    const saved = await page.request.get(`${site.url}/notice-templates/exposure/en/html`);
    expect(await saved.text()).not.toContain('Typed, ');
    expect(saved.headers()['content-security-policy']).toMatch(
      /^sandbox; default-src 'none'; style-src 'unsafe-inline';/,
    );
    expect(saved.headers()['content-security-policy']).toContain("frame-ancestors 'self'");
    await page.fill('[name=html]', html);
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

describe('while a text is typed', () => {
  test('it is shown beside the form with the facts of a chosen case, as text and as mail, and so is what is wrong', async () => {
    const { email } = await site.account('Pia', 'contract_owner');
    await site.browser.context.clearCookies();
    const page = await site.browser.page();
    await site.signIn(page, email, '/notice-templates/exposure/de');
    const reads = page.locator('#reads');
    const mail = page.frameLocator('iframe[name=mail]').locator('body');
    await mail.getByText('Lesen und bestätigen').waitFor();
    const references = await page
      .locator('[name=notice] option')
      .evaluateAll((all) => all.map((one) => (one as HTMLOptionElement).value).filter((one) => one !== ''));
    expect(references.length).toBeGreaterThan(1);
    const chosen = references.at(-1)!;
    await page.selectOption('[name=notice]', chosen);
    await reads.locator(`a[href="/notices/${chosen}"]`).waitFor();
    await mail.getByText(chosen).first().waitFor();
    const length = await page.evaluate(() => history.length);
    const text = await page.inputValue('[name=text]');
    const html = await page.inputValue('[name=html]');
    await page.fill('[name=text]', `Guten Tag,\n\n${text}`);
    await reads.getByText('Guten Tag,').waitFor();
    await page.fill('[name=html]', html.replace('<p>', '<p>Einen guten Tag.</p><p>'));
    await mail.getByText('Einen guten Tag.').waitFor();
    // One page for the back button, however much was typed.
    expect(await page.evaluate(() => history.length)).toBe(length);
    await site.judge(page, 'notice-template-live');

    await page.fill('[name=text]', '{{ password }}');
    const wrong = page.locator('#text-error');
    await wrong.waitFor();
    expect(await wrong.innerText()).toContain('password, which this category does not have');
    expect(await page.getAttribute('[name=text]', 'aria-invalid')).toBe('true');
    expect(await reads.innerText()).toBe('Mend the text first.');
    await page.fill('[name=text]', text);
    await reads.locator('.letter').waitFor();
    expect(await wrong.count()).toBe(0);
    expect(await page.getAttribute('[name=text]', 'aria-invalid')).toBeNull();
    expect(await page.inputValue('[name=html]')).toContain('Einen guten Tag.');
  }, 120_000);

  test('on a phone and without scripts the buttons do the same', async () => {
    const { email } = await site.account('Pim', 'contract_owner');
    const browser = await TestBrowser.open({ scripts: false });
    try {
      const page = await browser.page();
      await page.setViewportSize({ width: 390, height: 844 });
      await site.signIn(page, email, '/notice-templates/drill/en');
      expect(await overflowOf(page)).toEqual([]);
      await picture(page, 'notice-template-phone');
      await page.fill('[name=subject]', 'Ours: {{ credentialName }}');
      await page.getByRole('button', { name: 'Preview' }).click();
      expect(await page.locator('#reads').innerText()).toContain('Ours: ');
      await page.fill(
        '[name=html]',
        (await page.inputValue('[name=html]')).replace('<p>', '<p>Typed.</p><p>'),
      );
      await page.getByRole('button', { name: 'See it as mail' }).click();
      await page.frameLocator('iframe[name=mail]').getByText('Typed.').waitFor();
      await page.fill('[name=html]', '<p>{{ password }}</p>');
      await page.getByRole('button', { name: 'See it as mail' }).click();
      await page.frameLocator('iframe[name=mail]').getByText('Mend the text first').waitFor();
      expect(page.url()).toContain('/notice-templates/drill/en');
    } finally {
      await browser.close();
    }
  }, 120_000);
});

describe('a notice that somebody writes', () => {
  test('begins on the page of another, is edited by its writer, and sent by somebody else', async () => {
    const writer = await site.account('Wim', 'responder');
    const other = await site.account('Olga', 'contract_owner');
    const page = await site.browser.page();
    await site.browser.context.clearCookies();
    await site.signIn(page, writer.email, '/notices/NTC-2026-0001');
    // An address is read as words, not letter below letter, beside an answer as long as mail servers give them.
    const attempt = page.locator('tr', { has: page.locator('.reach') }).first();
    await attempt.locator('.mono').evaluate((answer) => {
      answer.textContent = '250 OK: kept as 6c47a5d4-aae1-43e4-9c1a-0e8f68a1186c';
    });
    expect((await attempt.locator('.reach').boundingBox())?.width).toBeGreaterThan(110);
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

describe('a notice that no machine could deliver', () => {
  test('is told by phone: the script is read out, who answered and when goes on record', async () => {
    const { client } = site.scene;
    const { email } = await site.account('Rosa', 'responder');
    const reference = 'NTC-2026-0003';
    const { rows } = await client.query<{ party: string }>(
      `SELECT party_id AS party FROM notice WHERE reference = $1`,
      [reference],
    );
    await site.scene.put('contact', {
      id: newId(),
      party_id: rows[0]!.party,
      name: 'Quinn Desk',
      role: 'on_call',
      phone: '+44 20 7946 0000',
      created_at: site.scene.ago(0),
      updated_at: site.scene.ago(0),
    });
    await site.browser.context.clearCookies();
    const page = await site.browser.page();
    await site.signIn(page, email, '/work?show=stuck');
    await page.locator(`a[href="/notices/${reference}/call"]`).click();
    expect(await page.locator('.letter').innerText()).toContain(`a call about the notice ${reference}`);
    await page.selectOption('[name=outcome]', 'nobody');
    await page.getByRole('button', { name: 'Put it on record' }).click();
    expect(await page.locator('#calls').innerText()).toContain('nobody answered');
    await page.getByRole('button', { name: 'Put it on record' }).click();
    expect(await page.locator('.error').innerText()).toBe('Say who answered and heard it.');
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await site.judge(page, 'notice-call');
    await page.fill('[name=answeredBy]', 'Ines at the desk');
    await page.getByRole('button', { name: 'Put it on record' }).click();
    const told = await page.locator('main').innerText();
    expect(told).toContain('They were told by phone.');
    expect(told).toContain('answered by Ines at the desk');
    await page.goto(`${site.url}/work?show=stuck`);
    expect(await page.locator(`a[href="/notices/${reference}"]`).count()).toBe(0);
  }, 120_000);
});

describe('whoever is on call', () => {
  test('has hours, is away with somebody who stands in, and the page says who is first now and next', async () => {
    const { email } = await site.account('Vera', 'vendor_risk');
    const { rows } = await site.scene.client.query<{ reference: string; id: string; name: string }>(
      `SELECT p.reference, c.id, c.name FROM contact c JOIN party p ON p.id = c.party_id
        WHERE p.name = 'Northwind Cloud' AND c.active ORDER BY (c.role = 'on_call') DESC, c.ordinal, c.id`,
    );
    const [{ reference, name }, other] = [rows[0]!, rows[1]!];
    await site.browser.context.clearCookies();
    const page = await site.browser.page();
    await site.signIn(page, email, `/parties/${reference}`);
    await page.getByRole('link', { name: `Hours, absences and ways of ${name}` }).click();
    await page.fill('[name=zone]', 'Berlin');
    await page.getByRole('button', { name: 'Keep the hours' }).click();
    expect(await page.locator('.error').innerText()).toContain('IANA');
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    await page.fill('[name=zone]', 'Europe/Berlin');
    await page.fill('#hours-from', '08:00');
    await page.fill('#hours-until', '18:00');
    for (let day = 1; day <= 7; day += 1) await page.uncheck(`[name=day${day}]`);
    await page.fill('#hours-until', '08:00');
    await page.getByRole('button', { name: 'Keep the hours' }).click();
    expect(await page.locator('#hours-days-error').innerText()).toContain('must name at least one day');
    await page.check('[name=day1]');
    await page.getByRole('button', { name: 'Keep the hours' }).click();
    expect(await page.locator('#hours-until-error').innerText()).toContain(
      'the whole day is 00:00 until 24:00',
    );
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    for (let day = 2; day <= 6; day += 1) await page.check(`[name=day${day}]`);
    await page.fill('#hours-until', '18:00');
    await page.getByRole('button', { name: 'Keep the hours' }).click();
    expect(await page.inputValue('#hours-from')).toBe('08:00');
    expect(await page.isChecked('[name=day7]')).toBe(false);
    const at = (hours: number) =>
      new Date(site.world.clock.now() + hours * 3_600_000).toISOString().slice(0, 16);
    await page.fill('#absence-from', at(-1));
    await page.fill('#absence-until', at(3));
    await page.fill('#absence-zone', 'UTC');
    await page.selectOption('[name=standInId]', other.id);
    await page.getByRole('button', { name: 'Put it on record' }).click();
    expect(await page.locator('#absences').innerText()).toContain('away now');
    await site.judge(page, 'contact-reach');
    await page.goto(`${site.url}/parties/${reference}`);
    const called = await page.locator('#on-call').innerText();
    expect(called).toMatch(new RegExp(`${name}\\s+away`));
    expect(called).toContain(`Next: ${name}, from`);
    await site.judge(page, 'party-on-call');
    await page.getByRole('link', { name: `Hours, absences and ways of ${name}` }).click();
    await page.getByRole('button', { name: 'Take back' }).click();
    expect(await page.locator('#absences').innerText()).toContain('No absence to come.');
  }, 120_000);
});

describe('a mail as its reader sees it', () => {
  const templates = () => site.world.app.get(NoticeTemplates);

  test.each(['en', 'de'])(
    'in %s each fits 360 and 600 pixels, is legible on a light and on a dark ground with images off, and fetches nothing',
    async (language) => {
      const browser = await TestBrowser.open();
      try {
        const page = await browser.page();
        const fetched: string[] = [];
        await page.route('**/*', (route) => {
          fetched.push(route.request().url());
          return route.abort();
        });
        const grounds = new Set<string>();
        for (const [category, { sample, mail }] of Object.entries(EDITABLE)) {
          const facts: Record<string, unknown> = mail ? sample : { ...sample, ...OF_EVERY_MESSAGE };
          const { html } = templates().render(category, language, {
            ...facts,
            integrationName: 'Payments bridge between the warehouse in Rotterdam and the bank'.repeat(2),
          });
          for (const scheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme: scheme });
            for (const width of [360, 600]) {
              await page.setViewportSize({ width, height: 900 });
              await page.setContent(html);
              expect([category, await overflowOf(page)]).toEqual([category, []]);
              if (['exposure', 'written'].includes(category))
                await picture(page, `mail-${category}-${language}-${width}-${scheme}`);
            }
            const { ground, faint } = await legibilityOf(page);
            expect([category, scheme, faint]).toEqual([category, scheme, []]);
            grounds.add(`${scheme} ${ground}`);
          }
          const links = await page
            .locator('a')
            .evaluateAll((all) => all.map((one) => one.getAttribute('href')));
          expect([category, links[0]]).toEqual([category, facts['link']]);
        }
        expect(fetched).toEqual([]);
        expect([...grounds]).toEqual(['light rgb(255, 255, 255)', 'dark rgb(18, 22, 29)']);
      } finally {
        await browser.close();
      }
    },
    90_000,
  );
});

/** The ground of a mail, and every text on it whose contrast is below 4.5 (WCAG 2.2, 1.4.3). */
function legibilityOf(page: Page): Promise<{ ground: string; faint: string[] }> {
  return page.evaluate(() => {
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour: string) => {
      const [r, g, b] = channels(colour)
        .slice(0, 3)
        .map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const groundOf = (element: Element | null): string => {
      if (!element) return 'rgb(255, 255, 255)';
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor;
    };
    const faint: string[] = [];
    for (const element of document.body.querySelectorAll('*')) {
      const own = [...element.childNodes].some(
        (node) => node.nodeType === 3 && node.textContent!.trim() !== '',
      );
      if (!own) continue;
      const [one, two] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
      const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
      if (contrast < 4.5)
        faint.push(`${element.tagName} ${element.textContent!.slice(0, 40)}: ${contrast.toFixed(1)}`);
    }
    return { ground: groundOf(document.body), faint };
  });
}

test('whoever was told of an open case and hears nothing more is owed an update, until one goes out', async () => {
  const sweep = () => site.world.app.get(UpdateCadenceSweep).sweep(system('test', 'cadence'));
  const { client } = site.scene;
  const open = async () =>
    (
      await client.query<{ message: string }>(
        `SELECT message FROM alert WHERE kind = 'case.update-due' AND handled_at IS NULL ORDER BY dedupe_key`,
      )
    ).rows.map(({ message }) => message);
  const { rows } = await client.query<{ severity: Severity; last: Date; id: string; reference: string }>(
    `SELECT i.severity, i.reference, n.accepted_at AS last, n.id FROM notice n JOIN incident_case c ON c.id = n.subject_id JOIN incident i ON i.id = c.incident_id
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

  // Set for the incident, it is what counts; the page says who hears next.
  const { email } = await site.account('Rhea', 'responder');
  await site.browser.context.clearCookies();
  const page = await site.browser.page();
  await site.signIn(page, email, `/incidents/${told.reference}`);
  await page.locator('a', { hasText: 'as its severity' }).first().click();
  await page.waitForURL(/\/updates$/);
  await page.locator('#everyHours').fill('0');
  await page.locator('button', { hasText: 'Save' }).click();
  expect(await page.locator('main').innerText()).toContain('From 1 to 720 hours.');
  site.browser.complaints.length = 0; // the browser reports the 422 itself
  await page.locator('#everyHours').fill('1');
  await page.locator('button', { hasText: 'Save' }).click();
  await page.locator('.lead', { hasText: 'every hour, as set here' }).waitFor();
  await site.judge(page, 'updates');
  site.world.clock.advance(60 * 60_000);
  await sweep();
  expect(await open()).toEqual(expect.arrayContaining([expect.stringContaining('for 1 h')]));
});
