import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { witnessesOf } from '../../src/console/incidents/room-context.queries.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { ownWays } from '../../src/domain/exposures/reported-by.queries.ts';
import { UsageRetentionSweep } from '../../src/domain/usage/usage-retention.sweep.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';

let world: TestApp;
let scene: LeakScene;
let machine: string;
let shop: Id;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  shop = await scene.integration('Shop', { parties: [scene.customerId] });
  machine = await tokenOf(null);
}, 120_000);
afterAll(() => world.close());

/** A machine that may report use, and nothing else. */
async function tokenOf(partyId: Id | null): Promise<string> {
  const made = await world.app.get(AccessService).createToken(
    {
      name: 'gateway',
      permissions: ['usage:report'],
      partyId,
      expiresAt: world.clock.now() + 400 * ELAPSED_DAY,
    },
    system(newId(), 'test'),
  );
  return expectOk(made).value.use((value) => value);
}

async function report(events: unknown, o: { token?: string; feed?: string; lines?: boolean } = {}) {
  const answer = await world.app.inject({
    method: 'POST',
    url: `/api/v1/usage-events?feed=${o.feed ?? 'gateway'}`,
    headers: {
      authorization: `Bearer ${o.token ?? machine}`,
      'content-type': o.lines ? 'application/x-ndjson' : 'application/json',
    },
    payload: o.lines ? String(events) : JSON.stringify(events),
  });
  return { status: answer.statusCode, text: answer.body, body: JSON.parse(answer.body) };
}

let events = 0;
const use = (credential: SceneCredential, more: object = {}) => ({
  eventId: `e-${(events += 1)}`,
  supplierId: credential.supplierId,
  at: new Date(world.clock.now() - SECOND).toISOString(),
  outcome: 'accepted',
  ...more,
});
const exposuresOf = (credential: SceneCredential) =>
  scene.rows<{ external_ref: string; state: string; incident_id: Id; trust: string; match: string }>(
    `SELECT external_ref, state, incident_id, trust, match FROM exposure WHERE version_id = $1 ORDER BY id`,
    [credential.versionId],
  );

