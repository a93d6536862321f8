import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { Secret } from '../../src/kernel/secret.ts';
import { system } from '../../src/kernel/principal.ts';
import { digestsOf } from '../../src/domain/credentials/fingerprint.rules.ts';
import { connectionBinding } from '../../src/domain/revocation/connections.service.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { AUTHORITY, TRUSTED_CLIENT } from '../support/certificates.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller, importFile, portfolioExample } from '../support/portfolio.ts';

let world: TestApp;
let staff: ReturnType<typeof caller>;
let admin: ReturnType<typeof caller>;
const ids: Record<string, string> = {};

beforeAll(async () => {
  world = await startApp();
  const token = await world.token('vendor_risk');
  staff = caller(world, token);
  admin = caller(world, await world.token('admin'));
  const { job } = await importFile(world, token, portfolioExample('example.yaml'), 'yaml');
  expect(job).toMatchObject({ state: 'done' });
  // A second pair of firms, which the first must never see.
  const other = portfolioExample('example.yaml')
    .toString()
    .replace('source: example', 'source: other')
    .replaceAll('de-office', 'xx-office')
    .replaceAll('Paylane', 'Otherlane')
    .replaceAll('Checkout', 'Elsewhere');
  expect((await importFile(world, token, other, 'yaml')).job).toMatchObject({ state: 'done' });
  for (const [kind, key] of [
    ['parties', 'paylane'],
    ['parties', 'us'],
    ['parties', 'cloudhost'],
    ['integrations', 'checkout'],
    ['integrations', 'refunds'],
    ['credentials', 'checkout-token'],
    ['agreements', 'paylane-2026'],
    ['connections', 'paylane-live'],
  ] as const) {
    const call = kind === 'connections' ? admin : staff;
    ids[key] = (await call('GET', `/api/v1/${kind}?source=example&key=${key}`)).body[kind][0].id;
  }
});
afterAll(() => world.close());

