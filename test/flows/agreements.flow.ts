import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, HOUR } from '../../src/kernel/time.ts';
import { NoticesService } from '../../src/domain/notices/notices.service.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller, importFile, portfolioExample } from '../support/portfolio.ts';

let world: TestApp;
let staff: ReturnType<typeof caller>;
let party: ReturnType<typeof caller>;
const ids: Record<string, Id> = {};
const BY = system('test', 'test-agreements');
const work = <T>(todo: (db: Db) => Promise<T>) => world.app.get(Transactions).run(BY, todo);

beforeAll(async () => {
  world = await startApp();
  const token = await world.token('contract_owner');
  staff = caller(world, token);
  const { job } = await importFile(
    world,
    await world.token('vendor_risk'),
    portfolioExample('example.yaml'),
    'yaml',
  );
  expect(job).toMatchObject({ state: 'done' });
  for (const [kind, key] of [
    ['parties', 'paylane'],
    ['parties', 'us'],
    ['agreements', 'paylane-2026'],
    ['integrations', 'checkout'],
  ] as const)
    ids[key] = (await staff('GET', `/api/v1/${kind}?source=example&key=${key}`)).body[kind][0].id;
  for (const [key, name] of [
    ['paylane', 'Incident desk'],
    ['us', 'Security desk'],
  ] as const) {
    const { contacts } = (await staff('GET', `/api/v1/parties/${ids[key]}`)).body;
    ids[name] = contacts.find((contact: { name: string }) => contact.name === name).id;
  }
  party = caller(world, await world.token('party_contact', ids['paylane']));
});
afterAll(() => world.close());

const hours = (count: number, over: object = {}) => ({
  direction: 'to_party',
  trigger: 'confirmed',
  startEvent: 'confirmed',
  window: { count, unit: 'elapsed-hours' },
  recipients: [ids['Incident desk']],
  ...over,
});

/** A new agreement with a draft that can be published. */
async function agreement(terms: object[]): Promise<{ id: Id; rowVersion: number }> {
  const created = await staff('POST', '/api/v1/agreements', {
    body: { partyId: ids['paylane'], title: 'Security addendum' },
  });
  expect(created).toMatchObject({ status: 201, body: { reference: expect.stringMatching(/^AGR-/) } });
  const { id } = created.body;
  const edited = await staff('PATCH', `/api/v1/agreements/${id}/draft`, { ifMatch: 1, body: { terms } });
  expect(edited.status).toBe(200);
  return { id, rowVersion: edited.body.rowVersion };
}

test('a title takes the version that stands, one of several, or any; a draft only the one that was read', async () => {
  const { id, rowVersion } = await agreement([]);
  const token = await world.token('contract_owner');
  const edit = async (path: string, body: object, match: string) =>
    (
      await world.app.inject({
        method: 'PATCH',
        url: `/api/v1/agreements/${id}${path}`,
        headers: { authorization: `Bearer ${token}`, 'if-match': match },
        payload: body,
      })
    ).statusCode;
  const titled = (match: string) => edit('', { title: `Addendum ${match}` }, match);
  expect([await titled('"7", "1"'), await titled('"7", "1"'), await titled('*')]).toEqual([200, 412, 200]);
  const reviewed = (match: string) => edit('/draft', { reviewOn: '2030-01-01' }, match);
  expect([await reviewed('*'), await reviewed('"0", "1", "2"'), await reviewed(`"${rowVersion}"`)]).toEqual([
    412, 412, 200,
  ]);
});

