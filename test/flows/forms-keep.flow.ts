import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { ConsoleSession, fieldsOf } from '../support/console-session.ts';
import { matrixScene, member, type MatrixScene } from '../support/matrix-scene.ts';
import { caller } from '../support/portfolio.ts';

/** Forms show lists in rows; what was stored is longer than any number of rows that somebody thought of. */
const LONG = 60;
const BY = system('test', 'test-forms');
const PASSWORD = 'correct horse battery staple';

let world: TestApp;
let session: ConsoleSession;
let staff: ReturnType<typeof caller>;
let scene: MatrixScene;
let reference: string;
let contacts: Id[];
const work = <T>(todo: (db: Db) => Promise<T>) => world.app.get(Transactions).run(BY, todo);

beforeAll(async () => {
  world = await startApp();
  scene = await matrixScene(world);
  expectOk(
    await world.app.get(AccessService).createUser(
      {
        email: 'cora@operator.example',
        name: 'Cora',
        roles: ['admin'],
        partyId: null,
        password: Secret.of(PASSWORD),
      },
      BY,
    ),
  );
  session = await ConsoleSession.signIn(world, 'cora@operator.example', PASSWORD);
  staff = caller(world, await world.token('admin'));
  contacts = Array.from({ length: 2 * LONG }, () => newId());
  await work((db) =>
    db.query(
      `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at)
       SELECT id, $2, 'Desk ' || n, 'security', 'desk' || n || '@example.test', $3, $3 FROM unnest($1::uuid[]) WITH ORDINALITY AS x (id, n)`,
      [contacts, scene.northwind, world.clock.date()],
    ),
  );
  const created = await staff('POST', '/api/v1/agreements', {
    body: { partyId: scene.northwind, title: 'Addendum' },
  });
  reference = created.body.reference;
  const edited = await staff('PATCH', `/api/v1/agreements/${created.body.id}/draft`, {
    ifMatch: 1,
    body: {
      containmentSteps: Array.from({ length: LONG }, (_, at) => ({
        step: `Step ${at} with "quotes" & signs`,
        by: at % 2 ? 'us' : 'them',
        authority: at % 3 ? null : 'revoke_now',
      })),
      terms: [
        {
          name: 'Leaks',
          direction: 'to_party',
          trigger: 'confirmed',
          startEvent: 'confirmed',
          window: { count: 24, unit: 'elapsed-hours' },
          recipients: contacts.slice(0, LONG),
          fallbackRecipients: contacts.slice(LONG),
        },
      ],
    },
  });
  expect(edited.status).toBe(200);
}, 60_000);
afterAll(() => world.close());

const content = async () =>
  work(async (db) => {
    const [row] = await db.query<{ content: { terms: object[]; containmentSteps: object[] } }[]>(
      'SELECT content FROM agreement_draft d JOIN agreement a ON a.id = d.agreement_id WHERE a.reference = $1',
      [reference],
    );
    return row!.content;
  });

