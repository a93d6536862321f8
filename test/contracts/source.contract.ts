import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../../src/kernel/secret.ts';
import { scrubbed } from '../../src/domain/exposures/delivery.rules.ts';
import type { RawDelivery, Source } from '../../src/domain/exposures/source.ts';
import type { Outbound, OutboundAnswer } from '../../src/platform/http/outbound.ts';
import { GithubSource } from '../../src/plugins/sources/github/github.source.ts';
import { sources } from '../../src/plugins/sources/registry.ts';
import { StandardWebhooksSource } from '../../src/plugins/sources/standard-webhooks/standard-webhooks.source.ts';

const NOW = Date.parse('2026-11-22T02:00:00Z');
const CANARY = 'CANARY-tok_live_7f3a9b2c4d5e6f70';

// Origin of both: see test/support/samples/README.md.
const sample = (name: string) => readFileSync(new URL(`../support/samples/${name}`, import.meta.url));

/** How to speak as one kind of source. A registered source without an entry here fails the suite. */
interface Voice {
  source: Source;
  key: string;
  otherKey: string;
  badKeys: string[];
  headers(
    body: Buffer,
    key: string,
    o?: { id?: string; event?: string; at?: number },
  ): Record<string, string>;
  /** A body that reports one leak with this value. */
  leak(value: string): Buffer;
  /** An authentic body that reports nothing we use. */
  other: { body: Buffer; event?: string };
  /** A body of the right form with this text somewhere inside it, as JSON. */
  around(json: string): Buffer;
}

const offline = {} as Outbound;
const voices: Record<string, Voice> = {
  github: {
    source: new GithubSource(offline),
    key: "It's a Secret to Everybody",
    otherKey: 'another secret altogether',
    badKeys: ['', 'short'],
    headers: (body, key, o = {}) => ({
      'content-type': 'application/json',
      'x-github-event': o.event ?? 'secret_scanning_alert',
      'x-github-delivery': o.id ?? '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
    }),
    leak: (value) =>
      Buffer.from(
        JSON.stringify({
          action: 'created',
          alert: {
            number: 7,
            created_at: '2026-11-22T01:00:00Z',
            updated_at: '2026-11-22T01:00:01Z',
            secret: value,
            secret_type: 'x_token',
            validity: 'active',
          },
          repository: { full_name: 'octo/repo' },
        }),
      ),
    other: { body: Buffer.from('{"zen":"Keep it logically awesome.","hook_id":1}'), event: 'ping' },
    around: (json) =>
      Buffer.from(
        `{"action":"created","alert":{"number":7},"repository":{"full_name":"octo/repo"},"more":${json}}`,
      ),
  },
  'standard-webhooks': {
    source: new StandardWebhooksSource(),
    key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    otherKey: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    badKeys: ['', 'whsec_', 'whsec_QUJD', 'not base64 at all!'],
    headers: (body, key, o = {}) => {
      const id = o.id ?? 'msg_1';
      const at = o.at ?? NOW;
      return {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at / 1000)),
        'webhook-signature': new Webhook(key).sign(id, new Date(at), body.toString('utf8')),
      };
    },
    leak: (value) =>
      Buffer.from(
        JSON.stringify({
          type: 'exposure.reported',
          data: {
            reports: [
              {
                ref: 'leak-1',
                value,
                kind: 'x_token',
                place: 'paste:1',
                foundAt: [{ type: 'paste', url: 'https://paste.example/1' }],
              },
            ],
          },
        }),
      ),
    other: { body: Buffer.from('{"type":"invoice.paid","data":{}}') },
    around: (json) =>
      Buffer.from(
        `{"type":"exposure.reported","data":{"reports":[{"ref":"a","sha256":"${'0'.repeat(64)}"}],"more":${json}}}`,
      ),
  },
};

test('every registered source is in this suite', () => {
  const registered = sources.map((Kind) => new (Kind as new (outbound: Outbound) => Source)(offline).key);
  expect(new Set(registered).size).toBe(registered.length);
  expect(Object.keys(voices).toSorted()).toEqual(registered.toSorted());
});

