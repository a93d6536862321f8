import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Call, IssueAnswer } from '../../src/domain/revocation/connector.ts';
import { ConnectionsService } from '../../src/domain/revocation/connections.service.ts';
import { Presets } from '../../src/domain/revocation/presets.service.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { Targets } from '../../src/domain/revocation/targets.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Secret } from '../../src/kernel/secret.ts';
import { MINUTE } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { OAuthServer, type RegisteredClient } from '../support/oauth-server.ts';
import { BY, RevocationScene, type KnownVersion } from '../support/revocation-scene.ts';

/** Real tokens of a real authorization server: what it accepts and refuses at its resource, before and after. */

const server = new OAuthServer();
let world: TestApp;
let scene: RevocationScene;
let revocation: RevocationService;
let partyId: Id;
let client: RegisteredClient;

/** The preset for any such server, with what is known of this one. */
const PRESET = {
  key: 'this-server',
  title: 'Tokens of this server',
  connector: 'oauth-revocation',
  kinds: ['oauth_access_token', 'oauth_refresh_token'],
  baseUrl: '',
  auth: { client_id: 'The client', client_secret: 'Its secret' },
  canary: { how: 'Ask for a token.' },
  facts: [{ fact: 'A grant ends as a whole.', source: 'lib/actions/revocation.js', status: 'verified' }],
  settings: {
    revocationPath: '/token/revocation',
    introspectionPath: '/token/introspection',
    endSessionsByKind: { oauth_refresh_token: { none: 'the access tokens of its grant end with it' } },
    endSessions: { none: 'an opaque token is looked up at each use' },
  },
};

beforeAll(async () => {
  await server.start();
  world = await startApp({
    config: { outboundAllow: [server.hostPort], queue: 'off' },
    settings: { duties: { serves: false, works: false } },
  });
  scene = new RevocationScene(world.app);
  revocation = world.app.get(RevocationService);
  partyId = await scene.party();
  await scene.transactions.run(BY, (db) => world.app.get(Presets).put(db, PRESET, 'test', BY));
});
afterAll(async () => {
  await world?.close();
  await server.stop();
});
beforeEach(async () => {
  client = await server.register();
});
afterEach(() => world.clock.advance(10 * MINUTE));

const at = () => ({ baseUrl: server.baseUrl, dialect: { admin: {}, answer: () => null } });
const call = (): Call => ({
  idempotencyKey: newId(),
  signal: AbortSignal.timeout(20_000),
  now: () => world.clock.now(),
});

async function tokenOnRecord(value: string, kind: string): Promise<KnownVersion> {
  const canary = (await server.token(client)) ?? '';
  const connectionId = await scene.connection(partyId, 'this-server', at(), {
    canary: { name: 'canary', id: 'canary', value: canary, live: true },
    auth: { client_id: client.id, client_secret: client.secret },
  });
  const version = await scene.version(partyId, connectionId, { name: 'token', id: newId(), value });
  await scene.query(`UPDATE credential SET kind = $2 WHERE id = $1`, [version.credentialId, kind]);
  return version;
}

describe('tokens', () => {
  test('an access token: accepted, revoked, refused and proven dead', async () => {
    const token = (await server.token(client))!;
    const { versionId } = await tokenOnRecord(token, 'oauth_access_token');
    expect(await server.orders(token)).toBe(200);
    expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'live' });
    expect(await revocation.revoke(versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await server.orders(token)).toBe(401);
    expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(await scene.facets(versionId)).toMatchObject({ revocation: 'accepted', liveness: 'dead' });
  });

  test('a refresh token takes the access tokens of its family with it, and no others', async () => {
    const refresh = await server.refreshToken(client);
    const family = [await server.token(client, refresh), await server.token(client, refresh)];
    const stranger = await server.token(client, await server.refreshToken(client, 'grace'));
    const { versionId } = await tokenOnRecord(refresh, 'oauth_refresh_token');
    for (const token of [...family, stranger]) expect(await server.orders(token)).toBe(200);
    expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'live' });

    expect(await revocation.revoke(versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    for (const token of family) expect(await server.orders(token)).toBe(401);
    expect(await server.orders(stranger)).toBe(200);
    expect(await server.token(client, refresh)).toBeNull();
    expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    expect(await revocation.endSessions(versionId, scene.call())).toMatchObject({ outcome: 'none' });
  });

  test('a server that says nothing of families leaves the sessions unproven', async () => {
    const refresh = await server.refreshToken(client);
    const connectionId = await scene.connection(partyId, 'oauth-generic', at(), {
      auth: { client_id: client.id, client_secret: client.secret },
    });
    const version = await scene.version(partyId, connectionId, { name: 't', id: newId(), value: refresh });
    const kind = `UPDATE credential SET kind = 'oauth_refresh_token' WHERE id = $1`;
    await scene.query(kind, [version.credentialId]);
    expect(await revocation.endSessions(version.versionId, scene.call())).toMatchObject({
      outcome: 'unknown',
    });
  });
});

