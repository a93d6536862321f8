import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Presets } from '../../src/domain/revocation/presets.service.ts';
import { StorePlaces } from '../../src/domain/revocation/store-places.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { AUTHORITY, TRUSTED_CLIENT, UNKNOWN_CLIENT } from '../support/certificates.ts';
import { IssuingSupplier } from '../support/issuing-supplier.ts';
import { OAuthServer } from '../support/oauth-server.ts';
import { caller } from '../support/portfolio.ts';
import { BY, type KnownVersion } from '../support/revocation-scene.ts';
import { RotationScene } from '../support/rotation-scene.ts';
import { ScriptedSupplier } from '../support/scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from '../support/scripted-vault.ts';
import { TlsVerifier, WebhookReceiver } from '../support/verifiers.ts';

/** Each recipe against a peer that verifies for itself: what it accepts before, meanwhile and afterwards is what counts. */

const server = new OAuthServer();
const receiver = new WebhookReceiver();
const [front, back] = [new TlsVerifier(), new TlsVerifier()];
const issuing = new IssuingSupplier();
const kv = new ScriptedKv();
const kvPeer = new ScriptedSupplier(kv);
let world: TestApp;
let scene: RotationScene;
let partyId: Id;

beforeAll(async () => {
  await server.start();
  await receiver.start(() => world.clock.now());
  await front.start();
  await back.start();
  await issuing.start();
  await kvPeer.start();
  const hosts = [server, receiver, front, back, issuing, kvPeer].map(({ hostPort }) => hostPort);
  world = await startApp({ config: { outboundAllow: hosts, queue: 'off' } });
  scene = new RotationScene(world, issuing);
  await scene.preset('issuing', 'adds');
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  for (const peer of [server, receiver, front, back, issuing, kvPeer]) await peer.stop();
});

async function known(
  kind: string,
  connectionId: Id,
  issued: { id: string; value: string },
): Promise<KnownVersion> {
  const version = await scene.version(partyId, connectionId, { ...issued, name: issued.id });
  await scene.query(`UPDATE credential SET kind = $2 WHERE id = $1`, [version.credentialId, kind]);
  return version;
}
const at = (baseUrl: string) => ({ baseUrl, dialect: { admin: {}, answer: () => null } });
const waiting = async (id: Id, step: string) => {
  const { runId } = await scene.view(id);
  return (await scene.waitsFor(runId)).find((one) => one.step === step);
};
/** The run goes on until this step waits for somebody. */
async function asked(id: Id, step: string, state: 'parked' | 'waiting') {
  let found: Awaited<ReturnType<typeof waiting>>;
  await until(
    async () => {
      world.clock.advance(SECOND);
      found = await waiting(id, step);
      return found?.state === state;
    },
    () => `${step} to be ${state}: ${JSON.stringify(found)}`,
    30_000,
  );
  return found!;
}

describe('the secret that signs webhooks', () => {
  const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

  test('both are accepted first, then signers change over, then the old one is refused', async () => {
    receiver.accepted = [OLD];
    const connectionId = await scene.connection(
      partyId,
      'webhook-secret',
      at(`http://${receiver.hostPort}`),
      {
        // The secret in use is the control, as the preset asks for.
        canary: { name: 'in use', id: 'in use', value: OLD, live: true },
      },
    );
    const old = await known('webhook_secret', connectionId, { id: 'hook', value: OLD });
    const signer = await scene.location(old, 'owner_statement', 'The shop, which signs');
    const id = await scene.start(old, { overlapMinutes: 90 });
    expect(await scene.view(id)).toMatchObject({ recipe: 'rotation-webhook-secret', madeBy: 'person' });
    await asked(id, 'create', 'parked');
    expectOk(await scene.words.enterVersion(id, { value: NEW }, BY));
    // Nobody is asked to sign with it before its receiver accepts it; meanwhile nobody has failed.
    const wait = await asked(id, 'look', 'waiting');
    expect(wait.forWhat).toContain('accept the new secret beside the old one');
    expect(receiver.seen.at(-1)).toMatchObject({ type: 'countersign.test', status: 401 });
    world.clock.advance(20 * MINUTE);
    await asked(id, 'look', 'waiting');
    receiver.accepted = [OLD, NEW];
    await asked(id, 'propagate', 'parked');
    expectOk(await scene.words.answerPlace(id, signer, { state: 'holds_new', note: '' }, BY));
    await scene.once(id, ({ state }) => state === 'overlap');
    // Overlap: what either signed is accepted; the old one cannot be revoked.
    const { old: before } = await scene.view(id);
    expect(before).toMatchObject({ phase: 'overlap' });
    expect(receiver.accepted).toEqual([OLD, NEW]);
    expect(await waiting(id, 'revoke')).toBeUndefined();
    world.clock.advance(90 * MINUTE);
    const take = await asked(id, 'revoke', 'parked');
    expect(take.forWhat).toContain('Take the old secret off');
    // Signed, and not done: the receiver still accepts it, so it is not dead.
    await scene.signRevoked(old.versionId);
    await until(async () => {
      world.clock.advance(SECOND);
      return (await scene.facets(old.versionId))?.liveness === 'live';
    }, 'the old secret to be seen alive');
    expect((await scene.view(id)).state).not.toBe('done');
    receiver.accepted = [NEW];
    const done = await scene.once(id, ({ state }) => state === 'done', 5 * SECOND);
    expect(done).toMatchObject({ oldEnd: 'proven_dead', new: { liveness: 'live' } });
    expect(await scene.everythingStored()).not.toContain(NEW);
  });
});

