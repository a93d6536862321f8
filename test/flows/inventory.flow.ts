import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, MINUTE } from '../../src/kernel/time.ts';
import { QuarantineSweep } from '../../src/domain/integrations/quarantine.service.ts';
import { Outbox } from '../../src/platform/outbox/outbox.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller, importFile, portfolioExample } from '../support/portfolio.ts';

let world: TestApp;
let staff: ReturnType<typeof caller>;
let party: ReturnType<typeof caller>;
const ids: Record<string, Id> = {};
const BY = system('test', 'test-inventory');
const work = <T>(todo: (db: Db) => Promise<T>) => world.app.get(Transactions).run(BY, todo);
const sql = <T extends object>(text: string, params: unknown[] = []) =>
  work((db) => db.query<T[]>(text, params));

beforeAll(async () => {
  world = await startApp();
  const token = await world.token('vendor_risk');
  staff = caller(world, token);
  const { job } = await importFile(world, token, portfolioExample('example.yaml'), 'yaml');
  expect(job).toMatchObject({ state: 'done' });
  for (const [kind, key] of [
    ['parties', 'paylane'],
    ['parties', 'us'],
    ['parties', 'cloudhost'],
    ['integrations', 'checkout'],
    ['integrations', 'refunds'],
    ['credentials', 'checkout-token'],
  ] as const)
    ids[key] = (await staff('GET', `/api/v1/${kind}?source=example&key=${key}`)).body[kind][0].id;
  party = caller(world, await world.token('party_contact', ids['paylane']));
});
afterAll(() => world.close());

