import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ReleaseScene, type Scene } from '../support/release-scene.ts';
import { Console, PASSWORD } from './console.ts';

let site: Console;
let scene: ReleaseScene;
let at: Scene;
let page: Page;
let value: string;
const secret = 'shown-for-a-minute-0123456789';
const reason = 'The supplier asks which key signed their request.';

beforeAll(async () => {
  site = await Console.start();
  scene = await ReleaseScene.set(site.world);
  at = await scene.integration({ value: secret });
  const machine = await scene.machine(at);
  await scene.grant(machine, at);
  await machine.open(at);
  await scene.machine(at, { approve: false, environment: 'staging' });
  value = `/credentials/CRD-2026-${at.reference.slice(-4)}/value`;
  await site.account('Enno', 'integration_engineer');
  await site.account('Vera', 'vendor_risk');
  page = await site.browser.page();
  page.setDefaultTimeout(8000);
}, 120_000);
afterAll(() => site.close());

const main = () => page.locator('main').innerText();
async function as(name: string, path: string): Promise<void> {
  await page.context().clearCookies();
  await site.signIn(page, `${name}@aurora.example`, path);
}

test('who holds a value, and which machines may', async () => {
  await as('vera', `/integrations/${at.reference}/machines`);
  expect(await main()).toMatch(/billing worker[^]*waits for approval/);
  expect(await main()).toContain('1 value is out');
  await site.judge(page, 'machines');
});

test('a value is asked for, given by somebody else, and shown for a minute', async () => {
  await as('enno', value);
  expect(await main()).toContain('••••');
  await site.judge(page, 'value');
  await page.getByLabel('Why you have to see it').fill(reason);
  await page.getByRole('button', { name: 'Ask to see it' }).click();
  expect(await main()).toContain('Somebody else has to give it');
  await as('vera', '/releases');
  expect(await main()).toContain(reason);
  await site.judge(page, 'releases');
  await page.getByRole('button', { name: 'Give it' }).click();
  await as('enno', value);
  await page.getByLabel('Why you see it').fill(reason);
  await page.getByLabel('Your password, again').fill(PASSWORD);
  await site.judge(page, 'value-given');
  await page.clock.install();
  await page.getByRole('button', { name: 'Show it for a minute' }).click();
  await page.getByText(secret).waitFor();
  await page.clock.runFor(61_000);
  expect(await page.content()).not.toContain(secret);
});
