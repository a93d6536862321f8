import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request } from 'undici';
import { WorldClient } from '../client.ts';
import { startWorld } from '../world.ts';
import type { World } from '../world.ts';
import type { Issued } from './supplier.ts';

let dir: string;
let world: World;
let client: WorldClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'suppliers-'));
  world = await startWorld({ dir });
  client = new WorldClient(world.descriptor);
});
afterAll(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

interface Answered {
  status: number;
  body: Record<string, unknown>;
  headers: Record<string, unknown>;
}

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  o: {
    bearer?: string;
    basic?: [string, string];
    form?: Record<string, string>;
    json?: object;
    headers?: object;
  } = {},
): Promise<Answered> {
  const basic = o.basic?.map(encodeURIComponent).join(':');
  const answer = await request(url, {
    method,
    headers: {
      ...(o.bearer ? { authorization: `Bearer ${o.bearer}` } : {}),
      ...(basic ? { authorization: `Basic ${Buffer.from(basic).toString('base64')}` } : {}),
      ...(o.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...(o.json ? { 'content-type': 'application/json' } : {}),
      ...o.headers,
    },
    ...(o.form ? { body: new URLSearchParams(o.form).toString() } : {}),
    ...(o.json ? { body: JSON.stringify(o.json) } : {}),
  });
  const text = await answer.body.text();
  const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: answer.statusCode, body, headers: answer.headers };
}

async function issued(supplier: string, more: object = {}): Promise<Issued> {
  const [one] = await client.issue({ supplier, ...more });
  if (!one) throw new Error('nothing was issued');
  return one;
}

const stateOf = async (credential: Issued): Promise<string | undefined> =>
  (await client.truthOf(credential.supplier)).credentials.find((c) => c.id === credential.id)?.state;

const whoami = (token: string) => ask('GET', `${client.origin('meridian')}/api/whoami`, { bearer: token });
const introspect = (basic: [string, string], token: string) =>
  ask('POST', `${client.origin('meridian')}/token/introspection`, { basic, form: { token } });
const revoke = (basic: [string, string], token: string) =>
  ask('POST', `${client.origin('meridian')}/token/revocation`, { basic, form: { token } });
const clientFor = async (account: string): Promise<[string, string]> => {
  const access = await client.access('meridian', account);
  return [access['client_id'] ?? '', access['client_secret'] ?? ''];
};