describe.each(Object.entries(voices))('source %s', (name, voice) => {
  const { source } = voice;
  const keys = [Secret.of(voice.key)];
  const delivery = (
    body: Buffer,
    o: { key?: string; id?: string; event?: string; at?: number } = {},
  ): RawDelivery => ({
    headers: voice.headers(body, o.key ?? voice.key, o),
    body,
  });
  const judged = (raw: RawDelivery, given: readonly Secret[] = keys) => source.authenticate(raw, given, NOW);
  const refused = (raw: RawDelivery, given?: readonly Secret[]) => {
    const answer = judged(raw, given);
    return answer.ok ? 'accepted' : answer.error.kind;
  };

  test('says who it is and how much it takes', () => {
    expect(source.key).toBe(name);
    expect(source.title).not.toBe('');
    expect(source.bodyLimit).toBeGreaterThanOrEqual(1_000_000);
    expect(source.checkKey(keys[0]!)).toBeUndefined();
    for (const bad of voice.badKeys) expect(source.checkKey(Secret.of(bad))).toEqual(expect.any(String));
  });

  test('takes an authentic delivery, under any of several keys', () => {
    const raw = delivery(voice.leak(CANARY));
    expect(judged(raw)).toEqual({ ok: true, value: { deliveryId: expect.any(String) } });
    expect(judged(raw, [Secret.of(voice.otherKey), ...keys])).toMatchObject({ ok: true });
    const read = source.read(raw);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(read.value.reports).toHaveLength(1);
    expect(read.value.reports[0]!.value?.use((value) => value)).toBe(CANARY);
  });

  test('no key, an empty key, the wrong key: the same refusal, never open', () => {
    const raw = delivery(voice.leak(CANARY));
    const answers = [[], [Secret.of('')], [Secret.of(voice.otherKey)]].map((given) => judged(raw, given));
    expect(answers.map((answer) => !answer.ok && answer.error)).toEqual(
      Array(3).fill(expect.objectContaining({ kind: 'unauthenticated' })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    // An attacker who signs with an empty key gains nothing from an empty key on our side.
    const bodyless = {
      body: raw.body,
      headers: name === 'github' ? voice.headers(raw.body, '') : raw.headers,
    };
    expect(refused(bodyless, [Secret.of('')])).toBe('unauthenticated');
  });

  test('forged: any changed byte of body or signature, missing or cut headers', () => {
    const raw = delivery(voice.leak(CANARY));
    fc.assert(
      fc.property(fc.nat(raw.body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const body = Buffer.from(raw.body);
        body[at] = body[at]! ^ flip;
        expect(refused({ ...raw, body })).toBe('unauthenticated');
      }),
      { numRuns: 200 },
    );
    expect(refused({ ...raw, body: raw.body.subarray(0, raw.body.length - 1) })).toBe('unauthenticated');
    const signature = Object.keys(raw.headers).find((header) => header.includes('signature'))!;
    for (const text of [
      undefined,
      '',
      'sha256=',
      'v1,',
      'sha256=zz',
      raw.headers[signature]!.slice(0, -2),
      'x'.repeat(100_000),
    ]) {
      expect(refused({ ...raw, headers: { ...raw.headers, [signature]: text } })).toBe('unauthenticated');
    }
  });

  test('the same content has the same key, other content another', () => {
    const keyOf = (raw: RawDelivery) => {
      const read = source.read(raw);
      return read.ok ? read.value.contentKey : 'refused';
    };
    const body = voice.leak(CANARY);
    expect(keyOf(delivery(body, { id: 'one' }))).toBe(keyOf(delivery(body, { id: 'two' })));
    expect(keyOf(delivery(voice.other.body, { event: voice.other.event }))).not.toBe(keyOf(delivery(body)));
  });

  test('an event that it does not use is acknowledged', () => {
    const read = source.read(delivery(voice.other.body, { event: voice.other.event }));
    expect(read).toMatchObject({ ok: true, value: { reports: [], acknowledged: expect.any(String) } });
  });

  const hostile: [string, Buffer][] = [
    ['no JSON', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['a JSON text that is no object', Buffer.from('[1,2]')],
    ['cut short', voice.leak(CANARY).subarray(0, 60)],
    ['a member twice', voice.around('{"a":1,"a":2}')],
    ['a member twice by escape', voice.around('{"a":1,"\\u0061":2}')],
    ['a prototype', voice.around('{"__proto__":{"admin":true}}')],
    ['nested deeply', voice.around('['.repeat(20_000) + ']'.repeat(20_000))],
    [
      'bad UTF-8',
      Buffer.concat([voice.around('"').subarray(0, -1), Buffer.from([0xc3, 0x28]), Buffer.from('"}}')]),
    ],
    ['half a surrogate pair', voice.around('"\\ud800"')],
    ['a NUL', voice.around('"\\u0000"')],
    ['too many members', voice.around(`[${'0,'.repeat(1_000_001)}0]`)],
  ];
  test.each(hostile)(
    'an authentic body with %s is refused with the field and the mend, at once',
    (_, body) => {
      const started = process.hrtime.bigint();
      const read = source.read(delivery(body));
      expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(3000);
      expect(read).toMatchObject({
        ok: false,
        error: { kind: 'invalid', fields: [{ field: expect.any(String), mend: expect.any(String) }] },
      });
    },
  );

  test('whatever bytes come, it answers and does not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const body = Buffer.from(bytes);
        source.read(delivery(body));
        source.authenticate({ headers: {}, body }, keys, NOW);
      }),
    );
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        source.read(delivery(voice.around(json)));
        source.read(delivery(Buffer.from(json)));
      }),
    );
  });

  test('the value is in no text that leaves it', () => {
    const read = source.read(delivery(voice.leak(CANARY)));
    expect(JSON.stringify(read)).not.toContain(CANARY);
    expect(inspect(read, { depth: 10, showHidden: true })).not.toContain(CANARY);
    expect(`${String(read.ok && read.value.reports[0]!.value)}`).not.toContain(CANARY);
    for (const body of [
      voice.leak(CANARY).subarray(0, -3),
      voice.around(`{"${CANARY}":1,"${CANARY}":2}`),
      voice.around(`"${CANARY}\\u0000"`),
      Buffer.from(`"${CANARY}"`),
      Buffer.from(CANARY),
    ]) {
      const refusedRead = source.read(delivery(body));
      expect(refusedRead.ok).toBe(false);
      expect(inspect(refusedRead, { depth: 10 })).not.toContain(CANARY);
    }
  });
});

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