describe('a client certificate', () => {
  test('every trust store takes both, then the old one goes from all: one that keeps it keeps it alive', async () => {
    const [OLD, NEW] = [UNKNOWN_CLIENT, TRUSTED_CLIENT];
    for (const one of [front, back]) one.trusts(OLD);
    const preset = {
      key: 'our-verifiers',
      title: 'Our verifiers',
      connector: 'client-certificate',
      kinds: ['client_certificate'],
      baseUrl: '',
      auth: { certificate_in_use: 'The one in use' },
      canary: { how: 'The one in use.' },
      facts: [{ fact: 'Two verifiers trust it.', source: 'this test', status: 'verified' }],
      settings: {
        inUse: '{auth.certificate_in_use}',
        otherVerifiers: [`https://${back.hostPort}/`],
        verifierAuthorities: AUTHORITY,
        instructions: 'Take it off every trust store.',
      },
    };
    expectOk(await scene.transactions.run(BY, (db) => world.app.get(Presets).put(db, preset, 'test', BY)));
    const connectionId = await scene.connection(partyId, 'our-verifiers', at(`https://${front.hostPort}/`), {
      auth: { certificate_in_use: OLD },
    });
    const old = await known('client_certificate', connectionId, { id: 'cert', value: OLD });
    const id = await scene.start(old, { overlapMinutes: 30 });
    expect((await scene.view(id)).recipe).toBe('rotation-certificate');
    await asked(id, 'create', 'parked');
    expectOk(await scene.words.enterVersion(id, { value: NEW }, BY));
    await asked(id, 'look', 'waiting');
    // One trust store of two is not enough to present it.
    front.trusts(OLD, NEW);
    world.clock.advance(2 * MINUTE);
    await asked(id, 'look', 'waiting');
    expect((await scene.view(id)).state).toBe('stored');
    back.trusts(OLD, NEW);
    await scene.once(id, ({ state }) => state === 'overlap', 10 * SECOND);
    world.clock.advance(30 * MINUTE);
    expect((await asked(id, 'revoke', 'parked')).forWhat).toContain('every trust store');
    front.trusts(NEW);
    await scene.signRevoked(old.versionId);
    await until(async () => {
      world.clock.advance(SECOND);
      return (await scene.facets(old.versionId))?.liveness === 'live';
    }, 'the old certificate to be seen alive at the second verifier');
    back.trusts(NEW);
    // The certificate in use, which vouches for the refusals, is the new one by now.
    const done = await scene.once(id, ({ state }) => state === 'done', 5 * SECOND);
    expect(done).toMatchObject({ oldEnd: 'proven_dead', new: { liveness: 'live' } });
    expect(await scene.ledger(connectionId)).toContain('connection.authentication-renewed');
  });
});