describe('the OAuth supplier', () => {
  test('issues opaque tokens over the client credentials grant', async () => {
    const basic = await clientFor('orders-service');
    const grant = { grant_type: 'client_credentials', scope: 'orders:read' };
    const answer = await ask('POST', `${client.origin('meridian')}/token`, { basic, form: grant });
    expect(answer.status).toBe(200);
    const token = String(answer.body['access_token']);
    expect(token).not.toContain('.');
    expect((await whoami(token)).body).toMatchObject({ client_id: 'orders-service', scope: 'orders:read' });
    const wrong = await ask('POST', `${client.origin('meridian')}/token`, {
      basic: [basic[0], 'not it'],
      form: grant,
    });
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('lets its management client introspect and revoke any token, after which it is dead everywhere', async () => {
    const management = await clientFor('main');
    const token = await issued('meridian', { account: 'shop', label: 'checkout' });
    expect((await whoami(token.value)).status).toBe(200);
    const live = await introspect(management, token.value);
    expect(live.body).toMatchObject({ active: true, token_id: token.id, client_id: 'shop' });

    expect((await revoke(management, token.value)).status).toBe(200);
    expect((await introspect(management, token.value)).body).toEqual({ active: false });
    expect((await whoami(token.value)).status).toBe(401);
    // RFC 7009: the same answer for what is no longer there.
    expect((await revoke(management, token.value)).status).toBe(200);

    const truth = await client.truthOf('meridian');
    expect(truth.credentials.find((c) => c.id === token.id)).toMatchObject({
      state: 'revoked',
      revocations: 1,
      label: 'checkout',
    });
    const asked = truth.requests.filter((r) => r.credential === token.id).map((r) => [r.kind, r.status]);
    expect(asked).toEqual([
      ['probe', 200],
      ['introspect', 200],
      ['revoke', 200],
      ['introspect', 200],
      ['probe', 401],
      ['revoke', 200],
    ]);
  });

  test('tells a client that is not the owner nothing, and does nothing for it', async () => {
    const stranger = await clientFor('stranger');
    const token = await issued('meridian', { account: 'shop' });
    expect((await introspect(stranger, token.value)).body).toEqual({ active: false });
    expect((await revoke(stranger, token.value)).status).toBe(200);
    expect((await whoami(token.value)).status).toBe(200);
    expect((await introspect([stranger[0], 'wrong'], token.value)).status).toBe(401);
    expect((await revoke(await clientFor('shop'), token.value)).status).toBe(200);
    expect((await whoami(token.value)).status).toBe(401);
  });

  test('keeps sessions alive beyond their token until they are ended', async () => {
    const basic = await clientFor('main');
    const token = await issued('meridian', { account: 'shop', sessions: 2 });
    const opened = await ask('POST', `${client.origin('meridian')}/api/sessions`, { bearer: token.value });
    expect(opened.status).toBe(201);
    await revoke(basic, token.value);
    const current = () =>
      ask('GET', `${client.origin('meridian')}/api/sessions/current`, {
        headers: { 'x-session': String(opened.body['session']) },
      });
    expect((await current()).body).toMatchObject({ subject: token.id });

    const sessions = `${client.origin('meridian')}/sessions/${token.id}`;
    expect((await ask('GET', sessions, { basic })).body).toEqual({ subject: token.id, active: 3 });
    expect((await ask('DELETE', sessions)).status).toBe(401);
    expect((await ask('DELETE', sessions, { basic: await clientFor('stranger') })).status).toBe(404);
    expect((await ask('DELETE', sessions, { basic })).body).toEqual({ subject: token.id, ended: 3 });
    expect((await ask('DELETE', sessions, { basic })).body).toEqual({ subject: token.id, ended: 0 });
    expect((await current()).status).toBe(401);
  });

  test('lets tokens expire', async () => {
    const [token] = await client.issue({ supplier: 'meridian', account: 'shop', expiresInSeconds: 1 });
    if (!token) throw new Error('nothing was issued');
    const deadline = Date.now() + 10_000;
    while ((await whoami(token.value)).status !== 401) expect(Date.now()).toBeLessThan(deadline);
    expect(await stateOf(token)).toBe('expired');
  });
});

const at = (who: 'northwind' | 'kestrel', path: string) => `${client.origin(who)}${path}`;
const adminKey = async (who: string, account = 'main') =>
  (await client.access(who, account))['admin_key'] ?? '';

describe('a supplier of API keys', () => {
  test('issues once for one Idempotency-Key, and refuses it with another body', async () => {
    const bearer = await adminKey('northwind');
    const headers = { 'idempotency-key': 'order 17' };
    const create = (label: string) =>
      ask('POST', at('northwind', '/v1/keys'), { bearer, headers, json: { label } });
    const [first, second] = [await create('till'), await create('till')];
    expect(first.status).toBe(201);
    expect(second.body).toEqual(first.body);
    expect((await create('other')).status).toBe(409);
    const labelled = (await client.truthOf('northwind')).credentials.filter((c) => c.label === 'till');
    expect(labelled).toHaveLength(1);
    expect(
      (await ask('GET', at('northwind', '/v1/ping'), { bearer: String(first.body['key']) })).status,
    ).toBe(200);
  });

  test('Northwind Pay: 200 live, 403 live but narrow, 401 dead; a second revocation finds nothing', async () => {
    const bearer = await adminKey('northwind');
    const ping = async (key: Issued) =>
      (await ask('GET', at('northwind', '/v1/ping'), { bearer: key.value })).status;
    const [wide, narrow] = [await issued('northwind'), await issued('northwind', { narrow: true })];
    expect([await ping(wide), await ping(narrow)]).toEqual([200, 403]);
    for (const key of [wide, narrow]) {
      const url = at('northwind', `/v1/keys/${key.id}`);
      expect((await ask('GET', url, { bearer })).body).toMatchObject({ id: key.id, status: 'active' });
      expect((await ask('DELETE', url, { bearer })).status).toBe(204);
      expect((await ask('DELETE', url, { bearer })).status).toBe(404);
      expect((await ask('GET', url, { bearer })).status).toBe(404);
      expect(await ping(key)).toBe(401);
      expect(await stateOf(key)).toBe('revoked');
    }
    expect((await ask('GET', at('northwind', '/v1/account'), { bearer: 'nobody' })).status).toBe(401);
  });

  test('Kestrel Logs: the body tells, and 403 is dead', async () => {
    const ping = (bearer: string) => ask('GET', at('kestrel', '/v1/ping'), { bearer });
    const [wide, narrow] = [await issued('kestrel'), await issued('kestrel', { narrow: true })];
    expect(await ping(wide.value)).toMatchObject({ status: 200, body: { ok: true } });
    expect(await ping(narrow.value)).toMatchObject({
      status: 200,
      body: { ok: false, error: 'missing_scope' },
    });
    expect(await ping('klog_never')).toMatchObject({
      status: 403,
      body: { ok: false, error: 'invalid_key' },
    });
    await ask('DELETE', at('kestrel', `/v1/keys/${wide.id}`), { bearer: await adminKey('kestrel') });
    expect(await ping(wide.value)).toMatchObject({ status: 200, body: { ok: false, error: 'key_revoked' } });
  });

  test("does not know another account's keys", async () => {
    const key = await issued('northwind', { account: 'berlin' });
    const url = at('northwind', `/v1/keys/${key.id}`);
    expect((await ask('DELETE', url, { bearer: await adminKey('northwind', 'lisbon') })).status).toBe(404);
    expect(await stateOf(key)).toBe('live');
    expect((await ask('DELETE', url, { bearer: await adminKey('northwind', 'berlin') })).status).toBe(204);
  });

  test('can be emptied, and a credential can come alive again', async () => {
    const key = await issued('kestrel');
    await client.setState({ supplier: 'kestrel', state: 'revoked' });
    expect((await client.truthOf('kestrel')).credentials.every((c) => c.state === 'revoked')).toBe(true);
    expect(await client.setState({ supplier: 'kestrel', ids: [key.id], state: 'live' })).toEqual({
      changed: 1,
    });
    expect((await ask('GET', at('kestrel', '/v1/ping'), { bearer: key.value })).body['ok']).toBe(true);
  });
});

test('a supplier that is asked by mail only issues, and offers nothing to ask', async () => {
  const password = await issued('halden', { label: 'EDI mailbox' });
  const view = (await client.suppliers()).find((s) => s.key === 'halden');
  expect(view).toMatchObject({ asked: 'mail', baseUrl: null });
  expect(await stateOf(password)).toBe('live');
});

test("no value that was issued can be read in the folder, and the folder is its owner's alone", async () => {
  const values = (
    await Promise.all(['meridian', 'northwind', 'kestrel', 'halden'].map((supplier) => issued(supplier)))
  ).map((credential) => credential.value);
  const { admin_key: admin = '' } = await client.access('northwind');
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  for (const entry of files.filter((f) => f.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name), 'latin1');
    for (const value of [...values, admin]) {
      expect(bytes).not.toContain(value);
      expect(bytes).not.toContain(Buffer.from(value).toString('base64').replace(/=+$/, ''));
    }
  }
});

test('the control API gives nothing without its token, and a folder is served once', async () => {
  const url = `${client.origin('control')}/control/truth`;
  expect((await ask('GET', url)).status).toBe(401);
  expect((await ask('GET', url, { bearer: 'guess' })).status).toBe(401);
  await expect(client.issue({ supplier: 'nobody' })).rejects.toThrow(/no supplier nobody/);
  await expect(client.issue({ supplier: 'northwind', count: 0 })).rejects.toThrow(/count/);
  await expect(startWorld({ dir })).rejects.toThrow(/already serves/);
});