describe('an agreement', () => {
  test('is drafted, published, and then never edited', async () => {
    const { id, rowVersion } = await agreement([hours(24)]);
    expect((await staff('GET', `/api/v1/agreements/${id}`)).body).toMatchObject({
      version: null,
      versions: [],
    });
    const published = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    expect(published).toMatchObject({ status: 201, body: { number: 1 } });
    expect((await staff('GET', `/api/v1/agreements/${id}/draft`)).status).toBe(404);
    const { body } = await staff('GET', `/api/v1/agreements/${id}`);
    expect(body).toMatchObject({
      version: 1,
      versions: [
        {
          number: 1,
          contentHash: published.body.contentHash,
          terms: [{ windowCount: 24, windowUnit: 'elapsed-hours', recipients: [{ name: 'Incident desk' }] }],
        },
      ],
    });
    // Not through the back door either: the running role may add versions and terms, and change none.
    const versionId = body.versions[0].id;
    for (const sql of [
      `UPDATE agreement_version SET review_on = '2030-01-01' WHERE id = $1`,
      `DELETE FROM agreement_version WHERE id = $1`,
      `UPDATE term SET window_count = 999 WHERE agreement_version_id = $1`,
    ])
      await expect(work((db) => db.query(sql, [versionId]))).rejects.toThrow(/permission denied/);
  });

  test('says how strong an answer must be, from its draft to its next version', async () => {
    const strong = { ...hours(24), leastStrength: 'second_channel' };
    const plain = await agreement([hours(24)]);
    const { id, rowVersion } = await agreement([strong]);
    const published = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    const silent = await staff('POST', `/api/v1/agreements/${plain.id}/draft/publish`, {
      ifMatch: plain.rowVersion,
    });
    expect(published.body.contentHash).not.toBe(silent.body.contentHash);
    const { body } = await staff('GET', `/api/v1/agreements/${id}`);
    expect(body.versions[0].terms[0].leastStrength).toBe('second_channel');
    const opened = await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
    expect(opened.body.content.terms[0].leastStrength).toBe('second_channel');
    const same = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: 1 });
    expect(same).toMatchObject({ status: 409, body: { code: 'nothing-changed' } });
    const refused = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: 1,
      body: { terms: [{ ...strong, leastStrength: 'a good look' }] },
    });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: '/terms/0/leastStrength' }] } });
  });

  test('says in its second version what it adds; the first one stays to be read', async () => {
    const { id, rowVersion } = await agreement([hours(24)]);
    await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    const opened = await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
    expect(opened).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { basedOn: 1, content: { terms: [{ window: { count: 24, unit: 'elapsed-hours' } }] } },
    });
    const again = await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
    expect(again).toMatchObject({ status: 200, body: { rowVersion: 1 } });
    const same = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: 1 });
    expect(same).toMatchObject({ status: 409, body: { code: 'nothing-changed' } });
    const edited = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: 1,
      body: {
        drillEveryDays: 90,
        reviewOn: '2027-05-01',
        containmentSteps: [
          'End open sessions',
          { step: 'Revoke the leaked version', by: 'them', authority: 'revoke_now' },
        ],
      },
    });
    expect(edited.status).toBe(200);
    expect(
      (await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: edited.body.rowVersion }))
        .body,
    ).toMatchObject({ number: 2 });
    const { body } = await staff('GET', `/api/v1/agreements/${id}`);
    expect(body.versions).toMatchObject([
      {
        number: 2,
        reviewOn: '2027-05-01',
        drillEveryDays: 90,
        containmentSteps: ['End open sessions', 'Revoke the leaked version'],
        containment: [{ by: null }, { by: 'them', authority: 'revoke_now' }],
        terms: [{ windowCount: 24 }],
      },
      { number: 1, reviewOn: null, drillEveryDays: null, containmentSteps: [] },
    ]);
  });

  test('two people at once: the second is told what became another', async () => {
    const { id, rowVersion } = await agreement([hours(24)]);
    const first = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: rowVersion,
      body: { reviewOn: '2027-03-01' },
    });
    expect(first.status).toBe(200);
    const second = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: rowVersion,
      body: { reviewOn: '2028-03-01' },
    });
    expect(second).toMatchObject({
      status: 412,
      body: { errors: [{ field: '/reviewOn', problem: 'stands as 2027-03-01 now' }] },
    });
    expect(
      (await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion })).status,
    ).toBe(412);
    expect((await staff('PATCH', `/api/v1/agreements/${id}/draft`, { body: {} })).status).toBe(428);
  });

  test('keeps when each rung of its ladder is told, and shows it in every version', async () => {
    const { contacts } = (await staff('GET', `/api/v1/parties/${ids['paylane']}`)).body;
    const other = contacts.find(({ id }: { id: Id }) => id !== ids['Incident desk']);
    const laddered = (minutes: number) =>
      hours(24, { fallbackRecipients: [other.id], rungs: [{ recipient: other.id, minutes }] });
    const { id, rowVersion } = await agreement([laddered(15)]);
    const first = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    expect(first.status).toBe(201);
    const draft = await staff('POST', `/api/v1/agreements/${id}/draft`);
    expect(draft.body.content.terms[0].rungs).toEqual([{ recipient: other.id, minutes: 15 }]);
    // The same words are the same version.
    const same = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, {
      ifMatch: draft.body.rowVersion,
    });
    expect(same.status).not.toBe(201);
    const edited = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: draft.body.rowVersion,
      body: { terms: [laddered(20)] },
    });
    const second = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, {
      ifMatch: edited.body.rowVersion,
    });
    expect(second).toMatchObject({ status: 201, body: { number: 2 } });
    expect(second.body.contentHash).not.toBe(first.body.contentHash);
  });

  test.each([
    ['a window of zero', { window: { count: 0, unit: 'elapsed-hours' } }, '/terms/0/window/count'],
    ['a zone that is none', { zone: 'Mars/Olympus' }, '/terms/0/zone'],
    [
      'a calendar that is none',
      { window: { count: 2, unit: 'business-days' }, calendar: 'mars' },
      '/terms/0/calendar',
    ],
    [
      'a rung of nobody who is a fallback',
      { rungs: [{ recipient: newId(), minutes: 15 }] },
      '/terms/0/rungs/0/recipient',
    ],
    ['a recipient of nobody', { recipients: [newId()] }, '/terms/0/recipients/0'],
  ])('is refused with %s, with its field and the mend', async (_, over, field) => {
    const { id, rowVersion } = await agreement([hours(24)]);
    const refused = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: rowVersion,
      body: { terms: [hours(24, over)] },
    });
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ field, mend: expect.stringMatching(/.{10}/) }] },
    });
  });

  test('takes no name of a term twice, and so publishes none', async () => {
    const { id, rowVersion } = await agreement([hours(24, { name: 'first word' })]);
    const refused = await staff('PATCH', `/api/v1/agreements/${id}/draft`, {
      ifMatch: rowVersion,
      body: { terms: [hours(24, { name: 'first word' }), hours(48, { name: 'first word' })] },
    });
    expect(refused).toMatchObject({
      status: 400,
      body: {
        errors: [{ field: '/terms/1/name', mend: 'Give each term a name of its own, or none.' }],
      },
    });
  });

  test('is with somebody else than the operator', async () => {
    const refused = await staff('POST', '/api/v1/agreements', { body: { partyId: ids['us'], title: 'Us' } });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: '/partyId' }] } });
  });

  test('a further version never begins in the past', async () => {
    const { id, rowVersion } = await agreement([hours(24)]);
    await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
    const past = new Date(world.clock.now() - ELAPSED_DAY).toISOString();
    await staff('PATCH', `/api/v1/agreements/${id}/draft`, { ifMatch: 1, body: { validFrom: past } });
    const refused = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: 2 });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: '/validFrom' }] } });
  });
});

