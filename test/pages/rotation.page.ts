import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { settingOf } from '../../src/domain/rotation/settings.queries.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { NOWHERE } from '../../src/domain/usage/write-usage.ts';
import { until } from '../support/app.ts';
import { IssuingSupplier } from '../support/issuing-supplier.ts';
import { BY } from '../support/revocation-scene.ts';
import { RotationScene, type Slot } from '../support/rotation-scene.ts';
import { ScriptedSupplier } from '../support/scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';
import { afresh, Console } from './console.ts';

/** The value of version 2. */
let issued: string;
let supplier: IssuingSupplier;
const kv = new ScriptedKv();
let vault: ScriptedSupplier;
let site: Console;
let scene: RotationScene;
let page: Page;
let slot: Slot;

beforeAll(async () => {
  supplier = await new IssuingSupplier().start();
  vault = await new ScriptedSupplier(kv).start();
  site = await Console.start({ outboundAllow: [supplier.hostPort, vault.hostPort], queue: 'off' });
  scene = new RotationScene(site.world, supplier);
  await scene.preset('issuing', 'adds');
  slot = await scene.slot(await scene.party(), 'issuing');
  await scene.query(`UPDATE credential SET reference = 'CRD-2026-7001', name = 'Shop key' WHERE id = $1`, [
    slot.credentialId,
  ]);
  await scene.location(slot, 'scan', 'Deploy pipeline');
  page = await site.browser.page();
  await site.signIn(page, (await site.account('Ines', 'integration_engineer')).email, '/rotations');
}, 120_000);
afterAll(async () => {
  await site.close();
  await supplier.stop();
  await vault.stop();
});

const main = () => page.locator('main').innerText();
const comes = (says: RegExp) =>
  until(
    async () => {
      site.world.clock.advance(2000);
      await afresh(page);
      return says.test(await main());
    },
    `the page to say ${String(says)}`,
    60_000,
    300,
  );

test('a simulation says what is known and what is not, and starts a rotation', async () => {
  await scene.query(
    `INSERT INTO usage_seen (version_id, location_id, feed_key, credential_id, integration_id, first_at, last_at, last_accepted_at, uses)
     VALUES ($1, $4, $4, $2, $3, $5, $5, $5, 20000)`,
    [slot.versionId, slot.credentialId, slot.integrationId, NOWHERE, site.world.clock.date()],
  );
  await page.goto(`${site.url}/credentials/CRD-2026-7001/rotation`);
  expect(await main()).toMatch(
    /20000 uses were reported from no place on record[\s\S]*It is not known what breaks/,
  );
  expect(await main()).toMatch(/Nothing is changed by looking/);
  expect(await main()).toMatch(/Deploy pipeline[\s\S]*not known/);
  await site.judge(page, 'rotation-simulation');
  await page.getByLabel('Hours in which both work').fill('48');
  await page.getByLabel('Why', { exact: true }).fill('Due this month');
  await page.getByRole('button', { name: 'Rotate it' }).click();
  await comes(/being put in place/);
});

test('a place is answered for; both versions are shown with the end of the old one, which can be cut', async () => {
  await site.judge(page, 'rotation-places');
  await page
    .getByRole('form', { name: 'What Deploy pipeline holds' })
    .getByRole('button', { name: 'Leave it' })
    .click();
  expect(await main()).toContain('Say why the place is left');
  site.browser.complaints.length = 0;
  await page
    .getByRole('form', { name: 'What Deploy pipeline holds' })
    .getByRole('button', { name: 'It holds version 2' })
    .click();
  await comes(/Both work\. The old one has/);
  await site.judge(page, 'rotation-overlap');
  await page.getByText('Cut the overlap').click();
  await page.getByLabel('Why it can end now').fill('Everybody has it');
  await page.getByRole('button', { name: 'End the old version now' }).click();
  await comes(/old version: dead/);
  expect(slot.old.live).toBe(false);
  await site.judge(page, 'rotation-done');
  await page.goto(`${site.url}/rotations`);
  expect(await main()).toMatch(/ROT-\d{4}-\d+/);
  await site.judge(page, 'rotations');
  issued = supplier.keys.at(-1)!.value;
  expect(await page.content()).not.toContain(issued);
});

test('a rotation by hand shows the step that waits for a person, with the way to it', async () => {
  const byHand = await scene.slot(await scene.party(), 'issuing');
  const id = await scene.start(byHand, { recipe: 'rotation-manual' });
  const { reference } = await scene.view(id);
  await page.goto(`${site.url}/rotations/${reference}`);
  await comes(/Waits for a person now[\s\S]*Make the new version at the supplier/);
  expect(await page.locator('.asks a[href^="/steps/"]').count()).toBe(1);
  await site.judge(page, 'rotation-waits');
  // A version of which nobody knows the value: whoever entered it does not say alone that it works.
  const entered = page.getByRole('form', { name: 'Enter the new version' });
  await entered.getByLabel('The supplier’s id').fill('key_typed');
  await entered.getByRole('button', { name: 'Enter it' }).click();
  await comes(/being validated/);
  expect(await main()).toContain('A second person has to use it');
  expect(await page.getByRole('button', { name: 'It works' }).count()).toBe(0);
  await site.judge(page, 'rotation-second-person');
});