describe('reading', () => {
  test('an integration says who is accountable, what it uses, where copies lie and who can stop it', async () => {
    const { body, headers } = await staff('GET', `/api/v1/integrations/${ids['checkout']}`);
    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({
      reference: expect.stringMatching(/^INT-\d{4}-\d{4}$/),
      name: 'Checkout payments',
      state: 'draft',
      owner: { name: 'Payments team' },
      parties: expect.arrayContaining([{ id: ids['paylane'], name: 'Paylane Payments', role: 'supplier' }]),
      matrix: { number: 1, state: 'draft', inForce: true, gaps: [], shared: [] },
      credentials: [{ label: 'Checkout access token', home: true, shared: true, type: 'oauth_access_token' }],
    });
    expect(body.matrix.rows[0]).toMatchObject({
      duty: 'admission',
      accountable: { name: 'Northwind Retail' },
      contact: { name: 'Security desk' },
    });
    const [credential] = body.credentials;
    expect(credential.versions).toMatchObject([
      {
        number: 2,
        phase: 'active',
        supplierId: 'tok_live_7f',
        recognisable: ['value'],
        death: { revocation: 'none', liveness: null },
      },
      { number: 1, phase: 'retired' },
    ]);
    expect(credential.stoppers.map((stopper: { label: string }) => stopper.label)).toEqual([
      'Paylane (live account)',
      'On-call',
    ]);
    expect(body.locations.map((location: { type: string }) => location.type).sort()).toEqual([
      'ci_variable',
      'vault',
    ]);
  });

  test('an integration without a matrix shows twelve gaps where one would stand', async () => {
    const { body } = await staff('GET', `/api/v1/integrations/${ids['refunds']}`);
    expect(body.matrix).toBeNull();
    expect(body.dependencies).toMatchObject([{ integrationId: ids['checkout'], depth: 2 }]);
  });

  test('an agreement shows its versions, terms and recipients', async () => {
    const { body } = await staff('GET', `/api/v1/agreements/${ids['paylane-2026']}`);
    expect(body).toMatchObject({
      version: 1,
      partyName: 'Paylane Payments',
      versions: [
        {
          authority: 'approve_within',
          approveWithinMinutes: 30,
          containmentSteps: ['Revoke the leaked version', 'End open sessions', 'Ask for a replacement'],
        },
      ],
    });
    const terms = body.versions[0].terms as {
      direction: string;
      windowCount: number;
      recipients: object[];
    }[];
    expect(terms.find(({ direction }) => direction === 'to_party')).toMatchObject({
      windowCount: 24,
      windowUnit: 'elapsed-hours',
      recipients: [
        { name: 'Incident desk', fallback: false },
        { name: 'On-call', fallback: true, afterMinutes: 30, afterPercent: null },
      ],
    });
  });

  test('lists page by name without gaps or doubles, and narrow by text, role and key', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await staff('GET', `/api/v1/parties?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(body.parties.length).toBeLessThanOrEqual(2);
      seen.push(...body.parties.map((party: { name: string }) => party.name));
      cursor = body.next ?? '';
    } while (cursor);
    expect(seen).toEqual([
      'Cloudhost',
      'Cloudhost',
      'Northwind Retail',
      'Northwind Retail',
      'Otherlane Payments',
      'Paylane Payments',
    ]);
    const suppliers = (await staff('GET', '/api/v1/parties?role=supplier&text=lane%20pay')).body.parties;
    expect(suppliers).toMatchObject([
      { name: 'Otherlane Payments' },
      { name: 'Paylane Payments', roles: ['supplier'] },
    ]);
    expect((await staff('GET', '/api/v1/integrations?text=100%25_')).body.integrations).toEqual([]);
    expect(
      (await staff('GET', `/api/v1/credentials?integrationId=${ids['refunds']}`)).body.credentials,
    ).toMatchObject([{ id: ids['checkout-token'], uses: 2 }]);
    expect((await staff('GET', '/api/v1/parties?cursor=nonsense')).status).toBe(400);
    expect((await staff('GET', '/api/v1/parties?text=%00')).status).toBe(400);
  });
});

describe('editing', () => {
  test('takes the version that was read, and refuses a stale or missing one', async () => {
    const url = `/api/v1/parties/${ids['cloudhost']}`;
    expect((await staff('PATCH', url, { body: { region: 'US' } })).status).toBe(428);
    const edited = await staff('PATCH', url, { body: { region: 'US' }, ifMatch: 1 });
    expect(edited).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { region: 'US', rowVersion: 2 },
    });
    expect(await staff('PATCH', url, { body: { region: 'EU' }, ifMatch: 1 })).toMatchObject({
      status: 412,
      body: { code: 'stale-version' },
    });
    // What says nothing new moves nothing.
    expect(await staff('PATCH', url, { body: { region: 'US' }, ifMatch: 2 })).toMatchObject({
      status: 200,
      body: { rowVersion: 2 },
    });
  });

  test('a state cannot be set by hand, nor anything else that is not in the list', async () => {
    expect(
      await staff('PATCH', `/api/v1/integrations/${ids['refunds']}`, { body: { state: 'live' }, ifMatch: 1 }),
    ).toMatchObject({ status: 400 });
  });

  test('an owner must exist', async () => {
    const wrong = await staff('PATCH', `/api/v1/integrations/${ids['refunds']}`, {
      body: { ownerContactId: ids['us'] },
      ifMatch: 1,
    });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'no-such-contact' } });
    const named = await staff('PATCH', `/api/v1/integrations/${ids['refunds']}`, {
      body: { name: 'Refunds desk' },
      ifMatch: 1,
    });
    expect(named).toMatchObject({ status: 200, body: { name: 'Refunds desk', rowVersion: 2 } });
  });

  test('an authority of approve_within keeps its minutes', async () => {
    const url = `/api/v1/credentials/${ids['checkout-token']}`;
    expect((await staff('PATCH', url, { body: { authority: 'approve_within' }, ifMatch: 1 })).status).toBe(
      400,
    );
    expect(
      await staff('PATCH', url, {
        body: { authority: 'approve_within', approveWithinMinutes: 5 },
        ifMatch: 1,
      }),
    ).toMatchObject({ status: 200, body: { approveWithinMinutes: 5 } });
    expect((await staff('PATCH', url, { body: { approveWithinMinutes: null }, ifMatch: 2 })).status).toBe(
      400,
    );
    expect(await staff('PATCH', url, { body: { authority: 'revoke_now' }, ifMatch: 2 })).toMatchObject({
      status: 200,
      body: { authority: 'revoke_now', approveWithinMinutes: null },
    });
  });

  test('the ledger says which fields changed, and what they hold now only where it can be erased', async () => {
    const entries = await asAdmin<{ kind: string; body: string }>(
      `SELECT kind, body FROM ledger_entry WHERE kind IN ('party.changed', 'integration.changed') AND body::jsonb #>> '{facts,changed}' IS NOT NULL ORDER BY id`,
    );
    expect(entries.map(({ kind }) => kind)).toEqual(['party.changed', 'integration.changed']);
    expect(entries.map(({ body }) => body).join()).not.toContain('Refunds desk');
  });
});

