import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Console } from './console.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

/** One item of work of every kind, and where each of its links leads. */

let site: Console;
let page: Page;
let ids: PortfolioScene;
let made: IncidentScene;
let rita: { email: string; userId: string };

/** A step that waits for somebody, like one of the incident's, in a run about something else. */
async function waits(title: string, runbook: string, subject: { kind: string; id: Id }): Promise<Id> {
  const [run, step] = [newId(), newId()];
  const { client } = site.scene;
  await client.query(`INSERT INTO run SELECT (jsonb_populate_record(r, $2)).* FROM run r WHERE id = $1`, [
    made.run,
    { id: run, runbook, title, subject_kind: subject.kind, subject_id: subject.id },
  ]);
  await client.query(
    `INSERT INTO run_node SELECT (jsonb_populate_record(n, $2)).* FROM run_node n WHERE run_id = $1`,
    [made.run, { run_id: run, title }],
  );
  await client.query(
    `INSERT INTO step SELECT (jsonb_populate_record(s, $2)).* FROM step s WHERE run_id = $1 AND state = 'parked' ORDER BY id LIMIT 1`,
    [made.run, { id: step, run_id: run, owner_role: 'responder', owner_contact_id: null }],
  );
  return run;
}

async function review(reviewer: Id): Promise<Id> {
  const { scene } = site;
  const [id, part, item] = [newId(), newId(), newId()];
  await scene.put('access_review', {
    id,
    reference: 'ARV-2026-0007',
    cause: 'by_hand',
    reason: 'Before the audit',
    opened_by: 'test',
    opened_at: scene.ago(HOUR),
  });
  await scene.put('access_review_part', {
    id: part,
    review_id: id,
    integration_id: ids.billing,
    reviewer_person_id: reviewer,
    reason_to_keep: false,
    zone: 'UTC',
    remind_at: new Date(scene.now + HOUR),
    escalate_at: new Date(scene.now + 2 * HOUR),
    due_at: new Date(scene.now + 3 * HOUR),
    listed_at: scene.ago(HOUR),
    items: 1,
  });
  await scene.put('access_review_item', {
    id: item,
    review_id: id,
    part_id: part,
    number: 1,
    credential_id: ids.credentials.live,
    subject_kind: 'contact',
    subject_id: ids.contacts.piet,
    basis: 'path',
    access: ['revoke'],
  });
  return item;
}

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
  rita = await site.account('Rita', 'responder');
  const asker = await site.account('Enno', 'integration_engineer');
  const { scene } = site;
  const personOf = async (userId: string) =>
    (
      await scene.client.query<{ person_id: Id }>(`SELECT person_id FROM user_account WHERE id = $1`, [
        userId,
      ])
    ).rows[0]!.person_id;
  await site.until(async () => {
    const { rows } = await scene.client.query(`SELECT FROM step WHERE run_id = $1 AND state = 'parked'`, [
      made.run,
    ]);
    return rows.length >= 3;
  });
  const rotation = newId();
  await scene.put('rotation', {
    id: rotation,
    reference: 'ROT-2026-0007',
    credential_id: ids.credentials.live,
    integration_id: ids.billing,
    old_version_id: ids.versions.live,
    recipe: 'rotation',
    made_by: 'person',
    old_fate: 'stays',
    overlap_seconds: 0,
    overlap_most_seconds: 0,
    reason: 'the month is over',
    requested_by: 'test',
    opened_at: scene.ago(HOUR),
  });
  const { rows: paths } = await scene.client.query<{ id: Id }>(
    `SELECT id FROM revocation_path WHERE credential_id = $1 LIMIT 1`,
    [ids.credentials.shared],
  );
  await waits('Of a rotation', 'rotation', { kind: 'rotation', id: rotation });
  const drill = await waits('Of a drill', 'drill', { kind: 'revocation_path', id: paths[0]!.id });
  await scene.put('drill', {
    id: newId(),
    revocation_path_id: paths[0]!.id,
    run_id: drill,
    started_at: scene.ago(HOUR),
  });
  const billing = { kind: 'integration', id: ids.billing };
  await waits('Of a way in', 'onboarding', billing);
  await waits('Of a way out', 'offboarding', billing);
  const item = await review(await personOf(rita.userId));
  await waits('Of access that goes', 'access-removal', { kind: 'access_review_item', id: item });
  await scene.put('temporary_permission', {
    id: newId(),
    user_id: asker.userId,
    person_id: await personOf(asker.userId),
    permission: 'credentials:reveal',
    subject_kind: 'credential',
    subject_id: ids.credentials.live,
    reason: 'The supplier asks which key it is.',
    minutes: 60,
    asked_at: scene.ago(HOUR),
  });
  page = await site.browser.page();
  page.setDefaultTimeout(8000);
  await site.signIn(page, rita.email, '/work');
}, 120_000);
afterAll(() => site.close());