test('a new version that a machine saw refused is shown in red, whatever a person says of it', async () => {
  const byHand = await scene.slot(await scene.party(), 'issuing');
  const id = await scene.start(byHand, { recipe: 'rotation-manual' });
  const { reference } = await scene.view(id);
  await scene.once(id, ({ state }) => state === 'creating');
  expectOk(await scene.words.enterVersion(id, { supplierId: 'key_x', value: 'mistyped-value-1' }, BY));
  await scene.once(id, ({ issues }) => issues.some(({ state }) => state === 'refused'));
  await page.goto(`${site.url}/rotations/${reference}`);
  expect(await main()).toMatch(
    /The new version was refused when a machine looked: version 2 is not accepted/,
  );
  expect(await main()).toMatch(/seen to work\s+refused/);
  await site.judge(page, 'rotation-correct');
  const correct = page.getByRole('form', { name: 'Correct its value' });
  await correct.getByLabel('Its value').fill('mistyped-value-2');
  await correct.getByRole('button', { name: 'Correct it' }).click();
  await page.getByText('The new version is on record.').waitFor({ timeout: 10_000 });
  // Whoever corrected it has entered it.
  expect(await main()).toContain('A second person has to use it');
  expectOk(await scene.words.confirmWorks(id, { note: 'I think so' }, BY));
  await afresh(page);
  expect(await main()).toMatch(/seen to work\s+refused, against a person’s word/);
  expect(await correct.count()).toBe(0);
  expect(await page.content()).not.toContain('mistyped-value');
  await site.judge(page, 'rotation-refused');
});

test('when and how an integration is rotated is set in words, and comes back as it was said', async () => {
  await scene.query(`UPDATE integration SET reference = 'ITG-2026-7001' WHERE id = $1`, [slot.integrationId]);
  await page.goto(`${site.url}/integrations/ITG-2026-7001/rotation`);
  await page.getByLabel('Maintenance windows').fill('Mon 22:00 to 23:00');
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await main()).toContain('is not like');
  expect(await page.getByLabel('Maintenance windows').inputValue()).toBe('Mon 22:00 to 23:00');
  site.browser.complaints.length = 0;
  await page.getByLabel('When a credential is due').selectOption('yes');
  await page.getByLabel('How many days before').fill('14');
  await page.getByLabel('How many hours both versions work').fill('72');
  await page.getByLabel('Maintenance windows').fill('mon, Tue 22:00-02:00\ndaily 01:00-03:00');
  await page.getByLabel('Their time zone').fill('Europe/Zurich');
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await main()).toContain('Saved');
  expect(await page.getByLabel('Maintenance windows').inputValue()).toBe(
    'Mon Tue 22:00-02:00\ndaily 01:00-03:00',
  );
  const set = await scene.transactions.run(BY, (db) => settingOf(db, slot.integrationId));
  expect(set).toMatchObject({ automatic: true, leadDays: 14, overlapHours: 72, zone: 'Europe/Zurich' });
  await site.judge(page, 'rotation-setting');
});

test('how often a credential is rotated stands there with what decides it, and is set and cleared', async () => {
  const address = `${site.url}/integrations/ITG-2026-7001/rotation`;
  await page.goto(address);
  const [policy] = await scene.query<{ risk: number }>(`SELECT risk FROM credential WHERE id = $1`, [
    slot.credentialId,
  ]);
  expect(policy!.risk).toBeLessThan(700);
  const form = page.getByRole('form', { name: 'Its own interval: Shop key' });
  for (const [typed, said] of [
    ['0', 'This must be'],
    ['4000', 'This must be'],
  ] as const) {
    await form.getByLabel('Every so many days').fill(typed);
    await form.getByRole('button', { name: 'Set it' }).click();
    expect(await main()).toContain(said);
    expect(await form.getByLabel('Every so many days').inputValue()).toBe(typed);
  }
  site.browser.complaints.length = 0;
  await form.getByLabel('Every so many days').fill('20');
  await form.getByRole('button', { name: 'Set it' }).click();
  expect(await main()).toMatch(/Shop key: every 20 days\.[\s\S]*its own interval\s+every 20 days/);
  await scene.query(`UPDATE credential SET risk = 950 WHERE id = $1`, [slot.credentialId]);
  await afresh(page);
  expect(await main()).toMatch(
    /its own interval and its risk\s+every 20 days, shortened to 50 % by its risk of 950/,
  );
  const [since] = await scene.query<{ at: Date }>(
    `SELECT activated_at AS at FROM credential_version WHERE credential_id = $1 AND phase = 'active'`,
    [slot.credentialId],
  );
  const due = new Date(since!.at.getTime() + 10 * 86_400_000).toISOString();
  expect(await main()).toContain(`by ${due.slice(0, 10)} ${due.slice(11, 19)} UTC`);
  await site.judge(page, 'rotation-cadence');
  await form.getByLabel('Every so many days').fill('');
  await form.getByRole('button', { name: 'Set it' }).click();
  expect(await main()).toContain('Shop key has no interval of its own any more.');
  const [now] = await scene.query(`SELECT rotate_every_days AS days FROM credential WHERE id = $1`, [
    slot.credentialId,
  ]);
  expect(now).toEqual({ days: null });
  // Somebody who may not change the portfolio sees the same without the form.
  await page.context().clearCookies();
  const rita = await site.account('Rita', 'responder');
  await site.signIn(page, rita.email, '/integrations/ITG-2026-7001/rotation');
  expect(await main()).toMatch(/Shop key[\s\S]*at most 90 days old by the policy/);
  expect(await page.getByRole('button').allInnerTexts()).toEqual(['Sign out', 'Save']);
});