describe('a replacement', () => {
  test('fills the slot; its value is recognised and nowhere kept', async () => {
    const value = `cs-test-${createHash('sha256').update('replacement').digest('hex')}`;
    const url = `/api/v1/credentials/${ids['checkout-token']}/versions`;
    const added = await staff('POST', url, { body: { supplierId: 'tok_new', value } });
    expect(added).toMatchObject({ status: 201, body: { number: 3 } });
    expect(await staff('POST', url, { body: { supplierId: 'tok_new', value } })).toMatchObject({
      status: 200,
      body: added.body,
    });
    const { body } = await staff('GET', `/api/v1/credentials/${ids['checkout-token']}`);
    expect(
      body.versions.map(({ number, phase }: { number: number; phase: string }) => [number, phase]),
    ).toEqual([
      [3, 'active'],
      [2, 'overlap'],
      [1, 'retired'],
    ]);

    const digests = digestsOf(Secret.of(value), world.app.get(Keys).peppers()).map(({ digest }) => digest);
    expect(
      await asAdmin('SELECT version_id AS id FROM fingerprint WHERE digest = ANY($1)', [digests]),
    ).toEqual([{ id: added.body.id }]);
    for (const name of await tables())
      expect({
        name,
        found: await asAdmin(`SELECT 1 FROM "${name}" t WHERE t::text LIKE '%' || $1 || '%'`, [value]),
      }).toEqual({ name, found: [] });
    expect(world.log.text).not.toContain(value);
  });

  test('its copies are recorded with it', async () => {
    const url = `/api/v1/credentials/${ids['checkout-token']}/locations`;
    const added = await staff('POST', url, {
      body: { type: 'vault', name: 'New vault', partyId: ids['us'], provable: 'store_api' },
    });
    expect(added.status).toBe(201);
    const { body } = await staff('GET', `/api/v1/credentials/${ids['checkout-token']}`);
    const active = body.versions.find(({ phase }: { phase: string }) => phase === 'active');
    expect(body.locations.find(({ id }: { id: string }) => id === added.body.id)).toMatchObject({
      versionId: active.id,
      name: 'New vault',
    });
    expect(
      await staff('POST', url, { body: { type: 'vault', name: 'X', partyId: ids['checkout'] } }),
    ).toMatchObject({ status: 400, body: { errors: [{ field: '/partyId' }] } });
  });

  test('a taken number is a conflict; a value and its digest together are one too many', async () => {
    const url = `/api/v1/credentials/${ids['checkout-token']}/versions`;
    expect((await staff('POST', url, { body: { number: 1, supplierId: 'another' } })).status).toBe(409);
    expect((await staff('POST', url, { body: { value: 'x', sha256: 'a'.repeat(64) } })).status).toBe(400);
  });
});

