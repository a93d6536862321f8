import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import { SECOND } from '../../src/kernel/time.ts';
import { until } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';
import { Console } from './console.ts';

let site: Console;
let gate: GateScene;
let page: Page;
let path: string;

beforeAll(async () => {
  site = await Console.start();
  gate = await GateScene.set(site.world, (text) => text.replace('riskTier: 2', 'riskTier: 4'));
  path = `${site.url}/integrations/${gate.reference}`;
  page = await site.browser.page();
  await site.signIn(page, (await site.account('Vera', 'vendor_risk')).email, '/gate');
}, 120_000);
afterAll(() => site.close());

/** What was refused on purpose is no complaint. */
const meant = () => void (site.browser.complaints.length = 0);
const main = (of: Page) => of.locator('main').innerText();
/** Time goes on, what changed is looked at, and the page is loaded anew until it says so. */
async function comes(of: Page, says: RegExp): Promise<void> {
  await until(
    async () => {
      site.world.clock.advance(6 * SECOND);
      await site.world.app.get(ReEvaluationSweep).sweep(gate.by);
      await of.reload();
      return says.test(await main(of));
    },
    `the page to say ${String(says)}`,
    30_000,
    300,
  );
}

describe('the way into production', () => {
  test('is started with a reason, on the fast path with its control, and says what each step waits for', async () => {
    await page.goto(path);
    await page.getByRole('link', { name: 'Onboarding', exact: true }).click();
    await site.judge(page, 'onboarding-none');
    expect(await main(page)).toContain('It was never onboarded here.');
    await page.getByLabel('Why it is wanted').fill('The shop sells again');
    await page.getByLabel('Fast path, for the lowest tier').check();
    await page.getByRole('button', { name: 'Start the onboarding' }).click();
    await comes(page, /Paylane Payments whom you know confirm/);
    await comes(page, /Its use and its scopes are looked at every month/);
    await site.judge(page, 'onboarding');
    await page.goto(`${path}/gate`);
    expect(await main(page)).toMatch(/came by the fast path. Instead: Its use and its scopes/);
  });

  test('a partner is verified by name; a contact is asked to confirm', async () => {
    await page.goto(`${path}/onboarding`);
    await page.getByRole('form', { name: 'Ask Incident desk' }).getByRole('button').click();
    expect(await main(page)).toMatch(/Asked with notice NTC-/);
    // Whoever asked for the onboarding is not the one who says who its partner is.
    const record = async () => {
      await page.getByLabel('In one sentence, with your name').fill('Checked the register entry');
      await page.getByRole('button', { name: 'Record the verification' }).click();
      return page.locator('#partners').innerText();
    };
    expect(await record()).toContain('not verified');
    meant();
    const as = async (email: string) => {
      await page.context().clearCookies();
      await site.signIn(page, email, '/gate');
      await page.goto(`${path}/onboarding`);
    };
    await as((await site.account('Vito', 'vendor_risk')).email);
    expect(await record()).toContain('Checked the register entry');
    await as('vera@aurora.example');
    await comes(page, /needs somebody\s+Admit the request/);
  });

  test('whoever asked cannot admit it; somebody else can, and decides on scopes on the way', async () => {
    await page.getByRole('link', { name: 'answer', exact: true }).click();
    expect(await main(page)).toMatch(/cannot (approve|decide)|second person|somebody else/i);
    expect(await page.getByRole('button', { name: /Approve/ }).count()).toBe(0);
    await page.context().clearCookies();
    await site.signIn(page, (await site.account('Adele', 'admin')).email, '/gate');
    await page.goto(`${path}/onboarding`);
    const scope = page.locator('#scopes');
    await scope.getByLabel('What it is needed for').fill('');
    await scope.getByRole('button', { name: 'It is needed' }).click();
    expect(await main(page)).toContain('Say what the scope is needed for');
    meant();
    await site.judge(page, 'onboarding-refused');
    await page.locator('#scopes').getByLabel('What it is needed for').fill('The shop takes payments');
    await page.locator('#scopes').getByRole('button', { name: 'It is needed' }).click();
    expect(await page.locator('#scopes').innerText()).toMatch(/justified[\s\S]*said by Adele/);
  });
});

describe('drills', () => {
  test('say what is missing, take a canary, and never show its value', async () => {
    const [credential] = await gate.query<{ reference: string }>(`SELECT reference FROM credential`);
    await page.goto(`${site.url}/credentials/${credential!.reference}`);
    await page.getByRole('link', { name: 'Drills' }).click();
    await site.judge(page, 'drills');
    // What would be refused is not offered; what is missing stands in its place.
    expect(await page.getByRole('form', { name: 'Drill Paylane', exact: false }).count()).toBe(0);
    expect(await main(page)).toMatch(/No canary is ready for Paylane|cannot be used/);
    const form = page.getByRole('form', { name: 'Record a canary' }).first();
    await form.getByLabel('Name at the supplier').fill('Trial token');
    await form.getByRole('button', { name: 'Record it' }).click();
    expect(await main(page)).toContain('Give its value, the supplier’s id, or both.');
    meant();
    const again = page.getByRole('form', { name: 'Record a canary' }).first();
    await again.getByLabel('Its value').fill('trial-value-0123456789');
    await again.getByRole('button', { name: 'Record it' }).click();
    expect(await main(page)).toMatch(/1 canaries ready|1 canary ready/);
    expect(await page.content()).not.toContain('trial-value-0123456789');
    await site.judge(page, 'drills-with-canary');
  });
});

describe('the way out', () => {
  test('takes it out of production at once, and says what holds it open', async () => {
    await page.goto(`${path}/offboarding`);
    await site.judge(page, 'offboarding-none');
    await page.getByLabel('Why it ends').fill('The contract ended');
    await page.getByRole('button', { name: 'Start the offboarding' }).click();
    expect(await main(page)).toContain('It is out of production.');
    expect(await main(page)).toMatch(/nobody has looked whether it lives/);
    await site.judge(page, 'offboarding');
  });
});
