import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { request } from 'undici';
import { WorldClient } from '../client.ts';
import { startWorld } from '../world.ts';
import type { World } from '../world.ts';
import { signatureOf } from './webhooks.ts';

const SECRET = "It's a Secret to Everybody";

interface Received {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

let dir: string;
let world: World;
let client: WorldClient;
let receiver: Server;
let received: Received[] = [];
let answerWith = 202;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'github-'));
  world = await startWorld({ dir });
  client = new WorldClient(world.descriptor);
  receiver = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      received.push({ headers: req.headers, body: Buffer.concat(chunks).toString('utf8') });
      res.writeHead(answerWith).end('{"accepted":true}');
    });
  });
  await new Promise<void>((done) => {
    receiver.listen(0, '127.0.0.1', done);
  });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/intake/github`;
  await client.setHook({ url, secret: SECRET });
});
afterAll(async () => {
  await world.close();
  receiver.closeAllConnections();
  await new Promise((done) => {
    receiver.close(done);
  });
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  received = [];
  answerWith = 202;
});

const alertIn = (body: string) => (JSON.parse(body) as { alert: Record<string, unknown> }).alert;

test('signs as GitHub documents it', () => {
  expect(signatureOf(SECRET, 'Hello, World!')).toBe(
    'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  );
});

describe('deliveries', () => {
  test('carry GitHub’s headers and a signature over the raw bytes; the alert has neither secret nor state', async () => {
    const alert = await client.raiseAlert({
      repo: 'checkout',
      secret: 'nwp_live_x',
      secretType: 'northwind_api_key',
    });
    const sent = await client.deliver({ repo: 'checkout', number: alert.number });
    expect(sent.attempts).toMatchObject([{ status: 202, failure: null, redelivery: false }]);
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    expect(headers).toMatchObject({
      'x-github-event': 'secret_scanning_alert',
      'x-github-delivery': sent.guid,
      'x-hub-signature-256': signatureOf(SECRET, body),
      'content-type': 'application/json',
    });
    expect(String(headers['user-agent'])).toMatch(/^GitHub-Hookshot\//);
    const payload = JSON.parse(body) as Record<string, unknown>;
    expect(payload).toMatchObject({
      action: 'created',
      repository: { full_name: 'brightwater-retail/checkout' },
      alert: { number: alert.number, secret_type: 'northwind_api_key', resolution: null },
    });
    expect(payload).not.toHaveProperty('sender');
    expect(Object.keys(alertIn(body))).not.toContain('secret');
    expect(Object.keys(alertIn(body))).not.toContain('state');
    expect(body).not.toContain('nwp_live_x');
  });

  test('carry the secret when told, and tell of a location', async () => {
    const alert = await client.raiseAlert({
      repo: 'docs',
      secret: 'klog_y',
      locations: [
        { path: '.env', line: 3 },
        { type: 'issue_comment', line: 9 },
      ],
    });
    const on = { repo: 'docs', number: alert.number, withSecret: true };
    await client.deliver(on);
    expect(alertIn(received[0]?.body ?? '')).toMatchObject({ secret: 'klog_y', state: 'open' });
    for (const location of [0, 1]) {
      await client.deliver({ ...on, event: 'secret_scanning_alert_location', location });
    }
    const told = received.slice(1).map(({ body }) => JSON.parse(body) as { location: unknown });
    expect(told[0]).toMatchObject({
      action: 'created',
      location: { type: 'commit', details: { path: '.env', start_line: 3 } },
    });
    expect(told[1]?.location).toMatchObject({
      type: 'issue_comment',
      details: { issue_comment_url: expect.stringContaining('/issues/comments/') },
    });
    await expect(
      client.deliver({ ...on, event: 'secret_scanning_alert_location', location: 2 }),
    ).rejects.toThrow(/no such location/);
  });

  test('are sent once, and again only when asked: same bytes, same id', async () => {
    answerWith = 500;
    const { number } = await client.raiseAlert({ repo: 'checkout', secret: 's' });
    const sent = await client.deliver({ repo: 'checkout', number });
    expect(received).toHaveLength(1);
    answerWith = 202;
    const again = await client.redeliver(sent.guid);
    expect(again.attempts.map((a) => [a.status, a.redelivery])).toEqual([
      [500, false],
      [202, true],
    ]);
    expect(received[1]?.body).toBe(received[0]?.body);
    expect(received[1]?.headers['x-github-delivery']).toBe(sent.guid);
    await expect(client.redeliver('none')).rejects.toThrow(/no such delivery/);
  });

  test('can be spoilt for trials of the receiver', async () => {
    const { number } = await client.raiseAlert({ repo: 'checkout', secret: 's' });
    for (const spoil of ['signature', 'unsigned', 'body'] as const) {
      await client.deliver({ repo: 'checkout', number, spoil });
    }
    const good = received.map(
      ({ headers, body }) => headers['x-hub-signature-256'] === signatureOf(SECRET, body),
    );
    expect(good).toEqual([false, false, false]);
    expect(received[1]?.headers).not.toHaveProperty('x-hub-signature-256');
  });
});

const call = async (method: 'GET' | 'PATCH', path: string, token: string | null, body?: object) => {
  const answer = await request(`${client.origin('github')}/repos/brightwater-retail/${path}`, {
    method,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
};

describe('the REST API', () => {
  test('gives the secret and its locations to a token it issued, and to nobody else', async () => {
    const { token } = await client.githubToken();
    const { number } = await client.raiseAlert({
      repo: 'mobile',
      secret: 'sesame',
      locations: [{ path: 'a' }],
    });
    const path = `mobile/secret-scanning/alerts/${number}`;
    expect((await call('GET', path, null)).status).toBe(401);
    expect((await call('GET', path, 'ghp_guess')).body).toMatchObject({ message: 'Bad credentials' });
    expect((await call('GET', path, token)).body).toMatchObject({ number, secret: 'sesame', state: 'open' });
    expect((await call('GET', `${path}?hide_secret=true`, token)).body['secret']).toBeNull();
    expect((await call('GET', `${path}/locations`, token)).body).toMatchObject([{ type: 'commit' }]);
    expect((await call('GET', 'mobile/secret-scanning/alerts/99', token)).status).toBe(404);
    expect((await call('GET', 'mobile/secret-scanning/alerts?state=resolved', token)).body).toEqual([]);
  });

  test('resolves an alert for good, and refuses what GitHub refuses', async () => {
    const { token } = await client.githubToken();
    const { number } = await client.raiseAlert({ repo: 'mobile', secret: 'sesame' });
    const path = `mobile/secret-scanning/alerts/${number}`;
    const resolve = { state: 'resolved', resolution: 'revoked', resolution_comment: 'proven dead' };
    expect((await call('PATCH', path, token, { state: 'resolved' })).status).toBe(422);
    expect((await call('PATCH', path, token, { ...resolve, resolution: 'pattern_edited' })).status).toBe(422);
    expect((await call('PATCH', path, token, {})).status).toBe(422);
    expect((await call('PATCH', path, token, resolve)).body).toMatchObject({
      state: 'resolved',
      resolution: 'revoked',
      resolved_by: { login: 'countersign-app' },
    });
    const { alerts } = (await client.truth()).github;
    expect(alerts.find((a) => a.repo === 'mobile' && a.number === number)).toMatchObject({
      state: 'resolved',
      resolutionComment: 'proven dead',
    });
  });
});