describe('reports of use', () => {
  test('named in four ways, sent as array, single and lines; sent again it counts once', async () => {
    const credential = await scene.credential(shop, { kind: 'api_key' });
    const { reference } = await scene.one<{ reference: string }>(
      `SELECT reference FROM credential WHERE id = $1`,
      [credential.credentialId],
    );
    await scene.rows(
      `UPDATE credential SET source = 'test', external_key = 'shop-key' WHERE id = $1 RETURNING id`,
      [credential.credentialId],
    );
    const sha256 = createHash('sha256').update(credential.value).digest('hex');
    const batch = [
      use(credential),
      use(credential, { supplierId: undefined, credential: reference }),
      use(credential, { supplierId: undefined, credentialKey: 'shop-key' }),
      use(credential, { supplierId: undefined, sha256, outcome: 'refused', sourceAddress: '203.0.113.77' }),
    ];
    expect((await report(batch)).body).toEqual({ accepted: 4, known: 0, refused: [], notes: [] });
    expect((await report(batch)).body).toEqual({ accepted: 0, known: 4, refused: [], notes: [] });
    expect((await report(batch, { feed: 'another-feed' })).body).toMatchObject({ accepted: 4 });
    expect((await report(use(credential))).body).toMatchObject({ accepted: 1 });
    const lines = `${JSON.stringify(use(credential))}\n\n{broken\n${JSON.stringify(use(credential))}`;
    expect((await report(lines, { lines: true })).body).toMatchObject({
      accepted: 2,
      refused: [{ index: 1, code: 'json-syntax', mend: expect.any(String) }],
    });
    const rows = await scene.rows<{ address: Buffer | null }>(
      `SELECT address_pseudonym AS address FROM usage_event WHERE version_id = $1`,
      [credential.versionId],
    );
    expect(rows).toHaveLength(11);
    expect(JSON.stringify(rows)).not.toContain('203.0.113.77');
    expect(rows.filter(({ address }) => address !== null)).toHaveLength(2);
  });

  test('an event is described where the API is', async () => {
    const described = (await world.app.inject('/api/openapi.json')).json<{
      paths: Record<string, { post: { requestBody: { content: Record<string, unknown> } } }>;
      components: { schemas: Record<string, { properties: object }> };
    }>();
    const { content } = described.paths['/api/v1/usage-events']!.post.requestBody;
    expect(Object.keys(content).toSorted()).toEqual([
      'application/json',
      'application/jsonl',
      'application/x-ndjson',
    ]);
    expect(JSON.stringify(content)).toContain('#/components/schemas/UsageEvent');
    expect(Object.keys(described.components.schemas['UsageEvent']!.properties)).toContain('credentialKey');
  });

  test('what is refused is refused alone, with its place and a mend, and without an echo', async () => {
    const credential = await scene.credential(shop);
    const secret = `ghp_${'Zx9'.repeat(12)}`;
    const { body, text, status } = await report([
      use(credential),
      use(credential, { actor: `job with ${secret}` }),
      use(credential, { value: secret }),
      use(credential, { supplierId: 'of nobody' }),
      use(credential, { sha256: 'a'.repeat(64) }),
      use(credential, { at: new Date(world.clock.now() + HOUR).toISOString() }),
      use(credential, { version: 7 }),
      'no event',
      // No supplier marks it as a token, and still it is the value of a credential that is known here.
      use(credential, { actor: credential.value }),
      use(credential, { location: credential.value }),
      use(credential, { eventId: credential.value }),
      use(credential, { environment: credential.value }),
    ]);
    expect(status).toBe(200);
    expect(body.accepted).toBe(1);
    expect(body.refused.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual([
      [1, 'holds-a-value'],
      [2, 'unknown-member'],
      [3, 'unknown-credential'],
      [4, 'invalid'],
      [5, 'future'],
      [6, 'unknown-credential'],
      [7, 'invalid'],
      [8, 'holds-a-value'],
      [9, 'holds-a-value'],
      [10, 'holds-a-value'],
      [11, 'holds-a-value'],
    ]);
    for (const value of [secret, credential.value]) {
      expect(text).not.toContain(value);
      const declared = await world.app.inject({
        method: 'PUT',
        url: `/api/v1/credentials/${credential.credentialId}/known-actors`,
        headers: { authorization: `Bearer ${await world.token('admin')}` },
        payload: { actors: ['ci', value] },
      });
      expect(declared.statusCode).toBe(400);
      expect(declared.json()).toMatchObject({ errors: [{ field: '/actors/1' }] });
    }
    expect(world.log.text).not.toContain(secret);
  });

  test('a known value is refused wherever somebody writes in their own words', async () => {
    const credential = await scene.credential(shop);
    const bearer = { authorization: `Bearer ${await world.token('admin')}` };
    const fresh = 'a value that nobody knew before';
    const id = newId();
    const sent = (method: 'POST' | 'PUT', url: string, payload: object) =>
      world.app.inject({ method, url: `/api/v1/${url}`, headers: bearer, payload });
    const versions = `credentials/${credential.credentialId}/versions`;
    for (const [field, answer] of [
      ['supplierId', await sent('POST', versions, { supplierId: credential.value })],
      ['supplierId', await sent('POST', versions, { supplierId: fresh, value: fresh })],
      [
        'supplierId',
        await sent('POST', `credentials/${credential.credentialId}/rotations`, {
          supplierId: credential.value,
        }),
      ],
      [
        'name',
        await sent('POST', `credentials/${credential.credentialId}/locations`, { name: credential.value }),
      ],
      [
        'reason',
        await sent('POST', 'risk-acceptances', { reason: `It is KEY="${credential.value}", carried on.` }),
      ],
      ['note', await sent('POST', `downstream-items/${id}/settle`, { note: `seen:\n${credential.value}` })],
      ['text', await sent('POST', 'statements', { text: credential.value, signsFor: 'Shop' })],
    ] as const) {
      expect(answer.json()).toMatchObject({
        status: 400,
        code: 'holds-a-value',
        errors: [{ field: `/${field}`, problem: expect.any(String), mend: expect.any(String) }],
      });
      expect(answer.body).not.toContain(credential.value);
    }
    const deep = await sent('POST', 'statements', {
      text: 'Seen.',
      lines: [{ note: 'fine' }, { places: [{ title: `key: ${credential.value}` }] }],
    });
    expect(deep.json()).toMatchObject({
      code: 'holds-a-value',
      errors: [{ field: '/lines/1/places/0/title' }],
    });
    // Whoever has nothing but a link is told the same, as a page.
    for (const [url, field] of [
      [`/notice/${'0'.repeat(24)}`, 'name'],
      [`/notice/${'0'.repeat(24)}/next`, 'next'],
      ['/sign-matrix', 'signs_for'],
      ['/sign-matrix/back', 'text'],
    ] as const) {
      const outside = await world.app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ [field]: `it is ${credential.value}` }).toString(),
      });
      expect([url, outside.statusCode]).toEqual([url, 400]);
      expect(outside.body).toContain(`/${field}`);
      expect(outside.body).toContain('Name the credential by its reference');
      expect(outside.body).not.toContain(credential.value);
    }
    const asked = await sent('POST', 'risk-acceptances', { reason: 'It is carried on.' });
    expect(asked.json()).toMatchObject({ code: 'invalid-input' });
    expect(world.log.text).not.toContain(credential.value);
  });

  test('a token of its own: only that permission, and a party only for what its integrations use', async () => {
    const credential = await scene.credential(shop);
    const elsewhere = await scene.credential(await scene.integration('Elsewhere'));
    const party = await tokenOf(scene.customerId);
    expect((await report([use(credential), use(elsewhere)], { token: party })).body).toMatchObject({
      accepted: 1,
      refused: [{ index: 1, code: 'unknown-credential' }],
    });
    expect((await report([use(credential)], { token: await world.token('auditor') })).status).toBe(403);
    const read = await world.app.inject({
      method: 'GET',
      url: '/api/v1/usage-feeds',
      headers: { authorization: `Bearer ${machine}` },
    });
    expect(read.statusCode).toBe(403);
  });

  test('last use by location; what was not seen is not never', async () => {
    const credential = await scene.credential(shop);
    const [vault, laptop] = [newId(), newId()];
    for (const [id, key] of [
      [vault, 'vault-1'],
      [laptop, 'laptop-1'],
    ])
      await scene.rows(
        `INSERT INTO location (id, source, external_key, credential_id, integration_id, kind, name, party_id, created_at, updated_at)
         VALUES ($1, 'test', $2, $3, $4, 'vault', $2, $5, $6, $6) RETURNING id`,
        [id, key, credential.credentialId, shop, scene.operatorId, world.clock.date()],
      );
    const last = new Date(world.clock.now() - MINUTE).toISOString();
    await report([
      use(credential, { location: 'vault-1', at: last, actor: 'ci' }),
      use(credential, {
        location: 'vault-1',
        at: new Date(world.clock.now() - HOUR).toISOString(),
        actor: 'old',
      }),
      use(credential, {
        location: 'of-nobody',
        at: new Date(world.clock.now() - HOUR).toISOString(),
        environment: 'laptop',
      }),
    ]);
    const { body } = await scene.call('GET', `/api/v1/credentials/${credential.credentialId}/usage`);
    expect(body.seen).toMatchObject([
      {
        location: { id: vault },
        lastAt: last,
        lastActor: 'ci',
        uses: 2,
        label: 'expected',
        labels: [{ label: 'expected', uses: 2 }],
      },
      { location: null, uses: 1, label: 'other_environment' },
    ]);
    expect(body.unseen).toEqual([{ id: laptop, name: 'laptop-1' }]);
    expect(body.note).toMatch(/not "never used"/);
    const shown = await scene.call('GET', `/api/v1/credentials/${credential.credentialId}`);
    expect(shown.body.lastUsedAt).toBe(last);
  });

  test('a row of uses by many is labelled by its parts, not by the last of them, and names one that the label is about', async () => {
    const credential = await scene.credential(shop);
    await scene.rows(
      `INSERT INTO known_actor (credential_id, integration_id, actor, declared_by, declared_at) VALUES ($1, $2, 'ci', 'test', $3) RETURNING actor`,
      [credential.credentialId, shop, world.clock.date()],
    );
    await report([
      ...Array.from({ length: 40 }, () => use(credential, { actor: 'ci' })),
      use(credential, { actor: 'stranger', at: new Date(world.clock.now()).toISOString() }),
    ]);
    const { body } = await scene.call('GET', `/api/v1/credentials/${credential.credentialId}/usage`);
    expect(body.seen).toMatchObject([
      {
        lastActor: 'ci',
        uses: 41,
        label: 'expected',
        labels: [
          { label: 'expected', uses: 40 },
          { label: 'unknown_actor', uses: 1 },
        ],
      },
    ]);
  });

  test('an event from a location that is not on record is taken, and told so by its place', async () => {
    const credential = await scene.credential(shop);
    const { body } = await report([use(credential), use(credential, { location: 'of-nobody' })]);
    expect(body).toMatchObject({
      accepted: 2,
      refused: [],
      notes: [{ index: 1, field: '/location', code: 'unknown-location' }],
    });
  });

  test('a feed that was silent leaves a gap, and an empty batch is a sign of life', async () => {
    const credential = await scene.credential(shop);
    const describe = async (key: string) =>
      world.app.inject({
        method: 'PUT',
        url: `/api/v1/usage-feeds/${key}`,
        headers: { authorization: `Bearer ${await world.token('admin')}` },
        payload: { quietAfterMinutes: 60, clock: 'synchronised' },
      });
    expect((await describe('hourly')).json()).toMatchObject({ status: 404, code: 'no-feed' });
    await report([], { feed: 'hourly' });
    expect((await describe('hourly')).statusCode).toBe(204);
    expect((await describe('hourli')).statusCode).toBe(404);
    expect(await scene.rows(`SELECT FROM usage_feed WHERE key = 'hourli'`)).toHaveLength(0);
    const gaps = () =>
      scene.rows(`SELECT FROM usage_gap g JOIN usage_feed f ON f.id = g.feed_id WHERE f.key = 'hourly'`);
    await report([use(credential)], { feed: 'hourly' });
    world.clock.advance(50 * MINUTE);
    await report([], { feed: 'hourly' });
    world.clock.advance(50 * MINUTE);
    await report([use(credential)], { feed: 'hourly' });
    expect(await gaps()).toHaveLength(0);
    world.clock.advance(61 * MINUTE);
    await report([use(credential)], { feed: 'hourly' });
    expect(await gaps()).toHaveLength(1);
  });
});