describe('a refresh token', () => {
  test('is renewed: the new one brings access, the old one has ended, and nobody showed it twice', async () => {
    server.renewsRefreshTokens = true;
    const client = await server.register();
    const refresh = await server.refreshToken(client);
    const connectionId = await scene.connection(partyId, 'oauth-generic', at(server.baseUrl), {
      auth: { client_id: client.id, client_secret: client.secret },
    });
    const old = await known('oauth_refresh_token', connectionId, { id: 'refresh', value: refresh });
    const id = await scene.start(old);
    expect(await scene.view(id)).toMatchObject({ recipe: 'oauth-refresh', oldFate: 'dies' });
    const done = await scene.once(id, ({ state }) => state === 'done');
    expect(done).toMatchObject({ oldEnd: 'proven_dead', old: { phase: 'retired', liveness: 'dead' } });
    expect(done.issues).toEqual([expect.objectContaining({ state: 'issued' })]);
    const renewed = await scene.valueIn(done.new!.id);
    expect(renewed).not.toBe(refresh);
    const access = await server.token(client, renewed);
    expect(await server.orders(access)).toBe(200);
    expect(await scene.everythingStored()).not.toContain(renewed);
    // Whoever shows the old one again ends the family: what the recipe warns of.
    expect(await server.token(client, refresh)).toBeNull();
    expect(await server.orders(access)).toBe(401);
  });

  test('at a server that keeps it, nothing is rotated, and the run says so', async () => {
    server.renewsRefreshTokens = false;
    const client = await server.register();
    const refresh = await server.refreshToken(client);
    const connectionId = await scene.connection(partyId, 'oauth-generic', at(server.baseUrl), {
      auth: { client_id: client.id, client_secret: client.secret },
    });
    const old = await known('oauth_refresh_token', connectionId, { id: 'kept', value: refresh });
    const id = await scene.start(old);
    expect((await asked(id, 'create', 'parked')).reason).toContain('kept the refresh token');
    expect((await scene.view(id)).new).toBeNull();
    expect(await server.orders(await server.token(client, refresh))).toBe(200);
  });
});

describe('the secret of a client, through its registration', () => {
  test('is replaced: access before and after, the old one refused, and the way to do it again is kept', async () => {
    const client = await server.register();
    const other = await server.register();
    const connectionId = await scene.connection(partyId, 'client-registration', at(server.baseUrl), {
      canary: { name: 'canary', id: other.id, value: other.secret, live: true },
      auth: { registration_access_token: client.registrationAccessToken },
    });
    const first = await known('oauth_client_secret', connectionId, { id: client.id, value: client.secret });
    expect(await server.orders(await server.token(client))).toBe(200);
    let last = client.secret;
    for (const round of [1, 2]) {
      const id = await scene.start(first);
      expect(await scene.view(id)).toMatchObject({ recipe: 'rotation-replacing', oldFate: 'dies' });
      const done = await scene.once(id, ({ state }) => state === 'done');
      expect(done).toMatchObject({ oldEnd: 'proven_dead', new: { liveness: 'live', number: round + 1 } });
      const secret = await scene.valueIn(done.new!.id);
      expect(await server.orders(await server.token({ ...client, secret }))).toBe(200);
      expect(await server.token({ ...client, secret: last })).toBeNull();
      last = secret;
    }
    expect(await scene.everythingStored()).not.toContain(last);
  });
});