describe('the secret of a client', () => {
  let connectionId: Id;
  let old: KnownVersion;

  beforeEach(async () => {
    const other = await server.register();
    connectionId = await scene.connection(partyId, 'client-registration', at(), {
      canary: { name: 'canary', id: other.id, value: other.secret, live: true },
      auth: { registration_access_token: client.registrationAccessToken },
    });
    old = await scene.version(partyId, connectionId, { name: 'secret', id: client.id, value: client.secret });
  });

  async function issue(): Promise<IssueAnswer> {
    const loaded = await scene.transactions.run(BY, (db) => world.app.get(Targets).load(db, old.versionId));
    const { connector, target } = loaded!.path!;
    return connector.issue!(target, { label: 'another', expiresAt: null }, call());
  }
  const renew = (auth: Readonly<Record<string, Secret>> = {}) =>
    scene.transactions.run(BY, (db) =>
      world.app.get(ConnectionsService).renewAuthentication(db, connectionId, auth, BY),
    );
  const renewed = (secret: string): RegisteredClient => ({ ...client, secret });

  test('is replaced by an update: the new one works, the old one is dead, and the way to update again is kept', async () => {
    const before = await server.token(client);
    expect(await server.orders(before)).toBe(200);
    const answer = await issue();
    if (answer.outcome !== 'issued') throw new Error(JSON.stringify(answer));
    const { issued } = answer;
    expect(issued.supplierId).toBe(client.id);
    expect(Object.keys(issued.auth ?? {})).toEqual(['registration_access_token']);
    const secret = issued.value.use((value) => value);
    await renew(issued.auth);

    expect(await server.orders(await server.token(renewed(secret)))).toBe(200);
    expect(await server.token(client)).toBeNull();
    expect(await revocation.verifyDead(old.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    // What was stored is what the server wants next: otherwise this one would be refused.
    expect(await issue()).toMatchObject({ outcome: 'issued' });
  });

  test('shows neither secret nor registration access token in what is kept', async () => {
    const answer = await issue();
    if (answer.outcome !== 'issued') throw new Error(JSON.stringify(answer));
    const secrets = [answer.issued.value, answer.issued.auth!.registration_access_token!];
    for (const secret of secrets)
      secret.use((value) => expect(JSON.stringify(answer)).not.toContain(value.slice(0, 12)));
  });

  test('revoking a secret that was replaced does not touch its successor', async () => {
    const answer = await issue();
    if (answer.outcome !== 'issued') throw new Error(JSON.stringify(answer));
    await renew(answer.issued.auth);
    expect(await revocation.revoke(old.versionId, scene.call())).toMatchObject({ outcome: 'gone' });
    const secret = answer.issued.value.use((value) => value);
    expect(await server.orders(await server.token(renewed(secret)))).toBe(200);
  });

  test('revoking the secret in force deletes the client', async () => {
    expect(await server.orders(await server.token(client))).toBe(200);
    expect(await revocation.revoke(old.versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
    expect(await server.token(client)).toBeNull();
    expect(await revocation.verifyDead(old.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
  });

  test('a lost answer to the update: a look at the old one tells that it happened', async () => {
    server.losesAnswerTo = 'PUT';
    expect(await issue()).toMatchObject({ outcome: 'unknown' });
    expect(await revocation.verifyDead(old.versionId, scene.call())).toMatchObject({ outcome: 'dead' });
    // This server made another registration access token as well, which was lost with the secret: a person is needed.
    expect(await issue()).toMatchObject({ outcome: 'rejected', ownAuthentication: true });
  });

  test('a lost answer before anything happened: the old one lives, and another try makes a new one', async () => {
    server.losesAnswerTo = 'GET';
    expect(await issue()).toMatchObject({ outcome: 'retry' });
    expect(await revocation.verifyDead(old.versionId, scene.call())).toMatchObject({ outcome: 'live' });
    expect(await issue()).toMatchObject({ outcome: 'issued' });
  });

  test('a server that keeps the secret is no rotation, and what it changed is handed over', async () => {
    client = await server.register('as-it-is');
    connectionId = await scene.connection(partyId, 'client-registration', at(), {
      auth: { registration_access_token: client.registrationAccessToken },
    });
    old = await scene.version(partyId, connectionId, { name: 's', id: client.id, value: client.secret });
    const answer = await issue();
    expect(answer).toMatchObject({ outcome: 'rejected', why: expect.stringContaining('kept the secret') });
    if (answer.outcome !== 'rejected') return;
    expect(Object.keys(answer.auth ?? {})).toEqual(['registration_access_token']);
    expect(await server.orders(await server.token(client))).toBe(200);
  });
});