describe('the stoppers board', () => {
  const board = async (query = '') =>
    (await staff('GET', `/api/v1/stoppers?limit=200${query}`)).body.credentials;
  const token = async () =>
    (await board()).find((line: { id: Id }) => line.id === ids['checkout-token']) as {
      state: string;
      stoppers: {
        label: string;
        kind: string;
        pathId: Id;
        standing: string;
        reach: { state: string } | null;
      }[];
    };

  async function drill(pathId: Id, outcome: 'passed' | 'failed', ago: number): Promise<void> {
    const at = world.clock.now() - ago;
    await sql(
      `INSERT INTO drill (id, revocation_path_id, started_at, ended_at, outcome) VALUES ($1, $2, $3, $4, $5)`,
      [newId(), pathId, new Date(at), new Date(at + 7 * MINUTE), outcome],
    );
  }

  test('shows every credential, the riskiest first, page by page', async () => {
    const all = await board();
    const risks = all.map(({ risk }: { risk: number }) => risk);
    expect(risks).toEqual([...risks].sort((a, b) => b - a));
    const walked: Id[] = [];
    for (let cursor = ''; ;) {
      const { body } = await staff('GET', `/api/v1/stoppers?limit=1${cursor}`);
      walked.push(...body.credentials.map(({ id }: { id: Id }) => id));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(walked).toEqual(all.map(({ id }: { id: Id }) => id));
  });

  test('a way that nobody tried is red; a passed drill proves it, a failed or an old one does not', async () => {
    const untried = await token();
    expect(untried).toMatchObject({ state: 'unproven' });
    expect(untried.stoppers.map(({ standing }) => standing)).toEqual(['untried', 'untried']);
    const connector = untried.stoppers.find(({ kind }) => kind === 'connector')!;
    await drill(connector.pathId, 'passed', 181 * ELAPSED_DAY);
    expect((await token()).state).toBe('unproven');
    await drill(connector.pathId, 'passed', ELAPSED_DAY);
    expect(await token()).toMatchObject({
      state: 'proven',
      stoppers: [{ pathId: connector.pathId, standing: 'proven', expectedMinutes: 7, measured: true }, {}],
    });
    await drill(connector.pathId, 'failed', 1000);
    expect((await token()).state).toBe('unproven');
  });

  test('a proven way at whose end nobody answers is none', async () => {
    const person = (await token()).stoppers.find(({ kind }) => kind === 'contact')!;
    await drill(person.pathId, 'passed', ELAPSED_DAY);
    expect((await token()).state).toBe('proven');
    await sql(
      `UPDATE contact SET phone = NULL, email = NULL WHERE id = (SELECT contact_id FROM revocation_path WHERE id = $1)`,
      [person.pathId],
    );
    const now = await token();
    expect(now.state).toBe('unproven');
    expect(now.stoppers.find(({ pathId }) => pathId === person.pathId)?.reach).toEqual({
      state: 'unreachable',
      why: 'neither phone nor mail address',
    });
  });

  test('the filter for trouble keeps exactly what is red', async () => {
    const red = (await board()).filter(({ state }: { state: string }) => state !== 'proven');
    const filtered = await board('&trouble=true');
    expect(filtered.map(({ id }: { id: Id }) => id)).toEqual(red.map(({ id }: { id: Id }) => id));
    expect(filtered.length).toBeGreaterThan(0);
  });

  test('narrows to an integration, a supplier, a party', async () => {
    const of = async (query: string) => (await board(query)).map(({ id }: { id: Id }) => id);
    expect(await of(`&integrationId=${ids['checkout']}`)).toContain(ids['checkout-token']);
    expect(await of(`&supplierId=${ids['paylane']}`)).toContain(ids['checkout-token']);
    expect(await of(`&partyId=${ids['paylane']}`)).toContain(ids['checkout-token']);
    expect(await of(`&integrationId=${newId()}`)).toEqual([]);
  });

  test('a party sees its own, and of drills nothing', async () => {
    const { body } = await party('GET', '/api/v1/stoppers');
    const own = body.credentials.find(({ id }: { id: Id }) => id === ids['checkout-token']);
    expect(own.state).toBe('unknown');
    expect(own.stoppers.every(({ standing }: { standing: null }) => standing === null)).toBe(true);
  });
});

describe('what keeps a credential alive', () => {
  test('owner, purpose, store, schedule and last use are edited by whoever saw the last state', async () => {
    const id = ids['checkout-token']!;
    const { body: before, headers } = await staff('GET', `/api/v1/credentials/${id}`);
    const rowVersion = Number(/\d+/.exec(String(headers['etag']))![0]);
    const used = new Date(world.clock.now() - 5 * ELAPSED_DAY).toISOString();
    const edit = {
      store: 'vault: payments/checkout',
      rotateEveryDays: 30,
      lastUsedAt: used,
      purpose: 'Takes payments',
    };
    const edited = await staff('PATCH', `/api/v1/credentials/${id}`, { ifMatch: rowVersion, body: edit });
    expect(edited).toMatchObject({ status: 200, body: { ...edit, name: before.name } });
    expect(
      (await staff('PATCH', `/api/v1/credentials/${id}`, { ifMatch: rowVersion, body: edit })).status,
    ).toBe(412);
    for (const [field, value] of [
      ['rotateEveryDays', 0],
      ['store', 'a'.repeat(301)],
      ['lastUsedAt', 'yesterday'],
    ] as const) {
      const refused = await staff('PATCH', `/api/v1/credentials/${id}`, {
        ifMatch: rowVersion + 1,
        body: { [field]: value },
      });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: `/${field}` }] } });
    }
  });

  test('the register says what is missing; a use that was seen is later than one that was stated', async () => {
    const id = ids['checkout-token']!;
    const line = async () =>
      (await staff('GET', `/api/v1/inventory?integrationId=${ids['checkout']}`)).body.credentials.find(
        (one: { id: Id }) => one.id === id,
      );
    await sql(`UPDATE credential_version SET issued_at = $2 WHERE credential_id = $1 AND phase = 'active'`, [
      id,
      new Date(world.clock.now() - 40 * ELAPSED_DAY),
    ]);
    expect(await line()).toMatchObject({
      store: 'vault: payments/checkout',
      rotation: 'overdue',
      gaps: expect.arrayContaining(['rotation_overdue']),
    });
    const seen = world.clock.now() - ELAPSED_DAY;
    await sql(
      `INSERT INTO usage_event (id, version_id, credential_id, integration_id, at, outcome, environment, reported_by)
       SELECT $1, v.id, v.credential_id, v.integration_id, $3, 'accepted', 'staging', 'test' FROM credential_version v WHERE v.credential_id = $2 AND v.phase = 'active'`,
      [newId(), id, new Date(seen)],
    );
    await sql(
      `INSERT INTO usage_seen (version_id, location_id, feed_key, credential_id, integration_id, first_at, last_at, uses)
       SELECT v.id, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', v.credential_id, v.integration_id, $2, $2, 1
         FROM credential_version v WHERE v.credential_id = $1 AND v.phase = 'active'`,
      [id, new Date(seen)],
    );
    expect((await line()).lastUsedAt).toBe(new Date(seen).toISOString());
    // And it was used from an environment that it is not of.
    const { body } = await staff('GET', '/api/v1/inventory/shadows');
    expect(body.uses).toMatchObject([
      { credentialId: id, why: 'environment', environment: 'staging', uses: 1 },
    ]);
  });

  test('what it may do is said in words where they are known', async () => {
    const id = ids['checkout-token']!;
    await sql(`UPDATE credential SET kind = 'github_token' WHERE id = $1`, [id]);
    await sql(`DELETE FROM credential_scope WHERE credential_id = $1`, [id]);
    for (const name of ['repo', 'invented'])
      await sql(
        `INSERT INTO credential_scope (id, credential_id, integration_id, name) SELECT $1, id, integration_id, $3 FROM credential WHERE id = $2`,
        [newId(), id, name],
      );
    const { body } = await party('GET', `/api/v1/credentials/${id}/permissions`);
    expect(body.permissions).toMatchObject([
      { name: 'invented', words: null },
      { name: 'repo', words: expect.stringMatching(/private/), supplier: 'GitHub' },
    ]);
  });

  test('a copying path is announced with its facts', async () => {
    const added: unknown[] = [];
    const outbox = world.app.get(Outbox);
    const put = outbox.put.bind(outbox);
    outbox.put = (db, what, payload, o) => {
      if (what.name === 'credentials.location-added') added.push(payload);
      return put(db, what, payload, o);
    };
    const { status, body } = await staff('POST', `/api/v1/credentials/${ids['checkout-token']}/locations`, {
      body: { type: 'laptop', name: 'Field laptop', partyId: ids['paylane'], arrivedBy: 'forwarded' },
    });
    outbox.put = put;
    expect(status).toBe(201);
    expect(added).toEqual([
      {
        locationId: body.id,
        addedBy: expect.any(String),
        credentialId: ids['checkout-token'],
        integrationId: ids['checkout'],
        partyId: ids['paylane'],
        kind: 'laptop',
        arrivedBy: 'forwarded',
      },
    ]);
  });
});