test('which entry of which store a copy is is set, looked at without showing a value, and removed', async () => {
  const [copy] = await scene.query<{ id: string; partyId: string }>(
    `SELECT id, party_id AS "partyId" FROM location WHERE credential_id = $1`,
    [slot.credentialId],
  );
  const auth = { auth: { token: OUR_TOKEN } };
  const at = { baseUrl: vault.baseUrl, dialect: kv };
  await scene.connection(copy!.partyId, 'vault-kv-copy', at, auth);
  await page.context().clearCookies();
  await site.signIn(page, (await site.account('Vera', 'admin')).email, '/credentials/CRD-2026-7001');
  await page.getByRole('link', { name: 'in no store' }).click();
  await page.waitForURL(/\/store$/);
  const form = page.getByRole('form', { name: 'Where it lies' });
  expect(await form.getByLabel('Store').locator('option').allInnerTexts()).toHaveLength(2);
  await form.getByLabel('Store').selectOption({ index: 1 });
  await form.getByLabel('Entry').fill('../../sys/leases');
  await form.getByRole('button', { name: 'Save' }).click();
  expect(await main()).toContain('The entry is no path of a KV engine. Write it without the mount');
  await form.getByLabel('Entry').fill('apps/shop');
  await form.getByRole('button', { name: 'Save' }).click();
  expect(await main()).toContain('a KV entry has several');
  site.browser.complaints.length = 0;
  await form.getByLabel('Field').fill('api_key');
  await form.getByRole('button', { name: 'Save' }).click();
  expect(await main()).toMatch(/apps\/shop[\s\S]*yes\s+when the credential is rotated/);

  const look = () => page.getByRole('button', { name: 'Look at it now' }).click();
  await look();
  expect(await main()).toContain('The store has nothing there.');
  kv.paths.set('apps/shop', [
    { data: { api_key: 'sk_of_somebody_else_1234' }, deletedAt: '', destroyed: false },
    { data: { api_key: issued }, deletedAt: '', destroyed: false },
  ]);
  await look();
  expect(await main()).toContain(
    'Looked, by fingerprints: version 2, which readers get, is version 2 of this credential; version 1 is another value.',
  );
  expect(await page.content()).not.toContain(issued);
  await site.judge(page, 'copy-store');
  await vault.stop();
  await look();
  expect(await main()).toContain('It could not be read: ');
  await page.getByRole('button', { name: 'It is no entry of a store' }).click();
  expect(await main()).toContain('No store is set');
  const kinds = await scene.query<{ kind: string }>(
    `SELECT body::json->>'kind' AS kind FROM ledger_entry WHERE body::json->'subject'->>'id' = $1 ORDER BY 1`,
    [copy!.id],
  );
  expect(kinds.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['location.store-set', 'location.store-unset']),
  );
});

test('only recipes that fit the kind of credential are offered', async () => {
  const offered = async (kind: string) => {
    await scene.query(`UPDATE credential SET kind = $2 WHERE id = $1`, [other.credentialId, kind]);
    await page.goto(`${site.url}/credentials/CRD-2026-7002/rotation`);
    const options = await page
      .getByLabel('Recipe')
      .locator('option')
      .evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value));
    return options.filter((value) => value !== '').toSorted();
  };
  const other = await scene.slot(await scene.party(), 'issuing');
  await scene.query(`UPDATE credential SET reference = 'CRD-2026-7002' WHERE id = $1`, [other.credentialId]);
  const forAll = ['rotation', 'rotation-manual', 'rotation-replacing'];
  expect(await offered('api_key')).toEqual(forAll);
  expect(await offered('certificate')).toEqual([...forAll, 'rotation-certificate'].toSorted());
  expect(await offered('webhook_secret')).toEqual([...forAll, 'rotation-webhook-secret'].toSorted());
  expect(await offered('oauth_refresh_token')).toEqual(['oauth-refresh', ...forAll]);
});