describe('standard-webhooks', () => {
  const { source, key, otherKey, headers, leak } = voices['standard-webhooks']!;
  const keys = [Secret.of(key)];

  test('the published signature vector', () => {
    const raw = {
      body: Buffer.from('{"test": 2432232314}'),
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    };
    expect(source.authenticate(raw, keys, 1614265330_000)).toEqual({
      ok: true,
      value: { deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek' },
    });
    expect(source.authenticate(raw, [Secret.of(key.slice('whsec_'.length))], 1614265330_000)).toMatchObject({
      ok: true,
    });
  });

  test.each([
    [-301_000, false],
    [-300_000, true],
    [0, true],
    [300_000, true],
    [301_000, false],
  ])('a delivery %i ms off our clock: %s', (off, taken) => {
    const body = leak(CANARY);
    expect(source.authenticate({ body, headers: headers(body, key, { at: NOW + off }) }, keys, NOW).ok).toBe(
      taken,
    );
  });

  test('a signature of another time says so to whoever holds the key, and to nobody else', () => {
    const body = leak(CANARY);
    const judged = (by: string) =>
      source.authenticate({ body, headers: headers(body, by, { at: NOW - 301_000 }) }, keys, NOW);
    expect(judged(key)).toMatchObject({
      ok: false,
      error: { code: 'delivery-stale', message: expect.stringContaining('more than 5 minutes off') },
    });
    expect(judged(otherKey)).toMatchObject({
      ok: false,
      error: {
        code: 'delivery-not-authenticated',
        fields: [{ mend: expect.stringContaining('Sign the body') }],
      },
    });
  });

  test('the example of the README is a report', () => {
    const [, example] = /```json\n([^`]+)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
    const read = source.read({ body: Buffer.from(example ?? ''), headers: {} });
    expect(read).toMatchObject({
      ok: true,
      value: { event: 'exposure.reported', reports: [{ externalRef: 'scan-7/41' }] },
    });
  });

  test('several signatures, of which one fits; unknown versions are skipped', () => {
    const body = leak(CANARY);
    const good = headers(body, key)['webhook-signature']!;
    const other = headers(body, otherKey)['webhook-signature']!;
    const judged = (signature: string) =>
      source.authenticate(
        { body, headers: { ...headers(body, key), 'webhook-signature': signature } },
        keys,
        NOW,
      ).ok;
    expect(judged(`${other} ${good}`)).toBe(true);
    expect(judged(`v1a,${good.slice(3)} v2,x ${good}`)).toBe(true);
    expect(judged(`v1a,${good.slice(3)}`)).toBe(false);
    expect(judged(other)).toBe(false);
  });

  test('another id or time under the same signature is forged; a full stop in the id is refused', () => {
    const body = leak(CANARY);
    const given = headers(body, key);
    expect(source.authenticate({ body, headers: { ...given, 'webhook-id': 'msg_2' } }, keys, NOW).ok).toBe(
      false,
    );
    const later = String(Number(given['webhook-timestamp']) + 1);
    expect(
      source.authenticate({ body, headers: { ...given, 'webhook-timestamp': later } }, keys, NOW).ok,
    ).toBe(false);
    const dotted = headers(body, key, { id: 'a.b' });
    expect(source.authenticate({ body, headers: dotted }, keys, NOW).ok).toBe(false);
  });

  test('reports are judged one by one, and the bad ones named', () => {
    const read = (reports: unknown) => {
      const body = Buffer.from(JSON.stringify({ type: 'exposure.reported', data: { reports } }));
      const answer = source.read({ body, headers: headers(body, key) });
      return answer.ok ? answer.value.reports.length : answer.error.fields!.map(({ field }) => field);
    };
    const sha256 = createHash('sha256').update(CANARY).digest('hex');
    expect(
      read([
        { ref: 'a', sha256 },
        { ref: 'b', supplierId: 'x' },
      ]),
    ).toBe(2);
    expect(read([{ ref: 'a' }])).toEqual(['body/data/reports/0/value']);
    expect(
      read([
        { ref: 'a', sha256 },
        { ref: 'a', sha256 },
      ]),
    ).toEqual(['body/data/reports/1/ref']);
    expect(read([{ sha256 }])).toEqual(['body/data/reports/0/ref']);
    expect(read([{ ref: 'a', sha256, detectedAt: 'yesterday' }])).toEqual(['body/data/reports/0/detectedAt']);
    expect(read([{ ref: 'a', value: 'x'.repeat(70_000) }])).toEqual(['body/data/reports/0/value']);
    expect(read([{ ref: 'a', sha256, foundAt: [{ type: 'x', url: 'javascript:alert(1)' }] }])).toEqual([
      'body/data/reports/0/foundAt/0/url',
    ]);
    expect(read([])).toEqual(['body/data/reports']);
    expect(read(Array.from({ length: 1000 }, () => ({})))).toHaveLength(10);
    const many = Array.from({ length: 20_000 }, (_, n) => ({ ref: `r${n}`, sha256 }));
    expect(read(many)).toBe(20_000);
  });
});

test('what is kept of a report names the secret nowhere, however its reporter spelled it', () => {
  const spellings = [CANARY, encodeURIComponent(`${CANARY}/+`), Buffer.from(CANARY).toString('base64')];
  const kept = scrubbed({
    externalRef: `leak of ${CANARY}`,
    place: CANARY,
    value: Secret.of(`${CANARY}\n`),
    kind: spellings[2],
    supplierId: 'id-1',
    foundAt: [
      {
        type: 'log\u0000\n',
        url: `https://u:p@log.example/a?token=${CANARY}#${CANARY}`,
        path: `/tmp/${CANARY}`,
      },
      { type: 'log', url: 'javascript:alert(1)' },
      { type: 'log', url: 'javascript:alert(1)' },
    ],
  });
  expect(JSON.stringify(kept)).not.toContain(CANARY);
  expect(JSON.stringify(kept)).not.toContain(spellings[2]);
  expect(kept.foundAt).toEqual([
    { type: 'log', url: 'https://log.example/a#[secret]', path: '/tmp/[secret]', line: undefined },
    { type: 'log', url: undefined, path: undefined, line: undefined },
  ]);
  expect(kept.externalRef).toBe('leak of [secret]');
});