describe('use that should not be', () => {
  test('after revocation: one exposure, however often it is used that day; the incident waits for a person', async () => {
    const credential = await scene.credential(shop, { authority: 'revoke_now' });
    await scene.rows(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, revocation_at, updated_at)
       VALUES ($1, $2, $3, 'accepted', $4, $4) RETURNING version_id`,
      [credential.versionId, credential.credentialId, shop, new Date(world.clock.now() - HOUR)],
    );
    await report([use(credential, { outcome: 'refused' })]);
    await scene.settled();
    expect(await exposuresOf(credential)).toHaveLength(0);
    await report([use(credential), use(credential)]);
    await report([use(credential)]);
    await scene.settled();
    const [exposure, ...more] = await exposuresOf(credential);
    expect(more).toHaveLength(0);
    expect(exposure).toMatchObject({ state: 'accepted', match: 'metadata', trust: 'inform' });
    // What its opening made of it, and not its state by now: whoever rolls up later finds the revocation of before.
    const [first] = await scene.rows(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 AND kind IN ('incident.triage', 'incident.containing') ORDER BY n`,
      [exposure!.incident_id],
    );
    expect(first).toEqual({ kind: 'incident.triage' });
    expect(
      await scene.one(`SELECT uses::int FROM usage_alarm WHERE credential_id = $1`, [
        credential.credentialId,
      ]),
    ).toEqual({
      uses: 3,
    });
    // Named where people look: in the incident, and among the ways that nobody had to set up.
    const witnesses = await scene.work((db) => witnessesOf(db, exposure!.incident_id));
    expect(witnesses.map(({ sourceName }) => sourceName)).toEqual(['Unusual use']);
    expect(await scene.work(ownWays)).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'Unusual use' })]),
    );
    world.clock.advance(ELAPSED_DAY + MINUTE);
    await report([use(credential)]);
    await scene.settled();
    const later = await exposuresOf(credential);
    expect(later).toHaveLength(2);
    expect(later[1]!.incident_id).toBe(exposure!.incident_id);
  });

  test('a burst is only one against what is usual; refused uses in numbers always are', async () => {
    const [quiet, busy, fresh, guessed] = await scene.credentials(shop, 4);
    const many = (credential: SceneCredential, count: number, more: object = {}) =>
      Array.from({ length: count }, () => use(credential, more));
    await report([...many(quiet!, 10), ...many(busy!, 70)]);
    world.clock.advance(ELAPSED_DAY + HOUR);
    await report([
      ...many(quiet!, 80),
      ...many(busy!, 80),
      ...many(fresh!, 80),
      ...many(guessed!, 55, { outcome: 'refused' }),
    ]);
    await scene.settled();
    expect((await exposuresOf(quiet!)).map(({ external_ref: ref }) => ref.split(':')[1])).toEqual(['burst']);
    expect(await exposuresOf(busy!)).toHaveLength(0);
    expect(await exposuresOf(fresh!)).toHaveLength(0);
    expect((await exposuresOf(guessed!)).map(({ external_ref: ref }) => ref.split(':')[1])).toEqual([
      'refused_burst',
    ]);
  });

  test('two batches in one instant raise one exposure', async () => {
    const credential = await scene.credential(shop);
    await scene.rows(
      `UPDATE credential_version SET retired_at = $2, phase = 'retired' WHERE id = $1 RETURNING id`,
      [credential.versionId, new Date(world.clock.now() - HOUR)],
    );
    await Promise.all(
      ['a', 'b', 'c'].map((feed) => report([use(credential), use(credential)], { feed: `feed-${feed}` })),
    );
    await scene.settled();
    expect(await exposuresOf(credential)).toHaveLength(1);
  });
});