describe('the preview', () => {
  test('says when each term would be due, by its own zone and calendar', async () => {
    const { id, rowVersion } = await agreement([
      hours(24),
      hours(2, {
        window: { count: 2, unit: 'business-days' },
        zone: 'Europe/Berlin',
        calendar: 'de-office',
        category: 'report',
      }),
      hours(1, { window: null, category: 'first-word' }),
    ]);
    const at = '2026-11-20T15:00:00Z';
    const draft = await staff('GET', `/api/v1/agreements/${id}/draft/preview?at=${at}`);
    expect(draft.body).toMatchObject({
      of: 'draft',
      terms: [
        { dueAt: '2026-11-21T15:00:00.000Z', warnAt: '2026-11-21T03:00:00.000Z', window: '24 hours' },
        { dueAt: expect.stringMatching(/^2026-11-24T/) },
        { dueAt: null, warnAt: null, window: 'without undue delay' },
      ],
    });
    await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
    const mine = (await staff('GET', `/api/v1/agreements/${id}/preview?at=${at}`)).body;
    // The other side computes the same, though it sees no calendar but that of its own terms.
    expect((await party('GET', `/api/v1/agreements/${id}/preview?at=${at}`)).body).toEqual(mine);
    expect(mine.terms.map((term: { dueAt: string }) => term.dueAt).sort()).toEqual(
      draft.body.terms.map((term: { dueAt: string }) => term.dueAt).sort(),
    );
    expect((await party('GET', `/api/v1/agreements/${id}/draft`)).status).toBe(403);
  });
});