describe('the secrets of a connection', () => {
  const secret = 'cs-test-client-secret-5f1d';

  test('go in and never come out', async () => {
    const url = `/api/v1/connections/${ids['paylane-live']}/secrets`;
    expect(
      await staff('PUT', url, { body: { auth: { client_id: 'us', client_secret: secret } } }),
    ).toMatchObject({ status: 403 });
    const put = await admin('PUT', url, {
      body: {
        auth: { client_id: 'us', client_secret: secret },
        control: { supplierId: 'canary', value: 'cs-test-canary' },
      },
    });
    expect(put).toMatchObject({
      status: 200,
      body: { secrets: ['client_id', 'client_secret'], control: { set: true, supplierId: 'canary' } },
    });
    expect(JSON.stringify(put.body)).not.toContain(secret);
    expect(await stored('client_secret')).toBe(secret);
    expect(await admin('PUT', url, { body: { auth: { nobody_asked: 'x' } } })).toMatchObject({
      status: 400,
      body: { errors: [{ field: '/auth/nobody_asked' }] },
    });
    const half = await admin('PUT', url, { body: { auth: { client_certificate: secret } } });
    expect(half).toMatchObject({
      status: 400,
      body: { errors: [{ field: '/auth/client_certificate', problem: expect.stringMatching(/^is no PEM/) }] },
    });
    expect(JSON.stringify(half.body)).not.toContain(secret);
    const whole = { client_certificate: TRUSTED_CLIENT, server_authorities: AUTHORITY };
    expect(await admin('PUT', url, { body: { auth: whole } })).toMatchObject({
      status: 200,
      body: { secrets: ['client_certificate', 'client_id', 'client_secret', 'server_authorities'] },
    });
  });

  test('an import of the same connection leaves them alone; one that points it elsewhere drops them', async () => {
    const token = await world.token('vendor_risk');
    const at = (baseUrl: string) =>
      JSON.stringify({
        kind: 'connection',
        key: 'paylane-live',
        party: 'paylane',
        name: 'Paylane',
        preset: 'oauth-generic',
        baseUrl,
        maxConcurrent: 3,
        perSecond: 12.5,
      });
    const same = await importFile(world, token, at('https://id.paylane.example/'), 'jsonl', 'source=example');
    expect(same.job).toMatchObject({ state: 'done', counts: { connection: { changed: 1 } } }); // its name
    expect(await stored('client_secret')).toBe(secret);
    // What the file says of limits holds for the next step that is taken there.
    expect(
      await asAdmin(`SELECT concurrency, per_second FROM lane WHERE key = $1`, [
        `connection:${ids['paylane-live']}`,
      ]),
    ).toEqual([{ concurrency: 3, per_second: 12.5 }]);
    const elsewhere = await importFile(
      world,
      token,
      at('https://id.evil.example'),
      'jsonl',
      'source=example',
    );
    expect(elsewhere.job).toMatchObject({ state: 'done', counts: { connection: { changed: 1 } } });
    expect((await admin('GET', `/api/v1/connections/${ids['paylane-live']}`)).body).toMatchObject({
      baseUrl: 'https://id.evil.example',
      secrets: [],
      control: { set: false, supplierId: null },
    });
  });

  async function stored(name: string): Promise<string> {
    const [row] = await asAdmin<{ refs: Record<string, string> }>(
      'SELECT auth_refs AS refs FROM connection WHERE id = $1',
      [ids['paylane-live']],
    );
    return world.app.get(Transactions).run(system('test', 'test'), async (db) => {
      const found = await world.app
        .get(Vault)
        .get(db, row?.refs[name] ?? '', connectionBinding(ids['paylane-live'] ?? '', name));
      return found.use((value) => value);
    });
  }
});