describe('a place in a store', () => {
  const PATH = 'apps/shop/stripe';
  const values = () => (kv.paths.get(PATH) ?? []).map(({ data }) => (data as { api_key: string }).api_key);

  test('takes the new version by machine, with nobody asked; what the store still keeps is told as it is', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    kv.paths.set(PATH, [
      { data: { api_key: slot.old.value, region: 'eu' }, deletedAt: '', destroyed: false },
    ]);
    const place = await scene.location(slot, 'store_api', 'The shop’s Vault');
    await scene.query(`UPDATE location SET version_id = $2 WHERE id = $1`, [place, slot.versionId]);
    await scene.fingerprinted(slot);
    const storeId = await scene.connection(
      partyId,
      'vault-kv-copy',
      { ...at(kvPeer.baseUrl) },
      {
        auth: { token: OUR_TOKEN },
      },
    );
    const stores = world.app.get(StorePlaces);
    const set = (connectionId: Id) =>
      scene.transactions.run(BY, (db) =>
        stores.set(db, place, { connectionId, entry: PATH, field: 'api_key' }, BY),
      );
    expect(await set(slot.connectionId!)).toMatchObject({ ok: false, error: { code: 'no-store' } });
    const about = async (entry: string, field?: string) => {
      const input = { connectionId: storeId, entry, ...(field === undefined ? {} : { field }) };
      const said = await scene.transactions.run(BY, (db) => stores.set(db, place, input, BY));
      return said.ok ? null : said.error.fields?.[0]?.field;
    };
    expect(await about('/data/apps')).toBe('/entry');
    expect(await about(PATH)).toBe('/field');
    expect(await about(PATH, 'a field')).toBe('/field');
    expectOk(await set(storeId));
    // Somebody else writes to the entry in the same moment: nothing of theirs is lost.
    kv.meanwhile = (versions) =>
      versions.push({
        data: { api_key: slot.old.value, region: 'us' },
        deletedAt: '',
        destroyed: false,
      });
    const id = await scene.start(slot, { emergency: true });
    const done = await scene.once(id, ({ state }) => state === 'done');
    const fresh = await scene.valueIn(done.new!.id);
    expect(kv.paths.get(PATH)!.at(-1)!.data).toEqual({ api_key: fresh, region: 'us' });
    expect(values()).toHaveLength(3);
    expect(done.places).toEqual([expect.objectContaining({ holds: 'new', how: 'store' })]);
    expect(await scene.everythingStored()).not.toContain(fresh);

    const admin = caller(world, await world.token('admin'));
    const [read, where] = [
      await admin('POST', `/api/v1/locations/${place}/store-readings`),
      await admin('GET', `/api/v1/locations/${place}/store`),
    ];
    expect(where.body).toMatchObject({ entry: PATH, field: 'api_key', writable: true, obstacle: null });
    expect(read.body).toMatchObject({
      outcome: 'read',
      kept: [
        { name: 'version 3', current: true, is: 'ours', version: 2 },
        { name: 'version 2', current: false, is: 'ours', version: 1 },
        { name: 'version 1', current: false, is: 'ours', version: 1 },
      ],
      unread: 0,
    });
    expect(JSON.stringify(read.body)).not.toContain(fresh);

    const look = (versionId: Id) =>
      stores.look(place, versionId, { by: BY, idempotencyKey: 'look', signal: AbortSignal.timeout(10_000) });
    expect(await look(done.new!.id)).toMatchObject({ value: { verdict: 'present' } });
    // Earlier versions of the entry hold the old one until somebody destroys them.
    expect(await look(slot.versionId)).toMatchObject({
      value: { verdict: 'present', why: expect.stringContaining('still keeps it') },
    });
    for (const version of kv.paths.get(PATH)!.slice(0, 2))
      Object.assign(version, { destroyed: true, data: null });
    expect(await look(slot.versionId)).toMatchObject({ value: { verdict: 'gone' } });
    const looks = await scene.query<{ method: string; verdict: string }>(
      `SELECT method, verdict FROM copy_look WHERE location_id = $1 AND version_id = $2 ORDER BY recorded_at`,
      [place, slot.versionId],
    );
    expect(looks).toEqual([
      { method: 'store_api', verdict: 'present' },
      { method: 'store_api', verdict: 'present' },
      { method: 'store_api', verdict: 'gone' },
    ]);
  });

  test('that refuses is its owner’s to see to, who is told why', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const place = await scene.location(slot, 'store_api', 'A Vault that knows us not');
    const storeId = await scene.connection(
      partyId,
      'vault-kv-copy',
      { ...at(kvPeer.baseUrl) },
      {
        auth: { token: 'hvs.not-known-here' },
      },
    );
    const input = { connectionId: storeId, entry: 'apps/other', field: 'api_key' };
    expectOk(await scene.transactions.run(BY, (db) => world.app.get(StorePlaces).set(db, place, input, BY)));
    const id = await scene.start(slot);
    const step = await asked(id, 'propagate', 'parked');
    expect(step.forWhat).toContain('No machine could put it there: our own token is refused');
    expectOk(await scene.words.answerPlace(id, place, { state: 'holds_new', note: '' }, BY));
    await scene.once(id, ({ state }) => state === 'overlap');
  });
});
