import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { newId } from '../../src/kernel/ids.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene } from '../support/leak-scene.ts';

let world: TestApp;
let scene: LeakScene;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'github', kind: 'github', keys: [GITHUB_KEY] });
});
afterAll(() => world.close());

describe('sources', () => {
  test('keys go in and never come out; two are good during a change, a retired one is not', async () => {
    const made = await scene.source({ key: 'rotating', kind: 'github', keys: ['the first key of them'] });
    const added = await scene.call('POST', `/api/v1/sources/${made.id}/keys`, {
      body: { key: 'the second key of them' },
    });
    expect(added).toMatchObject({
      status: 201,
      body: { keys: [{ id: expect.any(String) }, { id: expect.any(String) }] },
    });
    expect(JSON.stringify(added.body)).not.toContain('key of them');
    const send = async (key: string) =>
      (
        await scene.alert(
          { number: 1 },
          { source: 'rotating', key, event: 'ping', body: Buffer.from(`{"k":"${newId()}"}`) },
        )
      ).status;
    expect([await send('the first key of them'), await send('the second key of them')]).toEqual([202, 202]);
    await scene.call('DELETE', `/api/v1/sources/${made.id}/keys/${added.body.keys[0].id}`);
    expect([await send('the first key of them'), await send('the second key of them')]).toEqual([401, 202]);
    const { body: now, headers } = await scene.call('GET', `/api/v1/sources/${made.id}`);
    const stale = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { active: false },
      headers: { 'if-match': '"1"' },
    });
    expect(stale.status).toBe(412);
    const off = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { active: false },
      headers: { 'if-match': String(headers['etag']) },
    });
    expect(off).toMatchObject({ status: 200, body: { active: false, rowVersion: now.rowVersion + 1 } });
    expect(await send('the second key of them')).toBe(401);
  });

  test('another API address drops the token that was meant for the old one', async () => {
    const made = await scene.source({
      key: 'moving',
      kind: 'github',
      keys: [GITHUB_KEY],
      apiBaseUrl: 'https://a.example',
      apiToken: 'a-token-1',
    });
    const moved = await scene.call('PATCH', `/api/v1/sources/${made.id}`, {
      body: { apiBaseUrl: 'https://b.example' },
      headers: { 'if-match': '"1"' },
    });
    expect(moved.body).toMatchObject({ apiBaseUrl: 'https://b.example', hasApiToken: false });
  });

  test('the format of a signed report is published, and fits what is taken', async () => {
    const answer = await world.app.inject('/api/schemas/report.json');
    expect(answer.headers['content-type']).toContain('application/schema+json');
    const { report } = { report: z.fromJSONSchema(answer.json()) };
    const good = { type: 'exposure.reported', data: { reports: [{ ref: 'r', sha256: 'a'.repeat(64) }] } };
    expect(report.safeParse(good).success).toBe(true);
    for (const bad of [{}, { ...good, type: 'other' }, { ...good, data: { reports: [{ value: 'v' }] } }])
      expect(report.safeParse(bad).success).toBe(false);
  });

  test('a party or contact that is not there is named by its own field', async () => {
    for (const field of ['partyId', 'ownerContactId']) {
      const { body } = await scene.call('POST', '/api/v1/sources', {
        body: { key: 'nobodys', kind: 'github', name: 'A source', [field]: newId() },
      });
      expect(body).toMatchObject({ status: 400, errors: [{ field: `/${field}` }] });
    }
  });

  test('a list of public keys is added as it is given when the source is made', async () => {
    const { body: made } = await scene.call('POST', '/api/v1/sources', {
      body: { key: 'partner-list', kind: 'github-partner', name: 'A partner' },
    });
    const one = () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const key = publicKey.export({ type: 'spki', format: 'pem' });
      return { key_identifier: randomUUID(), key, is_current: true };
    };
    const key = JSON.stringify({ public_keys: Array.from({ length: 8 }, one) });
    expect(key.length).toBeGreaterThan(1000);
    expect(await scene.call('POST', `/api/v1/sources/${made.id}/keys`, { body: { key } })).toMatchObject({
      status: 201,
    });
  });

  test('an edit takes the version that stands, one of several, or any', async () => {
    const { body: made } = await scene.call('POST', '/api/v1/sources', {
      body: { key: 'matched', kind: 'github', name: 'A source' },
    });
    const edit = async (match: string) => {
      const headers = { 'if-match': match };
      return (await scene.call('PATCH', `/api/v1/sources/${made.id}`, { body: { name: match }, headers }))
        .status;
    };
    expect([await edit('"7", "1"'), await edit('"7", "1"'), await edit('*')]).toEqual([200, 412, 200]);
  });

  test.each([
    [{ key: 'x1', kind: 'of-nobody' }, 400],
    [{ key: 'x2', kind: 'github', keys: ['short'] }, 400],
    [{ key: 'x3', kind: 'standard-webhooks', keys: ['whsec_QUJD'] }, 400],
    [{ key: 'x4', kind: 'api', keys: ['a key that has no use there'] }, 400],
    [{ key: 'Not Kebab', kind: 'github' }, 400],
    ...['nonsense', 'https://', 'https://a b/', 'https://u:p@a.example', 'https://a.example/?q'].map(
      (apiBaseUrl) => [{ key: 'x6', kind: 'github', apiBaseUrl }, 400] as const,
    ),
    ...['nonsense', 'https://u:p@a.example/poll'].map(
      (pollUrl) => [{ key: 'x7', kind: 'set', settings: { pollUrl } }, 400] as const,
    ),
    [{ key: 'x5', kind: 'github', partyId: newId() }, 400],
    [{ key: 'github', kind: 'github' }, 409],
  ])('%j is refused', async (input, status) => {
    const answer = await scene.call('POST', '/api/v1/sources', { body: { name: 'A source', ...input } });
    expect(answer.status).toBe(status);
  });
});