describe('a form that is saved as it is shown', () => {
  test('keeps every recipient of a term, in their order', async () => {
    const [from, before] = [`/agreements/${reference}/draft/terms/0`, await content()];
    // Somebody who left since still stands in the list until somebody takes them out.
    await work((db) => db.query('UPDATE contact SET active = false WHERE id = $1', [contacts[LONG - 1]]));
    const shown = await session.sendAsShown(from, from, (fields) =>
      fields.map(([name, value]) => [name, name === 'name' ? 'Leaks of anything' : value]),
    );
    expect(shown).toMatchObject({ status: 422 }); // the domain names who is no longer active; nothing is dropped
    expect(fieldsOf(shown.html, from).filter(([, value]) => contacts.includes(value))).toHaveLength(2 * LONG);
    await work((db) => db.query('UPDATE contact SET active = true WHERE id = $1', [contacts[LONG - 1]]));
    const saved = await session.sendAsShown(from, from, (fields) =>
      fields.map(([name, value]) => [name, name === 'name' ? 'Leaks of anything' : value]),
    );
    expect(saved).toMatchObject({ status: 303 });
    expect(await content()).toEqual({
      ...before,
      terms: [{ ...before.terms[0], name: 'Leaks of anything' }],
    });
  });

  test('has blank rows for more people, more of them on request, and takes one in wherever it stands', async () => {
    const from = `/agreements/${reference}/draft/terms/0`;
    const rows = (html: string) =>
      fieldsOf(html, from).filter(([name]) => /^recipient\d+$/.test(name)).length;
    const { html } = await session.page(from);
    expect(rows(html)).toBeGreaterThan(LONG);
    const more = await session.sendAsShown(from, from, (fields) => [
      ...fields.map(([name, value]): [string, string] => [name, name === 'zone' ? 'Europe/Oslo' : value]),
      ['more', '1'],
    ]);
    expect(more.status).toBe(200);
    expect(rows(more.html)).toBeGreaterThan(rows(html));
    // Nothing is saved, and nothing that was typed is lost.
    expect(Object.fromEntries(fieldsOf(more.html, from))).toMatchObject({ zone: 'Europe/Oslo' });
    expect(JSON.stringify(await content())).not.toContain('Oslo');
    const last = rows(more.html);
    await session.send(
      from,
      from,
      fieldsOf(more.html, from).map(([name, value]): [string, string] =>
        name === 'recipient1'
          ? [name, '']
          : name === `recipient${last}`
            ? [name, contacts[0]!]
            : [name, value],
      ),
    );
    expect(await content()).toMatchObject({
      terms: [{ zone: 'Europe/Oslo', recipients: [...contacts.slice(1, LONG), contacts[0]] }],
    });
  });

  test('keeps every containment step with who does it and by what authority', async () => {
    const [from, before] = [`/agreements/${reference}/draft`, await content()];
    const saved = await session.sendAsShown(from, from, (fields) =>
      fields.map(([name, value]) => [name, name === 'drillEveryDays' ? '30' : value]),
    );
    expect(saved.status).toBe(303);
    expect(await content()).toEqual({ ...before, drillEveryDays: 30 });
  });

  test('keeps an owner whom it would not offer any more, until somebody chooses another', async () => {
    const path = `/integrations/${scene.reference}/edit`;
    await work(async (db) => {
      await db.query('UPDATE integration SET owner_contact_id = $2 WHERE id = $1', [
        scene.integration,
        scene.nora,
      ]);
      await db.query('UPDATE contact SET active = false WHERE id = $1', [scene.nora]);
    });
    const { html } = await session.page(path);
    expect(fieldsOf(html, path)).toContainEqual(['ownerContactId', scene.nora]);
    expect(html).toContain('as it stands now');
    await work((db) => db.query('UPDATE contact SET active = true WHERE id = $1', [scene.nora]));
  });

  test('keeps every performing party of a cell, also one that is no party here any more', async () => {
    const parties = Array.from({ length: 12 }, () => newId());
    await work(async (db) => {
      for (const [at, id] of parties.entries()) {
        await db.query(
          `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
          [id, `PTY-2026-9${String(at).padStart(3, '0')}`, `Host ${at}`, world.clock.date()],
        );
        await member(db, scene.integration, id, 'sub_processor');
      }
    });
    const cell = { duty: 'storage', accountable: scene.aurora, performing: [scene.aurora, ...parties] };
    const edited = await staff('PATCH', `/api/v1/integrations/${scene.integration}/matrix`, {
      ifMatch: 0,
      body: { cells: [cell] },
    });
    expect(edited.status).toBe(200);
    const performing = async () =>
      (
        await work((db) =>
          db.query<{ performing: Id[] }[]>(
            `SELECT performing FROM matrix_draft_row WHERE integration_id = $1 AND duty = 'storage'`,
            [scene.integration],
          ),
        )
      )[0]!.performing.toSorted();
    const from = `/integrations/${scene.reference}/matrix/cell?duty=storage`;
    const action = `/integrations/${scene.reference}/matrix/cell`;
    const noted = (fields: [string, string][]) =>
      fields.map(([name, value]): [string, string] => [name, name === 'note' ? 'Twelve hosts' : value]);
    expect((await session.sendAsShown(from, action, noted)).status).toBe(303);
    expect(await performing()).toEqual([scene.aurora, ...parties].toSorted());

    // A party that left is shown as what it is, refused by name, and not dropped in silence.
    await work((db) =>
      db.query('DELETE FROM integration_party WHERE integration_id = $1 AND party_id = $2', [
        scene.integration,
        parties[0],
      ]),
    );
    const refused = await session.sendAsShown(from, action);
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('Is no party of this integration');
    expect(await performing()).toContain(parties[0]);
  });
});

describe('a source that was just made', () => {
  const post = async (kind: string, secret: string, more: Record<string, string> = {}) => {
    const key = `made-${newId()}`;
    const sent = await session.send('/settings/sources/new', '/settings/sources', {
      key,
      kind,
      name: 'Just made',
      secret,
      environment: '',
      trust: 'approve',
      ...Object.fromEntries(
        ['ownerContactId', 'issuer', 'audience', 'jwksUri', 'pollUrl', 'apiBaseUrl', 'apiToken'].map(
          (field) => [field, ''],
        ),
      ),
      ...more,
    });
    return { key, sent };
  };
  const make = async (...all: Parameters<typeof post>) => {
    const { key, sent } = await post(...all);
    expect([sent.status, sent.location]).toEqual([303, `/settings/sources/${key}`]);
    return (await session.page(`/settings/sources/${key}`)).html;
  };

  test('without a key may not deliver, and its page says so; with one it may', async () => {
    const bare = await make('github', '');
    expect(bare).toContain('It may not deliver until it has a key');
    expect(bare).toContain('may not deliver until a key is set');
    const whole = await make('github', 'a-secret-of-github');
    expect(whole).toContain('The source may deliver.');
    expect(whole).not.toContain('may not deliver');
  });

  test('of a partner of GitHub says at once whether every token is in the inventory', async () => {
    const box = 'github-partner.inventoryIsComplete';
    const { html } = await session.page('/settings/sources/new');
    expect(html).toContain(`name="${box}"`);
    expect(html).toContain('Every token that we issue is in the inventory');
    const settingsOf = async (key: string) => {
      const { body } = await staff('GET', '/api/v1/sources');
      return body.sources.find((one: { key: string }) => one.key === key)?.settings as unknown;
    };
    const ticked = await post('github-partner', '', { [box]: '1' });
    expect(ticked.sent.status).toBe(303);
    expect(await settingsOf(ticked.key)).toEqual({ inventoryIsComplete: true });
    const unticked = await post('github-partner', '');
    expect(await settingsOf(unticked.key)).toEqual({ inventoryIsComplete: false });
    // Ticked for another kind, it is said and stays ticked; nothing is made.
    const strange = await post('github', 'a-secret-of-github', { [box]: '1' });
    expect(strange.sent.status).toBe(422);
    expect(strange.sent.html).toContain('is only for: GitHub secret scanning, as a partner.');
    expect(strange.sent.html).toMatch(/name="github-partner\.inventoryIsComplete"[^>]*checked/);
    expect(await settingsOf(strange.key)).toBeUndefined();
  });
});

test('a new source is asked as often as the form says', async () => {
  const settings = {
    issuer: 'https://transmitter.example',
    audience: 'us',
    jwksUri: 'https://transmitter.example/keys',
  };
  const polls = { ...settings, pollUrl: 'https://transmitter.example/poll', kind: 'set', trust: 'inform' };
  expect((await session.page('/settings/sources/new')).html).toContain('name="pollEverySeconds"');
  const add = (key: string, more: Record<string, string>) =>
    session.send('/settings/sources/new', '/settings/sources', { ...polls, key, name: key, ...more });
  expect(await add('asked-often', { pollEverySeconds: '300' })).toMatchObject({ status: 303 });
  const bad = await add('asked-badly', { pollEverySeconds: 'often' });
  expect(bad.status).not.toBe(303);
  expect(bad.html).toContain('id="pollEverySeconds-error"');
  expect(bad.html).toMatch(/name="pollEverySeconds"[^>]*value="often"/);
  const { body } = await staff('GET', '/api/v1/sources');
  const seconds = Object.fromEntries(
    body.sources.map((one: { key: string; pollEverySeconds: number }) => [one.key, one.pollEverySeconds]),
  );
  expect(seconds).toMatchObject({ 'asked-often': 300 });
  expect(seconds).not.toHaveProperty('asked-badly');
});
