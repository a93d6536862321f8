import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller } from '../support/portfolio.ts';

let world: TestApp;
let staff: ReturnType<typeof caller>;
const ids: Record<'us' | 'supplier' | 'stranger' | 'desk' | 'call' | 'integration' | 'credential', Id> = {
  us: '',
  supplier: '',
  stranger: '',
  desk: '',
  call: '',
  integration: '',
  credential: '',
};

beforeAll(async () => {
  world = await startApp();
  staff = caller(world, await world.token('vendor_risk'));
});
afterAll(() => world.close());

const problem = (body: { errors?: { field: string }[] }) => body.errors?.map(({ field }) => field);

describe('an empty installation is filled by hand', () => {
  test('with who runs it, once, and with a supplier; no name twice', async () => {
    const us = await staff('POST', '/api/v1/parties', {
      body: {
        name: 'Aurora Pay',
        operator: true,
        contacts: [{ name: 'Shop desk', role: 'security', email: 'desk@aurora.example' }],
      },
    });
    expect(us.status).toBe(201);
    expect(us.headers['location']).toBe(`/api/v1/parties/${us.body.id}`);
    expect(us.body).toMatchObject({ operator: true, contacts: [{ name: 'Shop desk', role: 'security' }] });
    const supplier = await staff('POST', '/api/v1/parties', { body: { name: 'Northwind Cloud' } });
    const stranger = await staff('POST', '/api/v1/parties', { body: { name: 'Fjord Hosting' } });
    Object.assign(ids, {
      us: us.body.id,
      desk: us.body.contacts[0].id,
      supplier: supplier.body.id,
      stranger: stranger.body.id,
    });
    const again = await staff('POST', '/api/v1/parties', { body: { name: 'northwind cloud' } });
    expect(again).toMatchObject({ status: 409, body: { code: 'party-exists' } });
    const second = await staff('POST', '/api/v1/parties', { body: { name: 'Another', operator: true } });
    expect(second).toMatchObject({ status: 409, body: { code: 'operator-exists' } });
  });

  test('ten who add one party at once add one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => staff('POST', '/api/v1/parties', { body: { name: 'Quartz Mail' } })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array(9).fill(409),
    ]);
  });

  test('with contacts, who can be reached somehow', async () => {
    const url = `/api/v1/parties/${ids.supplier}/contacts`;
    const body = { name: 'On call', role: 'on_call', phone: '+1 555 0100' };
    const added = await staff('POST', url, { body });
    expect(added).toMatchObject({ status: 201, body: { partyId: ids.supplier, phone: '+1 555 0100' } });
    ids.call = added.body.id;
    const unreachable = await staff('POST', url, { body: { name: 'Nobody', role: 'security' } });
    expect(unreachable.status).toBe(400);
    expect(problem(unreachable.body)).toEqual(['/email']);
    expect((await staff('POST', `/api/v1/parties/${newId()}/contacts`, { body })).status).toBe(404);
  });

  test('each address once in a part, however many add it at once', async () => {
    const url = `/api/v1/parties/${ids.supplier}/contacts`;
    const desk = { name: 'Desk', role: 'contract', email: 'desk@twice.example' };
    const answers = await Promise.all(
      ['desk@twice.example', 'Desk@Twice.example', 'desk@twice.example'].map((email) =>
        staff('POST', url, { body: { ...desk, email } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409]);
    const refused = answers.find(({ status }) => status === 409)!.body;
    expect([refused.code, problem(refused)]).toEqual(['contact-exists', ['/email']]);
    const other = await staff('POST', url, { body: { ...desk, role: 'security' } });
    expect(other.status).toBe(201);
    const edit = (body: object) => staff('PATCH', `/api/v1/contacts/${other.body.id}`, { ifMatch: 1, body });
    expect((await edit({ role: 'contract' })).body).toMatchObject({ status: 409, code: 'contact-exists' });
    expect((await edit({ active: false, role: 'contract' })).status).toBe(200);
    const third = (
      await staff('POST', url, { body: { ...desk, role: 'security', email: 'third@twice.example' } })
    ).body;
    const half = (body: object) => staff('PATCH', `/api/v1/contacts/${third.id}`, { ifMatch: '*', body });
    // Each half is fine by itself, and both together are the other one.
    const halves = await Promise.all([half({ role: 'contract' }), half({ email: desk.email })]);
    expect(halves.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409]);
    const whole = await staff('POST', '/api/v1/parties', {
      body: { name: 'Twice Told', contacts: [desk, { ...desk, role: 'security' }, desk] },
    });
    expect([whole.status, problem(whole.body)]).toEqual([409, ['/contacts/2/email']]);
  });

  test('with an integration between two sides', async () => {
    const body = {
      name: 'Billing export',
      riskTier: 1,
      ownerContactId: ids.desk,
      environments: ['production', 'staging'],
      parties: [
        { partyId: ids.supplier, role: 'supplier' },
        { partyId: ids.us, role: 'customer' },
      ],
    };
    const made = await staff('POST', '/api/v1/integrations', { body });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      state: 'draft',
      pass: 'refused',
      riskTier: 1,
      parties: expect.arrayContaining([{ id: ids.supplier, name: 'Northwind Cloud', role: 'supplier' }]),
    });
    ids.integration = made.body.id;
    const refused = async (change: object) => {
      const answer = await staff('POST', '/api/v1/integrations', { body: { ...body, ...change } });
      return [answer.status, problem(answer.body)];
    };
    const [supplier, customer] = body.parties;
    expect(await refused({ parties: [supplier] })).toEqual([400, ['/parties']]);
    expect(await refused({ parties: [supplier, { ...customer, partyId: ids.supplier }] })).toEqual([
      400,
      ['/parties'],
    ]);
    expect(await refused({ parties: [supplier, customer, { partyId: newId(), role: 'insurer' }] })).toEqual([
      400,
      ['/parties/2/partyId'],
    ]);
    expect(await refused({ ownerContactId: newId() })).toEqual([400, ['/ownerContactId']]);
    expect(await refused({ agreementId: newId() })).toEqual([400, ['/agreementId']]);
  });

  test('with a credential of its parties, in one of its environments', async () => {
    const body = {
      integrationId: ids.integration,
      name: 'Ledger key',
      type: 'api_key',
      environment: 'production',
      ownerContactId: ids.desk,
      issuerPartyId: ids.supplier,
      verifierPartyId: ids.supplier,
      holderPartyIds: [ids.us],
      scopes: [{ name: 'ledger.read', justification: 'The nightly export reads it' }],
    };
    const made = await staff('POST', '/api/v1/credentials', { body });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      holders: [{ id: ids.us, name: 'Aurora Pay' }],
      scopes: [{ name: 'ledger.read', justification: 'The nightly export reads it' }],
      usedBy: [{ integrationId: ids.integration, label: 'Ledger key' }],
      versions: [],
    });
    ids.credential = made.body.id;
    const refused = async (change: object) => {
      const answer = await staff('POST', '/api/v1/credentials', { body: { ...body, ...change } });
      return [answer.status, problem(answer.body)];
    };
    expect(await refused({ environment: 'moon' })).toEqual([400, ['/environment']]);
    expect(await refused({ verifierPartyId: ids.stranger })).toEqual([400, ['/verifierPartyId']]);
    expect(await refused({ holderPartyIds: [ids.us, ids.stranger] })).toEqual([400, ['/holderPartyIds/1']]);
    expect(await refused({ integrationId: newId() })).toEqual([400, ['/integrationId']]);
    expect(await refused({ scopes: [{ name: 'a' }, { name: 'a' }] })).toEqual([400, ['/scopes']]);
  });

  test('with the ways to revoke it, in order; one that was tried is kept when the list leaves it out', async () => {
    const url = `/api/v1/credentials/${ids.credential}/paths`;
    const stored = () =>
      world.sql<{ contact: Id; minutes: number | null; ordinal: number }>(
        `SELECT contact_id AS contact, expected_minutes AS minutes, ordinal FROM revocation_path WHERE credential_id = $1 ORDER BY ordinal`,
        [ids.credential],
      );
    const set = (paths: object[]) => staff('PUT', url, { body: { paths } });
    expect((await set([{ contactId: ids.desk }, { contactId: ids.call, expectedMinutes: 45 }])).status).toBe(
      200,
    );
    expect((await set([{ contactId: ids.call, expectedMinutes: 30 }, { contactId: ids.desk }])).status).toBe(
      200,
    );
    expect(await stored()).toEqual([
      { contact: ids.call, minutes: 30, ordinal: 0 },
      { contact: ids.desk, minutes: null, ordinal: 1 },
    ]);
    await world.sql(
      `INSERT INTO drill (id, revocation_path_id, started_at, ended_at, outcome)
       SELECT $1, id, $2, $2, 'passed' FROM revocation_path WHERE contact_id = $3 RETURNING id`,
      [newId(), world.clock.date(), ids.call],
    );
    expect((await set([])).status).toBe(200);
    expect(await stored()).toMatchObject([{ contact: ids.call }]);
    const nowhere = await set([{ contactId: ids.desk }, { connectionId: newId() }]);
    expect(nowhere.status).toBe(400);
    expect(problem(nowhere.body)).toEqual(['/paths/1/connectionId']);
    expect(problem((await set([{}])).body)).toEqual(['/paths/0/connectionId']);
    expect(problem((await set([{ contactId: ids.desk }, { contactId: ids.desk }])).body)).toEqual(['/paths']);
    expect(await stored()).toMatchObject([{ contact: ids.call }]);
  });

  test('with an agreement that is one with its parties', async () => {
    const made = await staff('POST', '/api/v1/agreements', {
      body: { partyId: ids.supplier, title: 'Cloud services 2026' },
    });
    const foreign = await staff('POST', '/api/v1/agreements', {
      body: { partyId: ids.stranger, title: 'Hosting 2026' },
    });
    expect([made.status, foreign.status]).toEqual([201, 201]);
    const url = `/api/v1/integrations/${ids.integration}`;
    const { rowVersion } = (await staff('GET', url)).body;
    const refused = await staff('PATCH', url, {
      body: { agreementId: foreign.body.id },
      ifMatch: rowVersion,
    });
    expect(refused.status).toBe(400);
    expect(problem(refused.body)).toEqual(['/agreementId']);
    const linked = await staff('PATCH', url, { body: { agreementId: made.body.id }, ifMatch: rowVersion });
    expect(linked).toMatchObject({ status: 200, body: { agreementId: made.body.id } });
  });

  test('and each thing that came is in the ledger, without a name in the clear', async () => {
    const kinds = await world.sql<{ kind: string; body: string }>(
      `SELECT DISTINCT e.kind, '' AS body FROM ledger_entry e WHERE e.kind LIKE '%.created' OR e.kind = 'credential.paths-changed' ORDER BY 1`,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        'contact.created',
        'credential.created',
        'credential.paths-changed',
        'integration.created',
        'party.created',
      ]),
    );
    const entries = await world.sql<{ text: string }>(`SELECT e::text AS text FROM ledger_entry e`);
    expect(entries.filter(({ text }) => /Northwind|desk@aurora|Ledger key/.test(text))).toEqual([]);
  });
});