describe('a party sees its own', () => {
  test('its integrations, the other side by name, and no one else', async () => {
    const paylane = caller(world, await world.token('party_contact', ids['paylane']));
    const { body } = await paylane('GET', '/api/v1/integrations');
    expect(body.integrations.map(({ id }: { id: string }) => id).sort()).toEqual(
      [ids['checkout'] ?? '', ids['refunds'] ?? ''].sort(),
    );
    const one = await paylane('GET', `/api/v1/integrations/${ids['checkout']}`);
    expect(one.body).toMatchObject({ name: 'Checkout payments', owner: { name: null } });
    expect(one.body.matrix.rows.find(({ duty }: { duty: string }) => duty === 'storage')).toMatchObject({
      accountable: { name: 'Northwind Retail' },
    });
    expect(one.body.credentials[0].versions[0].recognisable).toEqual([]); // what we would recognise is ours to know
    expect((await paylane('GET', '/api/v1/parties')).body.parties).toMatchObject([
      { name: 'Paylane Payments' },
    ]);
    expect((await paylane('GET', `/api/v1/parties/${ids['us']}`)).status).toBe(404);
    expect((await paylane('GET', '/api/v1/connections')).status).toBe(403);
    expect(
      (
        await paylane('PATCH', `/api/v1/integrations/${ids['checkout']}`, {
          body: { name: 'Mine' },
          ifMatch: 1,
        })
      ).status,
    ).toBe(403);
    expect(JSON.stringify((await paylane('GET', '/api/v1/credentials')).body)).not.toContain('Elsewhere');
  });

  test('a shared credential shows its use here, and neither its home nor its other uses', async () => {
    const cloudhost = caller(world, await world.token('party_contact', ids['cloudhost']));
    expect(
      (await cloudhost('GET', '/api/v1/integrations')).body.integrations.map(({ id }: { id: string }) => id),
    ).toEqual([ids['checkout']]);
    const { body } = await cloudhost('GET', `/api/v1/credentials/${ids['checkout-token']}`);
    expect(body.usedBy.map(({ integrationId }: { integrationId: string }) => integrationId)).toEqual([
      ids['checkout'],
    ]);
    expect((await cloudhost('GET', `/api/v1/integrations/${ids['refunds']}`)).status).toBe(404);
  });

  test('with one party’s settings no table yields a row of another', async () => {
    const [otherlane] = await asAdmin<{ id: string }>(
      `SELECT id FROM party WHERE source = 'other' AND external_key = 'paylane'`,
    );
    const theirs = await asAdmin<{ id: string }>(
      `SELECT id::text FROM party WHERE source = 'other' UNION ALL SELECT id::text FROM contact WHERE source = 'other' UNION ALL SELECT id::text FROM integration WHERE source = 'other'
       UNION ALL SELECT id::text FROM credential WHERE source = 'other' UNION ALL SELECT id::text FROM agreement WHERE source = 'other' UNION ALL SELECT id::text FROM location WHERE source = 'other'
       UNION ALL SELECT v.id::text FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE c.source = 'other'`,
    );
    expect(theirs.length).toBeGreaterThan(10);
    const seen = await rowsSeenBy(ids['paylane'] ?? '');
    for (const { id } of theirs) expect({ id, seen: seen.includes(id) }).toEqual({ id, seen: false });
    // The same question finds what is theirs when they ask it: the search can fail.
    expect(await rowsSeenBy(otherlane?.id ?? '')).toContain(otherlane?.id);
    expect(seen).toContain(ids['checkout']);
  });

  test('without any settings nothing is seen at all', async () => {
    const client = new Client(world.database.url);
    await client.connect();
    try {
      for (const name of await tables()) {
        const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM "${name}"`);
        expect({ name, ...rows[0] }).toEqual({ name, n: 0 });
      }
    } finally {
      await client.end();
    }
  });
});

/** Every row of every table that a session of the party can read, as one text. */
async function rowsSeenBy(partyId: string): Promise<string> {
  const by = { ...system('test', 'test'), kind: 'token' as const, partyId };
  const names = await tables();
  return world.app.get(Transactions).run(by, async (db) => {
    const parts: string[] = [];
    for (const name of names) {
      const [row] = await db.query<{ rows: string | null }[]>(
        `SELECT string_agg(t::text, E'\\n') AS rows FROM "${name}" t`,
      );
      parts.push(`${name}: ${row?.rows ?? ''}`);
    }
    return parts.join('\n');
  });
}

/** Tables of the application, but for what has no rows of anybody: the list of migrations, and staging, which is empty between imports. */
async function tables(): Promise<string[]> {
  const rows = await asAdmin<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE 'typeorm%' AND relname NOT LIKE 'staging%'`,
  );
  return rows.map(({ name }) => name);
}

async function asAdmin<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new Client(world.database.adminUrl);
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
