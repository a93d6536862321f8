import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { CanariesService } from '../../src/domain/revocation/canaries.service.ts';
import { newId } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { BY, RevocationScene } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier } from '../support/scripted-supplier.ts';
import { afresh, Console } from './console.ts';

/** A drill in which things go wrong, from its form to what it showed, at a supplier that answers. */

const supplier = new ScriptedSupplier(datadog);
let site: Console;
let page: Page;
let scene: RevocationScene;
let credential: string;
let party: string;

beforeAll(async () => {
  await supplier.start();
  site = await Console.start({ outboundAllow: [supplier.hostPort], queue: 'off' });
  scene = new RevocationScene(site.world.app);
  const partyId = await scene.party();
  party = 'PTY-2026-0901';
  await scene.query(`UPDATE party SET reference = $2, name = 'Northwind' WHERE id = $1`, [partyId, party]);
  const connectionId = await scene.connection(partyId, 'datadog', supplier, {
    canary: supplier.issue('control'),
  });
  const version = await scene.version(partyId, null, supplier.issue('real'));
  credential = 'CRD-2026-0901';
  await scene.query(`UPDATE credential SET reference = $2 WHERE id = $1`, [version.credentialId, credential]);
  await scene.query(
    `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, party_id) VALUES ($1, $2, $3, 1, 'connector', $4, $5)`,
    [newId(), version.credentialId, version.integrationId, connectionId, partyId],
  );
  for (const name of ['first', 'second']) {
    const { id, value } = supplier.issue(name);
    const added = await site.world.app
      .get(CanariesService)
      .add(connectionId, { label: name, supplierId: id, value }, BY);
    expectOk(added);
  }
  const rita = await site.account('Rita', 'responder');
  page = await site.browser.page();
  await site.signIn(page, rita.email, '/');
}, 120_000);
afterAll(async () => {
  await site?.close();
  await supplier.stop();
});

async function ended(): Promise<void> {
  await site.until(async () => {
    site.world.clock.advance(500);
    return (await scene.query(`SELECT FROM drill WHERE ended_at IS NULL`)).length === 0;
  });
}

test('what may go wrong is chosen in plain words, and what came of it is read', async () => {
  await page.goto(`${site.url}/credentials/${credential}/drills`);
  // Its supplier makes credentials by machine: rotating is offered.
  expect(await page.locator('[name=runbook]').count()).toBe(1);
  await page.click('text=Make something go wrong');
  await page.check('[name=response-lost]');
  await page.check('[name=supplier-rejects-reauthentication]');
  await site.judge(page, 'drills-form');
  await page.click('text=Drill this path');
  expect(await page.locator('main').innerText()).toMatch(/A drill of this path is under way/);
  await ended();
  await afresh(page);
  const shown = await page.locator('main').innerText();
  expect(shown).toMatch(/passed/);
  expect(shown).toMatch(/held[\s\S]*The answer is lost[\s\S]*was not revoked a second time/);
  expect(shown).toMatch(/The supplier refused twice and asked for 2 s of rest\. Nobody asked before/);
  await page.click('text=What happened, in order');
  expect(await page.locator('.timeline').innerText()).toMatch(/Made to go wrong: the answer is lost/);
  await site.judge(page, 'drills-shown');

  await page.click('text=Make something go wrong');
  await page.check('[name=invalid-new-secret]');
  await page.click('text=Drill this path');
  await ended();
  await page.goto(`${site.url}/parties/${party}`);
  expect(await page.locator('#drills').innerText()).toMatch(
    /of the product, not of the path[\s\S]*nothing was revoked[\s\S]*was not revoked a second time/,
  );
  await site.judge(page, 'drills-party');
  expect(supplier.revokesOf('second')).toBe(0);
}, 120_000);