const asks = (title: string) => page.locator('.asks > li').filter({ hasText: title }).first();

/** Follows a link of a list of work, to a page that is there. @returns what the page says */
async function follow(list: string, linkIn: () => Locator, leads: RegExp): Promise<string> {
  await page.goto(`${site.url}${list}`);
  const path = await linkIn().getAttribute('href');
  expect(path).toMatch(leads);
  const answer = page.waitForResponse((response) => new URL(response.url()).pathname === path!.split('?')[0]);
  await linkIn().click();
  expect((await answer).status()).toBe(200);
  await page.waitForURL(`${site.url}${path}`);
  return page.locator('main').innerText();
}

test.each([
  ['Of a rotation', /^\/credentials\/CRD-2026-0001$/, /Ledger write key/],
  ['Of a drill', /^\/credentials\/CRD-2026-0002\/drills$/, /Ledger read key[^]*drill/i],
  ['Of a way in', /^\/integrations\/INT-2026-0001\/onboarding$/, /Billing export to Northwind/],
  ['Of a way out', /^\/integrations\/INT-2026-0001\/offboarding$/, /Billing export to Northwind/],
  ['Of access that goes', /^\/access-reviews\/ARV-2026-0007$/, /Before the audit/],
  ['Approve the revocation', /^\/incidents\/INC-2026-0007$/, /Ledger keys in a public repository/],
])('“%s” leads to what it is about', async (title, leads, says) => {
  const text = await follow('/work?show=parked', () => asks(title).locator('.what a'), leads);
  expect(text).toMatch(says);
});

test('every item leads to its own step, and back to the list that it was on', async () => {
  const list = '/work?show=parked';
  await page.goto(`${site.url}${list}`);
  const titles = await page.locator('.asks > li .what b').allInnerTexts();
  const items = titles.length;
  expect(items).toBeGreaterThanOrEqual(8);
  for (let at = 0; at < items; at += 1) {
    const link = () => page.locator('.asks > li').nth(at).locator('.acts a');
    expect(await follow(list, link, /^\/steps\/[0-9a-f-]{36}\?back=%2Fwork%3Fshow%3Dparked$/)).toContain(
      titles[at],
    );
  }
});

test('a notice that has not arrived leads to itself, and to whom to call', async () => {
  const notice = () => page.locator('#notices li').filter({ hasText: 'NTC-2026-0003' });
  const list = '/work?show=stuck';
  const link = (name: RegExp) => () => notice().getByRole('link', { name });
  expect(await follow(list, link(/^NTC/), /^\/notices\/NTC-2026-0003$/)).toContain('NTC-2026-0003');
  expect(await follow(list, link(/^Call/), /^\/notices\/NTC-2026-0003\/call$/)).toContain('NTC-2026-0003');
});

test('a review and a release that wait for the reader lead to them', async () => {
  const reviewed = () => page.getByRole('link', { name: 'ARV-2026-0007', exact: true });
  expect(await follow('/work', reviewed, /^\/access-reviews\/ARV-2026-0007$/)).toContain('Before the audit');
  const released = () => page.getByRole('link', { name: '1 release of a value waits for you' });
  expect(await follow('/work', released, /^\/releases$/)).toContain('The supplier asks which key it is.');
});

test('each list leads to the others, and what is about one incident to all', async () => {
  const tab = (name: RegExp) => () =>
    page.getByRole('navigation', { name: 'Work' }).getByRole('link', { name });
  await follow('/work?show=stuck', tab(/^For me/), /^\/work$/);
  await follow('/work', tab(/^For anybody/), /^\/work\?show=parked$/);
  await follow('/work', tab(/^Failed and stalled/), /^\/work\?show=stuck$/);
  await page.goto(`${site.url}/work?show=parked&incident=INC-2026-0007`);
  expect(await asks('Of a rotation').count()).toBe(0);
  expect(await asks('Approve the revocation').count()).toBe(1);
  const all = () => page.locator('main a[href="/work?show=parked"]').last();
  await follow('/work?show=parked&incident=INC-2026-0007', all, /^\/work\?show=parked$/);
  expect(await asks('Of a rotation').count()).toBe(1);
});

test('an incident is named, and no link, to somebody who may not open it', async () => {
  await site.browser.context.clearCookies();
  await site.signIn(page, 'enno@aurora.example', '/work?show=parked');
  const ask = asks('Approve the revocation');
  expect(await ask.innerText()).toContain('INC-2026-0007');
  expect(await ask.locator('.what a').count()).toBe(0);
  // Of what is linked, nothing is refused.
  for (const title of ['Of a rotation', 'Of a drill', 'Of a way in', 'Of a way out', 'Of access that goes'])
    await follow('/work?show=parked', () => asks(title).locator('.what a'), /^\//);
});
