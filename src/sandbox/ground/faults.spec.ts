import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { request } from 'undici';
import { WorldClient } from '../client.ts';
import type { Issued } from '../suppliers/supplier.ts';
import { startWorld } from '../world.ts';
import type { World } from '../world.ts';
import { faultMatches } from './faults.ts';

let dir: string;
let world: World;
let client: WorldClient;
let key: Issued;
let admin: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faults-'));
  world = await startWorld({ dir });
  client = new WorldClient(world.descriptor);
  admin = (await client.access('northwind'))['admin_key'] ?? '';
});
afterAll(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await client.clearFaults();
  [key = key] = await client.issue({ supplier: 'northwind' });
});

const call = (method: 'GET' | 'DELETE', path: string, bearer: string, ms = 5_000) =>
  request(`${client.origin('northwind')}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}` },
    signal: AbortSignal.timeout(ms),
  });
const revoke = (ms?: number) => call('DELETE', `/v1/keys/${key.id}`, admin, ms);
const ping = async () => {
  const answer = await call('GET', '/v1/ping', key.value);
  await answer.body.dump();
  return answer.statusCode;
};
const truth = () => client.truthOf('northwind');
const stateNow = async () => (await truth()).credentials.find((c) => c.id === key.id)?.state;
const lastRequest = async () => (await truth()).requests.at(-1);

describe('faults of a supplier', () => {
  test('down: nobody listens, and afterwards it answers on the same port', async () => {
    await client.putFault({ target: 'northwind', kind: 'down' });
    await expect(ping()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await client.clearFaults({ target: 'northwind' });
    expect(await ping()).toBe(200);
  });

  test('too many: 429 with Retry-After, as often as told', async () => {
    await client.putFault({ target: 'northwind', kind: 'too_many', times: 2, retryAfterSeconds: 7 });
    const first = await revoke();
    expect([first.statusCode, first.headers['retry-after']]).toEqual([429, '7']);
    expect((await revoke()).statusCode).toBe(429);
    expect((await revoke()).statusCode).toBe(204);
    expect(await client.faults()).toEqual([]);
  });

  test('error: 500, and nothing done', async () => {
    await client.putFault({ target: 'northwind', kind: 'error', match: { kind: 'revoke' } });
    expect((await revoke()).statusCode).toBe(500);
    expect(await ping()).toBe(200);
  });

  test('lie: the usual success, and nothing done; probes tell the truth', async () => {
    await client.putFault({ target: 'northwind', kind: 'lie' });
    expect((await revoke()).statusCode).toBe(204);
    expect(await ping()).toBe(200);
    expect(await stateNow()).toBe('live');
  });

  test('accepted and never done', async () => {
    await client.putFault({ target: 'northwind', kind: 'accept_never' });
    expect((await revoke()).statusCode).toBe(202);
    expect(await stateNow()).toBe('live');
  });

  test('a lost answer: done, logged, and the connection cut', async () => {
    await client.putFault({ target: 'northwind', kind: 'lose_answer', times: 1 });
    await expect(revoke()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(await stateNow()).toBe('revoked');
    expect(await lastRequest()).toMatchObject({
      kind: 'revoke',
      credential: key.id,
      status: 204,
      answered: false,
      fault: 'lose_answer',
    });
    expect(await ping()).toBe(401);
  });

  test('a black hole: taken, never answered, nothing done', async () => {
    await client.putFault({ target: 'northwind', kind: 'black_hole', match: { kind: 'revoke' } });
    await expect(revoke(300)).rejects.toThrow(/timeout|aborted/i);
    expect(await stateNow()).toBe('live');
    expect(await lastRequest()).toMatchObject({ status: null, answered: false, fault: 'black_hole' });
  });

  test('slow: the truth, late', async () => {
    await client.putFault({ target: 'northwind', kind: 'slow', delayMs: 300, times: 1 });
    const started = Date.now();
    expect(await ping()).toBe(200);
    expect(Date.now() - started).toBeGreaterThanOrEqual(295);
  });

  test('garbage: 200 with a page that is no answer', async () => {
    await client.putFault({ target: 'northwind', kind: 'garbage', match: { path: '/v1/ping' } });
    const answer = await call('GET', '/v1/ping', key.value);
    expect([answer.statusCode, await answer.body.text()]).toEqual([
      200,
      expect.stringContaining('<!doctype html>'),
    ]);
  });

  test('strike one credential and spare another', async () => {
    const [other] = await client.issue({ supplier: 'northwind' });
    await client.putFault({ target: 'northwind', kind: 'error', match: { credential: key.id }, status: 503 });
    expect(await ping()).toBe(503);
    expect((await call('GET', '/v1/ping', other?.value ?? '')).statusCode).toBe(200);
    await expect(client.putFault({ target: 'mars', kind: 'down' })).rejects.toThrow(/no target mars/);
  });

  test('a body beyond the limit is refused before it is read', async () => {
    const answer = await request(`${client.origin('northwind')}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
      body: Buffer.alloc(300 * 1024, 'x'),
    });
    expect(answer.statusCode).toBe(413);
    await answer.body.dump();
  });
});

test('without a match, a fault about effects strikes revocations only', () => {
  const fault = { id: '1', target: 'x', kind: 'lie' as const };
  expect(faultMatches(fault, { kind: 'revoke' })).toBe(true);
  expect(faultMatches(fault, { kind: 'probe' })).toBe(false);
  expect(faultMatches({ ...fault, kind: 'slow' }, { kind: 'probe' })).toBe(true);
  expect(
    faultMatches({ ...fault, match: { method: 'get', path: '/v1' } }, { method: 'GET', path: '/v1/ping' }),
  ).toBe(true);
  expect(faultMatches({ ...fault, match: { address: 'A@b.example' } }, { address: 'a@b.example' })).toBe(
    true,
  );
});