describe('the exposure window', () => {
  test('from the first possible exposure to the last accepted use, each labelled, with what nobody can know', async () => {
    const credential = await scene.credential(shop);
    const at = (ago: number) => new Date(world.clock.now() - ago).toISOString();
    await scene.call('POST', '/api/v1/exposures', {
      body: { reports: [{ ref: 'window', value: credential.value }] },
    });
    await scene.settled();
    const { incident_id: incidentId } = await scene.exposureOf('window');
    const window = async () => {
      const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/exposure-window`);
      return body.windows.find((one: { versionId: Id }) => one.versionId === credential.versionId);
    };
    expect(await window()).toMatchObject({ state: 'open', investigation: 'not_seen', lastAcceptedAt: null });
    const declared = await world.app.inject({
      method: 'PUT',
      url: `/api/v1/credentials/${credential.credentialId}/known-actors`,
      headers: { authorization: `Bearer ${await world.token('admin')}`, 'content-type': 'application/json' },
      payload: { actors: ['ci'] },
    });
    expect(declared.statusCode).toBe(204);
    await scene.rows(
      `UPDATE credential_version SET issued_at = $2, created_at = $2 WHERE id = $1 RETURNING id`,
      [credential.versionId, new Date(world.clock.now() - 2 * ELAPSED_DAY)],
    );
    await report([
      use(credential, { actor: 'ci', environment: 'production', at: at(HOUR) }),
      use(credential, { actor: 'ci', environment: 'laptop', at: at(2 * HOUR) }),
      use(credential, { actor: 'eve', at: at(30 * MINUTE) }),
      use(credential, { actor: 'eve', at: at(MINUTE), outcome: 'refused' }),
      use(credential, { actor: 'eve', at: at(3 * ELAPSED_DAY) }),
    ]);
    const shown = await window();
    expect(shown).toMatchObject({
      lastAcceptedAt: at(30 * MINUTE),
      counts: { expected: 1, other_environment: 1, unknown_actor: 1 },
      investigation: 'unknown_actor',
    });
    expect(shown.blindSpots.join(' ')).toMatch(
      /Nobody has said when it leaked.*Nobody vouches for the clock of feed gateway/,
    );
  });
});

describe('retention', () => {
  test('actors go first, facts later; what an open incident needs is kept', async () => {
    const [old, needed] = await scene.credentials(shop, 2);
    await report([use(old!, { actor: 'ann' }), use(needed!, { actor: 'ann' })]);
    await scene.call('POST', '/api/v1/exposures', {
      body: { reports: [{ ref: 'keep', value: needed!.value }] },
    });
    await scene.settled();
    const left = async (credential: SceneCredential) =>
      scene.rows<{ actor: string | null }>(`SELECT actor FROM usage_event WHERE version_id = $1`, [
        credential.versionId,
      ]);
    const sweep = () => world.app.get(UsageRetentionSweep).sweep(system('sweeps', 'test'));
    world.clock.advance(91 * ELAPSED_DAY);
    await sweep();
    expect(await left(old!)).toEqual([{ actor: null }]);
    expect(await left(needed!)).toEqual([{ actor: 'ann' }]);
    world.clock.advance(310 * ELAPSED_DAY);
    await sweep();
    expect(await left(old!)).toHaveLength(0);
    expect(await left(needed!)).toHaveLength(1);
  });
});
