import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { renderReport } from '../../src/domain/policy/report.rules.ts';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import { GateScene } from '../support/gate-scene.ts';
import { Console } from './console.ts';

let site: Console;
let gate: GateScene;
let page: Page;
let path: string;
let vera: string;

beforeAll(async () => {
  site = await Console.start();
  gate = await GateScene.set(site.world, (text) => text.replace('provable: store_api', "provable: 'no'"));
  path = `${site.url}/integrations/${gate.reference}/gate`;
  vera = (await site.account('Vera', 'vendor_risk')).email;
  page = await site.browser.page();
  await site.signIn(page, vera, '/gate');
}, 120_000);
afterAll(() => site.close());

describe('the gate', () => {
  test('what blocks production, the worst of each, and by which rule', async () => {
    await site.world.app.get(ReEvaluationSweep).sweep(gate.by);
    await page.goto(`${site.url}/gate`);
    const tops = await page
      .locator('.counts .stat')
      .evaluateAll((of) => of.map((one) => one.getBoundingClientRect().top));
    expect(tops).toHaveLength(4);
    expect(new Set(tops).size).toBe(1);
    await site.judge(page, 'gate-list');
    const row = page.getByRole('row', { name: /Checkout payments/ });
    expect(await row.innerText()).toMatch(/is accountable in this matrix and has not signed it/);
    await page.goto(`${site.url}/gate?rule=unprovable-location`);
    expect(await page.getByRole('row', { name: /Checkout payments/ }).innerText()).toMatch(
      /nobody can show that the copy/,
    );
    await page.goto(`${site.url}/gate?rule=no-owner`);
    expect(await page.locator('main').innerText()).toContain('Nothing is kept out by this rule');
  });

  test('each finding says how to mend it; asking is recorded and opens nothing', async () => {
    await page.goto(`${site.url}/integrations/${gate.reference}`);
    expect(await page.locator('#gate').innerText()).toMatch(/4 keep it out/);
    await page.getByRole('link', { name: 'What keeps it out' }).click();
    await site.judge(page, 'gate');
    expect(await page.locator('#critical').innerText()).toMatch(
      /Ask Paylane Payments to countersign version 1/,
    );
    expect(await page.locator('#high').innerText()).toMatch(/Move the copy to a place that can be checked/);
    await page.getByRole('button', { name: 'Ask the gate' }).click();
    expect(await page.locator('main').innerText()).toContain('The dry run is on record');
    await page.getByRole('button', { name: 'Go live' }).click();
    expect(await page.locator('main').innerText()).toContain('Refused. What keeps it out stands below.');
    expect(await page.locator('main').innerText()).toMatch(/go live/);
  });

  test('an exception is asked for by one, decided by another, and stands beside the pass', async () => {
    await page.locator('#high').getByRole('link', { name: 'Ask for an exception' }).click();
    await site.judge(page, 'gate-exception');
    await page.getByLabel('Why it cannot be mended now').fill('The old reader is replaced in May.');
    await page.getByLabel('What is done instead').fill('Its host is rebuilt every night.');
    await page.getByLabel('Until').fill('2020-01-01');
    await page.getByRole('button', { name: 'Ask' }).click();
    expect(await page.locator('form').filter({ hasText: 'Until' }).innerText()).toMatch(/lies in the past/i);
    expect(await page.getByLabel('What is done instead').inputValue()).toBe(
      'Its host is rebuilt every night.',
    );
    site.browser.complaints.length = 0; // the browser reports the 422 itself
    const day = new Date(site.world.clock.now() + 20 * 86_400_000).toISOString().slice(0, 10);
    await page.getByLabel('Until').fill(day);
    await page.getByRole('button', { name: 'Ask' }).click();
    expect(await page.locator('#exceptions').innerText()).toMatch(/Vera[\s\S]*requested/);
    expect(await page.locator('#exceptions').innerText()).toContain('somebody else decides it');
    expect(
      await page
        .locator('#exceptions')
        .getByRole('button', { name: /Approve|Refuse/ })
        .count(),
    ).toBe(0);
    expect(await page.getByRole('button', { name: 'Withdraw' }).count()).toBe(1);

    await page.getByRole('button', { name: 'Sign out' }).click();
    const { email } = await site.account('Otto', 'contract_owner');
    await site.signIn(page, email, `/integrations/${gate.reference}/gate`);
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(await page.locator('#exceptions').innerText()).toMatch(/approved by Otto/);
    expect(await page.locator('#high').innerText()).toMatch(new RegExp(`excepted until ${day}`));
    expect(await page.getByRole('button', { name: 'Go live' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
  });

  test('with every piece in place it goes live', async () => {
    await site.signIn(page, vera, '/gate');
    await gate.sign('northwind');
    await gate.sign('paylane');
    await gate.drill();
    await page.goto(path);
    expect(await page.locator('main').innerText()).toContain(
      'Nothing keeps this integration out of production',
    );
    await page.getByRole('button', { name: 'Go live' }).click();
    await site.judge(page, 'gate-live');
    expect(await page.locator('.head').innerText()).toMatch(/live[\s\S]*pass held[\s\S]*1 by exception/);
  });
});

describe('the JUnit report', () => {
  test('is XML that a parser reads back as it was meant, whatever names there are', async () => {
    const nasty = 'a <b> & "c" \'d\' ]]> \u0000\u000b\u{1F511} \ud800\nnext';
    const finding = (rule: string, severity: 'high' | 'warning') => ({
      rule,
      severity,
      subject: { kind: 'credential' as const, id: nasty, name: nasty },
      message: nasty,
      mend: nasty,
      frameworks: [],
      exception: null,
    });
    const text = renderReport(
      [
        {
          integration: { id: 'i', reference: nasty, name: nasty },
          verdict: 'refused',
          findings: [
            finding('no-owner', 'high'),
            finding('no-owner', 'high'),
            finding('review-due', 'warning'),
          ],
          policy: { name: nasty, version: 1, hash: 'ab' },
          matrixHash: null,
          evidence: [],
        },
      ],
      'junit',
    );
    type Node = { getAttribute(name: string): string | null; textContent: string };
    type Xml = { querySelectorAll(selector: string): Iterable<Node> };
    const read = await page.evaluate((xml) => {
      const { DOMParser } = globalThis as unknown as {
        DOMParser: new () => { parseFromString(text: string, type: string): Xml };
      };
      const document = new DOMParser().parseFromString(xml, 'application/xml');
      const all = (selector: string) => [...document.querySelectorAll(selector)];
      return {
        errors: all('parsererror').map((one) => one.textContent),
        suites: all('testsuites > testsuite').map((one) => [
          one.getAttribute('tests'),
          one.getAttribute('failures'),
        ]),
        cases: all('testsuite > testcase').length,
        failures: all('testcase > failure').map((one) => one.textContent),
        warnings: all('testcase > system-out').length,
      };
    }, text);
    expect(read).toMatchObject({ errors: [], failures: [expect.any(String)], warnings: 1 });
    expect(read.suites).toEqual([[String(read.cases), '1']]);
    expect(read.failures[0]).toContain('a <b> & "c" \'d\' ]]>');
  });
});
