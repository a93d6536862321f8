import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { SignalPeer } from '../support/signal-peer.ts';
import { afresh, Console } from './console.ts';
import { portfolioScene } from './scene.ts';

let site: Console;
let page: Page;
let peer: SignalPeer;

beforeAll(async () => {
  peer = await SignalPeer.start();
  site = await Console.start({ outboundAllow: [peer.host] });
  await portfolioScene(site.scene);
  const { email } = await site.account('Olga', 'admin', 'responder');
  page = await site.browser.page();
  await site.signIn(page, email, '/parties/PTY-2026-0002');
}, 120_000);
afterAll(async () => {
  await site.close();
  await peer.close();
});

test('an endpoint is added, tried, rotated; its log says what was answered, and one message is sent again', async () => {
  await page.getByRole('link', { name: 'Signals' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Identity hub');
  await page.getByLabel('Address', { exact: true }).fill(`${peer.url}/hook?code=hiddenhiddenhidden`);
  await page.getByRole('button', { name: 'Add it' }).click();
  // Refused: nothing is subscribed to. What was typed stays.
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Identity hub');
  site.browser.complaints.length = 0; // the browser reports the 422 itself
  await site.judge(page, 'signals-new');
  await page.getByLabel(/^credential\.dead/).check();
  await page.getByLabel(/^case\.opened/).check();
  await page.getByRole('button', { name: 'Add it' }).click();
  const shown = await page.locator('main').innerText();
  expect(shown).toMatch(/whsec_/);
  const secret = /whsec_\S+/.exec(shown)![0];
  await page.getByRole('link', { name: 'It is kept' }).click();
  await page.getByRole('heading', { level: 1, name: /Identity hub/ }).waitFor();
  expect(await page.content()).not.toContain(secret);
  expect(await page.content()).not.toContain('hiddenhidden');

  peer.answer(500, {}, 'out of order');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await site.until(async () => {
    await afresh(page);
    return (await page.locator('#log').innerText()).includes('out of order');
  });
  await site.judge(page, 'signals-endpoint');
  // The third failure in a row opens the circuit: what waits, since when, and when it is tried next.
  for (const times of [2, 3]) {
    await page.getByRole('button', { name: 'Send a test' }).click();
    await site.until(() => Promise.resolve(peer.received.length === times));
  }
  await site.until(async () => {
    await afresh(page);
    return (await page.locator('#circuit').count()) === 1;
  });
  expect(await page.locator('h1').innerText()).toContain('does not answer, on hold');
  expect(await page.locator('#circuit').innerText()).toMatch(
    /since .* 3 messages wait together, and one tries the endpoint/,
  );
  expect(await page.locator('#log').innerText()).toContain('on hold, not before');
  await site.judge(page, 'signals-circuit');
  peer.answer(204);
  await page.getByRole('button', { name: 'Send again' }).first().click();
  await site.until(async () => {
    await afresh(page);
    const [log, standing] = [page.locator('#log'), page.locator('h1')];
    return (
      (await log.innerText()).includes('taken') && (await standing.innerText()).includes('answers normally')
    );
  });
  expect(new Set(peer.received.map((one) => one.headers['webhook-id'])).size).toBe(3);
  await page.getByLabel('New key').selectOption('v1a');
  await page.getByRole('button', { name: 'Rotate the key' }).click();
  expect(await page.locator('main').innerText()).toMatch(/whpk_/);
  await page.getByRole('link', { name: 'It is kept' }).click();
  expect(await page.locator('#keys li').count()).toBe(2);
  await page.getByRole('form', { name: 'Retire key 2' }).getByRole('button').click();
  expect(await page.locator('#keys li').count()).toBe(1);
  await site.judge(page, 'signals-log');
  await page.getByRole('button', { name: 'End it' }).click();
  expect(await page.locator('main').innerText()).toContain('Nothing is sent anywhere yet.');
}, 180_000);
