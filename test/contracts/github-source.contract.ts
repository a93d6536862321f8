import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import type { Outbound, OutboundAnswer } from '../../src/platform/http/outbound.ts';
import { GithubSource } from '../../src/plugins/sources/github/github.source.ts';
import { CANARY, NOW, sample, voices } from '../support/source-voices.ts';

describe('github', () => {
  const { source, key, headers, leak } = voices['github']!;
  const read = (body: Buffer, o: { event?: string; headers?: Record<string, string> } = {}) =>
    source.read({ body, headers: { ...headers(body, key, o), ...o.headers } });

  test('the published signature vector', () => {
    const body = Buffer.from('Hello, World!');
    const vector = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const raw = { body, headers: { 'x-hub-signature-256': vector, 'x-github-delivery': 'd' } };
    expect(source.authenticate(raw, [Secret.of(key)], NOW)).toEqual({ ok: true, value: { deliveryId: 'd' } });
    const upper = { ...raw, headers: { ...raw.headers, 'x-hub-signature-256': vector.slice(7) } };
    expect(source.authenticate(upper, [Secret.of(key)], NOW)).toMatchObject({ ok: false }); // the prefix is mandatory
  });

  test('a signature of SHA-1 proves nothing', () => {
    const body = leak(CANARY);
    const sha1 = `sha1=${createHmac('sha1', key).update(body).digest('hex')}`;
    const raw = {
      body,
      headers: { 'x-hub-signature': sha1, 'x-hub-signature-256': sha1, 'x-github-delivery': 'd' },
    };
    expect(source.authenticate(raw, [Secret.of(key)], NOW)).toMatchObject({
      ok: false,
      error: { kind: 'unauthenticated' },
    });
  });

  test('an authentic delivery without an id is a matter for whoever set the webhook up', () => {
    const body = leak(CANARY);
    const raw = { body, headers: { ...headers(body, key), 'x-github-delivery': '' } };
    expect(source.authenticate(raw, [Secret.of(key)], NOW)).toMatchObject({
      ok: false,
      error: { kind: 'invalid' },
    });
  });

  test('the published sample of "reopened", with five members, without a secret', () => {
    const answer = read(sample('github-secret-scanning-alert-reopened.json'));
    if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    expect(answer.value.event).toBe('secret_scanning_alert.reopened');
    expect(answer.value.reports).toEqual([
      expect.objectContaining({
        externalRef: 'Codertocat/Hello-World#191',
        place: 'github:codertocat/hello-world',
        value: null,
        kind: 'adafruit_io_key',
        resolved: undefined,
      }),
    ]);
  });

  test('the published sample of a location, with its place', () => {
    const answer = read(sample('github-secret-scanning-alert-location-created.json'), {
      event: 'secret_scanning_alert_location',
    });
    if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    expect(answer.value.reports[0]).toMatchObject({
      externalRef: 'octocat-repo/hello-world#42',
      foundAt: [
        {
          type: 'commit',
          path: '/example/secrets.txt',
          line: 1,
          url: expect.stringContaining('/git/commits/'),
        },
      ],
      detectedAt: Date.parse('2020-11-06T18:18:30Z'),
    });
    expect(answer.value.reports[0]!.value?.use((value) => value)).toBe(
      'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX-us2',
    );
  });

  test('a form with one field `payload` is the same delivery', () => {
    const form = Buffer.from(
      `payload=${encodeURIComponent(leak('a b+c/é').toString()).replaceAll('%20', '+')}`,
    );
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = read(form, { headers: type });
    expect(answer).toMatchObject({ ok: true });
    expect(answer.ok && answer.value.reports[0]!.value?.use((value) => value)).toBe('a b+c/é');
    for (const bad of [
      '',
      'payload=',
      'other=1',
      'payload=%7B%7D&payload=%7B%7D',
      'payload=%ff%fe',
      'payload=%',
    ]) {
      expect(read(Buffer.from(bad), { headers: type })).toMatchObject({
        ok: false,
        error: { kind: 'invalid' },
      });
    }
    expect(read(leak('x'), { headers: { 'content-type': 'text/plain' } })).toMatchObject({ ok: false });
  });

  test('resolved, validated, publicly leaked; tomorrow’s actions are acknowledged', () => {
    const say = (action: string, alert: object) => {
      const answer = read(
        Buffer.from(
          JSON.stringify({ action, alert: { number: 1, ...alert }, repository: { full_name: 'o/r' } }),
        ),
      );
      return answer.ok ? (answer.value.reports[0] ?? answer.value.acknowledged) : answer.error;
    };
    expect(say('resolved', { resolution: 'revoked' })).toMatchObject({
      resolved: 'revoked',
      sourceSays: 'dead',
    });
    expect(say('resolved', { resolution: 'false_positive', validity: 'active' })).toMatchObject({
      resolved: 'false_positive',
      sourceSays: 'live',
    });
    expect(say('revoked', {})).toMatchObject({ resolved: 'revoked' });
    expect(say('validated', { validity: 'inactive' })).toMatchObject({ sourceSays: 'dead' });
    expect(say('publicly_leaked', {})).toMatchObject({ publiclyLeaked: true });
    expect(say('reopened', { resolution: 'revoked' })).toMatchObject({ resolved: undefined });
    for (const action of ['assigned', 'metadata_created', 'of-tomorrow', ''])
      expect(say(action, {})).toEqual(expect.any(String));
    expect(say('created', { number: 'seven' })).toMatchObject({
      kind: 'invalid',
      fields: [{ field: 'body/alert/number' }],
    });
  });

  test('one alert, two states: two content keys, whatever else the body holds', () => {
    const of = (action: string, updated_at: string | undefined, more = {}) => {
      const answer = read(
        Buffer.from(
          JSON.stringify({
            action,
            alert: { number: 1, updated_at },
            repository: { full_name: 'o/r' },
            ...more,
          }),
        ),
      );
      return answer.ok && answer.value.contentKey;
    };
    const at = '2026-11-22T01:00:00Z';
    expect(of('created', at)).toBe(of('created', at, { sender: { login: 'x' } }));
    expect(
      new Set([
        of('created', at),
        of('resolved', at),
        of('created', '2026-11-22T01:00:01Z'),
        of('created', undefined),
      ]).size,
    ).toBe(4);
    expect(of('created', undefined)).not.toBe(of('created', undefined, { sender: { login: 'x' } }));
  });

  describe('asks GitHub for what a delivery left out', () => {
    const report = { externalRef: 'octo/repo#7', value: null, foundAt: [] };
    const asking = (answers: Record<string, [status: number, body: unknown]>) => {
      const asked: { url: string; authorization?: string }[] = [];
      const outbound = {
        request: (r: { url: string; headers?: Record<string, string> }) => {
          asked.push({ url: r.url, authorization: r.headers?.['authorization'] });
          const [status, body] = answers[new URL(r.url).pathname] ?? [404, {}];
          const answer = { ok: true, status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
          return Promise.resolve(answer as unknown as OutboundAnswer);
        },
      } as unknown as Outbound;
      const api = {
        baseUrl: 'https://ghe.example/api/v3/',
        token: Secret.of('ghp_token'),
        signal: new AbortController().signal,
      };
      return {
        asked,
        fetch: (one: object = report, o: object = {}) =>
          new GithubSource(outbound).fetchMissing(one as never, { ...api, ...o }),
      };
    };
    const alert = '/api/v3/repos/octo/repo/secret-scanning/alerts/7';

    test('the secret and its places, from the configured address alone', async () => {
      const { asked, fetch } = asking({
        [alert]: [200, { secret: CANARY, validity: 'active' }],
        [`${alert}/locations`]: [
          200,
          [{ type: 'commit', details: { path: 'a.txt', start_line: 3 } }, { odd: true }],
        ],
      });
      const answer = await fetch();
      if (!answer.ok) throw new Error(answer.error.message);
      expect(answer.value.value?.use((value) => value)).toBe(CANARY);
      expect(answer.value).toMatchObject({
        sourceSays: 'live',
        foundAt: [{ type: 'commit', path: 'a.txt', line: 3 }],
      });
      expect(asked[0]).toEqual({ url: `https://ghe.example${alert}`, authorization: 'Bearer ghp_token' });
    });

    test.each([
      [401, 'forbidden'],
      [403, 'forbidden'],
      [404, 'forbidden'],
      [429, 'unavailable'],
      [503, 'unavailable'],
    ])('a %i is %s, and says what is missing', async (status, kind) => {
      const answer = await asking({ [alert]: [status, {}] }).fetch();
      expect(answer).toMatchObject({
        ok: false,
        error: { kind, message: expect.stringContaining('octo/repo#7') },
      });
    });

    test('without a token, without the secret in the answer, with a name that is no alert: nothing is guessed', async () => {
      const { fetch, asked } = asking({ [alert]: [200, { number: 7 }] });
      expect(await fetch(report, { token: null })).toMatchObject({
        ok: false,
        error: { code: 'source-token-missing' },
      });
      for (const externalRef of [
        'octo/..#7',
        '../repo#7',
        'octo/repo',
        'octo/re po#7',
        'a/b/c#1',
        'octo/repo#7/../8',
      ]) {
        expect(await fetch({ ...report, externalRef })).toMatchObject({
          ok: false,
          error: { kind: 'invalid' },
        });
      }
      expect(asked).toEqual([]);
      expect(await fetch()).toMatchObject({ ok: false, error: { code: 'source-secret-withheld' } });
    });
  });
});
