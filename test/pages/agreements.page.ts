import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Console } from './console.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;

beforeAll(async () => {
  site = await Console.start();
  await portfolioScene(site.scene);
  const { email } = await site.account('Cora', 'contract_owner');
  page = await site.browser.page();
  await site.signIn(page, email, '/agreements');
}, 120_000);
afterAll(() => site.close());

describe('agreements', () => {
  test('the list says what is in force with whom', async () => {
    await site.judge(page, 'agreements');
    expect(await page.locator('tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(/AGR-2026-0001[\s\S]*version 3/),
    ]);
  });

  test('one agreement draws its terms in both directions, with what would be due now', async () => {
    await page.goto(`${site.url}/agreements/AGR-2026-0001`);
    await site.judge(page, 'agreement');
    const lines = page.locator('svg.lines');
    expect(await lines.getAttribute('aria-label')).toMatch(/we tell .*hours?; .* tells us/);
    const due = await page.locator('table tbody tr').first().locator('time').getAttribute('datetime');
    expect(Date.parse(due!)).toBeGreaterThan(site.world.clock.now());
  });

  test('the next version is written without scripts, refused where it is wrong, and published', async () => {
    const plain = await site.plainPage();
    await plain.goto(`${site.url}/agreements/AGR-2026-0001`);
    await plain.click('text=Write the next version');
    await plain.click('text=Add from a template');
    await plain.locator('a[aria-label^="We owe it: GDPR, processor tells controller"]').click();
    expect(await plain.inputValue('[name=windowUnit]')).toBe('');
    await plain.selectOption('[name=windowUnit]', 'elapsed-hours');
    await plain.fill('[name=windowCount]', '0');
    await plain.click('text=Add the term');
    expect(await plain.locator('#windowCount-error').innerText()).toMatch(/at least 1/);
    await plain.fill('[name=windowCount]', '12');
    await plain.fill('[name=zone]', 'Europe/Atlantis');
    await plain.click('text=Add the term');
    expect(await plain.locator('#zone-error').innerText()).toMatch(/time zone/);
    expect(await plain.inputValue('[name=windowCount]')).toBe('12');
    await plain.fill('[name=zone]', 'Europe/Amsterdam');
    await plain.fill('[name=name]', 'Early word');
    await plain.click('text=Add the term');
    expect(await plain.locator('[role=status]').innerText()).toMatch(/in the draft/);
    await plain.goto(`${site.url}/agreements/AGR-2026-0001/draft/terms/new`);
    await plain.fill('[name=name]', 'Early word');
    await plain.selectOption('[name=windowUnit]', 'elapsed-hours');
    await plain.fill('[name=windowCount]', '36');
    await plain.click('text=Add the term');
    expect(await plain.locator('#name-error').innerText()).toMatch(
      /name of term \d+ already.*name of its own/,
    );
    await plain.fill('[name=name]', 'Second word');
    await plain.click('text=Add the term');
    expect(await plain.locator('[role=status]').innerText()).toMatch(/in the draft/);
    await plain.fill('[name=drillEveryDays]', '90');
    await plain.locator('input[name=step]').first().fill('Revoke the leaked version');
    await plain.locator('select[name=stepBy]').first().selectOption('them');
    await plain.click('text=Save the draft');
    expect(await plain.locator('[role=status]').innerText()).toMatch(/saved/);
    await plain.click('text=What it changes');
    expect(await plain.locator('tbody').innerText()).toMatch(/12 hours from confirmed/);
    await plain.goBack();
    await plain.click('text=Publish version 4');
    expect(await plain.locator('[role=status]').innerText()).toMatch(/Version 4 is published/);
    expect(await plain.locator('main').innerText()).toMatch(/version 4 in force[\s\S]*every 90 days/);
  });

  test('its forms, its templates and its comparison hold what every page must', async () => {
    await page.goto(`${site.url}/agreements/AGR-2026-0001`);
    await page.click('text=Write the next version');
    await site.judge(page, 'agreement-draft');
    await page.goto(`${site.url}/agreements/AGR-2026-0001/draft/terms/0`);
    await site.judge(page, 'agreement-term');
    await page.goto(`${site.url}/agreements/AGR-2026-0001/draft/templates`);
    await site.judge(page, 'agreement-templates');
    await page.goto(`${site.url}/agreements/AGR-2026-0001/compare?a=3&b=4`);
    await site.judge(page, 'agreement-compare');
    await page.goto(`${site.url}/agreements/new`);
    await site.judge(page, 'agreement-new');
  });

  test('somebody who was too late is told so, and overwrites nothing', async () => {
    const [first, second] = [await site.browser.page(), await site.browser.page()];
    for (const one of [first, second]) await one.goto(`${site.url}/agreements/AGR-2026-0001/draft`);
    await first.fill('[name=reviewOn]', '2027-03-01');
    await first.click('text=Save the draft');
    await second.fill('[name=reviewOn]', '2028-03-01');
    const answer = second.waitForResponse((response) => response.request().method() === 'POST');
    await second.click('text=Save the draft');
    expect((await answer).status()).toBe(412);
    expect(await second.locator('[role=alert]').innerText()).toMatch(
      /changed since.*reviewOn stands as 2027-03-01/,
    );
    await first.reload();
    expect(await first.inputValue('[name=reviewOn]')).toBe('2027-03-01');
    site.browser.complaints.length = 0;
  });
});