test('a file says what keeps a credential alive, too, and how often paths are drilled', async () => {
  const text = portfolioExample('example.yaml')
    .toString()
    .replace('approveWithinMinutes: 30', 'approveWithinMinutes: 30\n    drillEveryDays: 45')
    .replace(
      'key: checkout-token\n',
      "key: checkout-token\n    store: 'vault: from a file'\n    rotateEveryDays: 60\n    lastUsedAt: 2026-11-01T00:00:00Z\n",
    );
  expect(text).toMatch(/drillEveryDays[\s\S]*from a file/);
  const { job, problems } = await importFile(world, await world.token('vendor_risk'), text, 'yaml');
  expect({ state: job.state, problems }).toEqual({ state: 'done', problems: [] });
  expect((await staff('GET', `/api/v1/credentials/${ids['checkout-token']}`)).body).toMatchObject({
    store: 'vault: from a file',
    rotateEveryDays: 60,
  });
  const { agreements } = (await staff('GET', '/api/v1/agreements?source=example&key=paylane-2026')).body;
  expect((await staff('GET', `/api/v1/agreements/${agreements[0].id}`)).body.versions[0]).toMatchObject({
    number: 2,
    drillEveryDays: 45,
  });
});

describe('one value in several credentials', () => {
  async function credential(name: string, environment: string): Promise<Id> {
    const id = newId();
    await sql(
      `INSERT INTO credential (id, reference, integration_id, name, kind, environment, issuer_party_id, verifier_party_id, created_at, updated_at)
       VALUES ($1, $2, $3, $4, 'api_key', $5, $6, $6, $7, $7)`,
      [id, `CRD-${id}`, ids['refunds'], name, environment, ids['paylane'], world.clock.date()],
    );
    await sql(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, $3, $4)`,
      [id, ids['refunds'], name, world.clock.date()],
    );
    return id;
  }

  test('is blocked across environments, and told within one', async () => {
    const value = `tok_${newId()}`;
    const [live, twin, test_] = [
      await credential('Refunds key', 'production'),
      await credential('Refunds key, again', 'production'),
      await credential('Refunds test key', 'staging'),
    ];
    const add = (id: Id) => staff('POST', `/api/v1/credentials/${id}/versions`, { body: { value } });
    expect((await add(live)).status).toBe(201);
    expect((await add(twin)).status).toBe(201);
    const refused = await add(test_);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'reused-across-environments', errors: [{ field: '/value' }, { field: '/value' }] },
    });
    expect(JSON.stringify(refused.body)).not.toContain(value);
    const reuse = async () => (await staff('GET', '/api/v1/inventory/reuse')).body.values;
    expect(await reuse()).toMatchObject([
      {
        kind: 'within_integration',
        blocking: false,
        members: [{ credentialId: live }, { credentialId: twin }],
      },
    ]);
    // What was on record before is found all the same, and blocks.
    await sql(`UPDATE credential SET environment = 'staging' WHERE id = $1`, [twin]);
    expect(await reuse()).toMatchObject([{ kind: 'across_environments', blocking: true }]);
    expect((await party('GET', '/api/v1/inventory/reuse')).status).toBe(403);
  });

  test('a credential of several integrations is listed with them', async () => {
    const { body } = await staff('GET', '/api/v1/inventory/shared');
    expect(body.credentials).toContainEqual(
      expect.objectContaining({
        id: ids['checkout-token'],
        uses: [
          expect.objectContaining({ name: 'Checkout payments' }),
          expect.objectContaining({ name: expect.any(String) }),
        ],
      }),
    );
  });
});

describe('what nobody owns', () => {
  const state = async (key: string) =>
    (await sql<{ state: string }>(`SELECT state FROM integration WHERE id = $1`, [ids[key]]))[0]!.state;
  const round = () => world.app.get(QuarantineSweep).sweep(BY);

  test('is quarantined after a day, told once, and back with an owner; live only through the gate', async () => {
    const id = ids['checkout']!;
    const [owner] = await sql<{ owner_contact_id: Id }>(
      `SELECT owner_contact_id FROM integration WHERE id = $1`,
      [id],
    );
    await sql(`UPDATE integration SET state = 'live' WHERE id = $1`, [id]);
    // Whoever owned it leaves; nobody touches the integration.
    await sql(`UPDATE contact SET active = false WHERE id = $1`, [owner!.owner_contact_id]);
    await round();
    expect(await state('checkout')).toBe('live');
    expect((await staff('GET', '/api/v1/inventory/unowned')).body.integrations).toContainEqual(
      expect.objectContaining({ id, state: 'live', formerOwner: 'Payments team' }),
    );
    world.clock.advance(ELAPSED_DAY - 1);
    await round();
    expect(await state('checkout')).toBe('live');
    await sql(`DELETE FROM gate_stale WHERE integration_id = $1`, [id]);
    world.clock.advance(1);
    await round();
    await round();
    expect(await state('checkout')).toBe('quarantined');
    // What the gate said of it is stale, whatever column changed.
    expect(
      await sql(`SELECT integration_id AS id FROM gate_stale WHERE integration_id = $1`, [id]),
    ).toContainEqual({
      id,
    });
    const told = await sql(
      `SELECT severity, occurrences FROM alert WHERE kind = 'integration.quarantined' AND subject_id = $1 AND handled_at IS NULL`,
      [id],
    );
    expect(told).toEqual([{ severity: 'critical', occurrences: 1 }]);
    const { headers } = await staff('GET', `/api/v1/integrations/${id}`);
    const [other] = await sql<{ id: Id }>(`SELECT id FROM contact WHERE active AND party_id = $1 LIMIT 1`, [
      ids['us'],
    ]);
    const edited = await staff('PATCH', `/api/v1/integrations/${id}`, {
      ifMatch: Number(/\d+/.exec(String(headers['etag']))![0]),
      body: { ownerContactId: other!.id },
    });
    expect(edited).toMatchObject({ status: 200, body: { state: 'approved' } });
    expect(
      await sql(
        `SELECT 1 FROM alert WHERE kind = 'integration.quarantined' AND subject_id = $1 AND handled_at IS NULL`,
        [id],
      ),
    ).toEqual([]);
    const ledger = await sql<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 AND kind IN ('integration.quarantined', 'integration.released') ORDER BY id`,
      [id],
    );
    expect(ledger.map(({ kind }) => kind)).toEqual(['integration.quarantined', 'integration.released']);
  });

  test('a report that matched nothing is a hint, ranked, and becomes a shadow integration once', async () => {
    const [batch, now] = [newId(), world.clock.date()];
    await sql(`INSERT INTO exposure_batch (id, correlation_id, created_at) VALUES ($1, 'test', $2)`, [
      batch,
      now,
    ]);
    const report = (n: number, place: string, o: { live?: boolean; public?: boolean } = {}) =>
      sql(
        `INSERT INTO exposure (id, reference, batch_id, external_ref, reporter_kind, reporter_id, trust, place, state, triage_reason, match, kind, source_says, publicly_leaked,
                               received_at, correlation_id, updated_at)
         VALUES ($1, $2, $3, $4, 'token', 'scanner', 'inform', $5, 'triage', 'nothing matches', 'none', 'api_key', $6, $7, $8, 'test', $8)`,
        [
          newId(),
          `EXP-2026-9${n}`,
          batch,
          `ref-${n}`,
          place,
          o.live ? 'live' : 'unknown',
          o.public ?? false,
          now,
        ],
      );
    for (const n of [1, 2, 3]) await report(n, 'github:acme/tools');
    await report(4, 'github:acme/public', { live: true, public: true });
    const { body } = await staff('GET', '/api/v1/inventory/shadows');
    expect(body.reports).toMatchObject([
      { place: 'github:acme/public', reports: 1, saidLive: true, integration: null },
      { place: 'github:acme/tools', reports: 3, integration: null },
    ]);
    const declare = () =>
      staff('POST', '/api/v1/inventory/shadows', {
        body: { finding: body.reports[0].finding, name: 'Public tools' },
      });
    const [first, second] = [await declare(), await declare()];
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.id).toBe(first.body.id);
    ids['shadow'] = first.body.id;
    expect((await staff('GET', '/api/v1/inventory/shadows')).body.reports[0].integration).toMatchObject({
      id: first.body.id,
      state: 'draft',
    });
    await round();
    world.clock.advance(ELAPSED_DAY);
    await round();
    expect(await state('shadow')).toBe('quarantined');
  });
});