test('a notice that is owed keeps the window that it was owed under', async () => {
  const { id, rowVersion } = await agreement([hours(48)]);
  await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: rowVersion });
  const first = (await staff('GET', `/api/v1/agreements/${id}`)).body.versions[0].id;
  const startAt = world.clock.now();
  const owed = await work((db) =>
    world.app.get(NoticesService).owe(
      db,
      [
        {
          integrationId: ids['checkout']!,
          agreementVersionId: first,
          subject: { kind: 'case', id: newId() },
          trigger: 'confirmed',
          instants: { confirmed: startAt },
          facts: {
            caseReference: 'CAS-2026-9999',
            integrationName: 'Checkout payments',
            fromParty: 'Northwind Retail',
            awareAt: new Date(startAt).toISOString(),
            credentials: [],
            copies: 0,
            reason: 'test',
          },
          correlationId: 'test-agreements',
        },
      ],
      BY,
    ),
  );
  expect(owed).toHaveLength(1);
  await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
  await staff('PATCH', `/api/v1/agreements/${id}/draft`, { ifMatch: 1, body: { terms: [hours(4)] } });
  expect((await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: 2 })).status).toBe(201);
  const [notice] = await work((db) =>
    db.query<{ due_at: Date; agreement_version_id: Id }[]>(
      `SELECT due_at, agreement_version_id FROM notice WHERE id = $1`,
      [owed[0]],
    ),
  );
  expect(notice).toEqual({ due_at: new Date(startAt + 48 * HOUR), agreement_version_id: first });
});

describe('templates of terms', () => {
  test('are read with their source; where there is no number, none is shown', async () => {
    const { body } = await party('GET', '/api/v1/term-templates');
    const find = (id: string) => body.templates.find((template: { id: string }) => template.id === id);
    expect(find('gdpr-33-1')).toMatchObject({
      window: { count: 72, unit: 'elapsed-hours' },
      source: { article: 'Art. 33(1)' },
      inForce: true,
    });
    expect(find('gdpr-33-2')).toMatchObject({ window: null, words: 'without undue delay' });
    const narrowed = await staff('GET', '/api/v1/term-templates?audience=counterparty&inForce=true');
    expect(narrowed.body.templates.length).toBeGreaterThan(3);
    expect(narrowed.body.templates.every((t: { audience: string }) => t.audience === 'counterparty')).toBe(
      true,
    );
    expect((await staff('GET', '/api/v1/calendars')).body.calendars).toMatchObject([{ key: 'de-office' }]);
  });
});

test('a file imported beside a draft makes the draft outdated, and says so', async () => {
  const id = ids['paylane-2026']!;
  const opened = await staff('POST', `/api/v1/agreements/${id}/draft`, { body: {} });
  expect(opened.body.basedOn).toBe(1);
  const newer = portfolioExample('example.yaml')
    .toString()
    .replace('approveWithinMinutes: 30', 'approveWithinMinutes: 20');
  const { job } = await importFile(world, await world.token('vendor_risk'), newer, 'yaml');
  expect(job).toMatchObject({ state: 'done' });
  const refused = await staff('POST', `/api/v1/agreements/${id}/draft/publish`, { ifMatch: 1 });
  expect(refused).toMatchObject({ status: 409, body: { code: 'draft-outdated' } });
  expect((await staff('DELETE', `/api/v1/agreements/${id}/draft`, { ifMatch: 1 })).status).toBe(204);
  const [ledger] = await work((db) =>
    db.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM ledger_entry WHERE kind = 'agreement.draft-discarded'`,
    ),
  );
  expect(ledger?.count).toBe(1);
});
