import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret } from '../../src/kernel/secret.ts';
import { scrubbed } from '../../src/domain/exposures/delivery.rules.ts';
import type { RawDelivery, Source } from '../../src/domain/exposures/source.ts';
import type { Outbound } from '../../src/platform/http/outbound.ts';
import { sources } from '../../src/plugins/sources/registry.ts';
import { CANARY, NOW, offline, voices } from '../support/source-voices.ts';

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
  const judged = async (raw: RawDelivery, given: readonly Secret[] = keys) =>
    source.authenticate(raw, given, NOW);
  const refused = async (raw: RawDelivery, given?: readonly Secret[]) => {
    const answer = await judged(raw, given);
    if (answer.ok) return 'accepted';
    return voice.silent ? answer.error.kind : 'unauthenticated';
  };
  // What comes as a file is proven by who hands it in.
  const signed = source.filesOnly ? (_name: string, _run: () => unknown) => undefined : test;

  test('says who it is and how much it takes', () => {
    expect(source.key).toBe(name);
    expect(source.title).not.toBe('');
    expect(source.bodyLimit).toBeGreaterThanOrEqual(1_000_000);
    if (!source.filesOnly) expect(source.checkKey(keys[0]!)).toBeUndefined();
    for (const bad of voice.badKeys) expect(source.checkKey(Secret.of(bad))).toEqual(expect.any(String));
  });

  signed('takes an authentic delivery, under any of several keys', async () => {
    const raw = delivery(voice.leak(CANARY));
    const taken = await judged(raw);
    expect(taken).toMatchObject({ ok: true });
    expect(taken.ok && (taken.value.deliveryId === null || taken.value.deliveryId.length > 0)).toBe(true);
    expect(await judged(raw, [Secret.of(voice.otherKey), ...keys])).toMatchObject({ ok: true });
  });

  test('reads one leak, with its value if it carries one', () => {
    const raw = delivery(voice.leak(CANARY));
    const read = source.read(raw);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(read.value.reports).toHaveLength(1);
    expect(read.value.reports[0]!.value?.use((value) => value)).toBe(voice.carries ? CANARY : undefined);
    expect(read.value.reports[0]!.externalRef).not.toBe('');
    if (source.readFile && source.filesOnly) expect(source.readFile(raw.body)).toEqual(read);
  });

  test('a file has nobody who signed it: it is never taken for a delivery', async () => {
    if (source.filesOnly) expect(await refused(delivery(voice.leak(CANARY)))).toBe('unauthenticated');
  });

  signed('no key, an empty key, the wrong key: the same refusal, never open', async () => {
    const raw = delivery(voice.leak(CANARY));
    const answers = await Promise.all(
      [[], [Secret.of('')], [Secret.of(voice.otherKey)]].map((given) => judged(raw, given)),
    );
    expect(answers.map((answer) => !answer.ok && answer.error)).toEqual(
      Array(3).fill(expect.objectContaining({ kind: 'unauthenticated' })),
    );
    if (voice.silent) expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    // An attacker who signs with an empty key gains nothing from an empty key on our side.
    const bodyless = {
      body: raw.body,
      headers: name === 'github' ? voice.headers(raw.body, '') : raw.headers,
    };
    expect(await refused(bodyless, [Secret.of('')])).toBe('unauthenticated');
  });

  signed('forged: any changed byte of body or signature, missing or cut headers', async () => {
    const raw = delivery(voice.leak(CANARY));
    await fc.assert(
      fc.asyncProperty(fc.nat(raw.body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const body = Buffer.from(raw.body);
        body[at] = body[at]! ^ flip;
        expect(await refused({ ...raw, body })).toBe('unauthenticated');
      }),
      { numRuns: 200 },
    );
    expect(await refused({ ...raw, body: raw.body.subarray(0, raw.body.length - 1) })).toBe(
      'unauthenticated',
    );
    const signature = Object.keys(raw.headers).find((header) => header.includes('signature'));
    if (signature === undefined) return;
    for (const text of [
      undefined,
      '',
      'sha256=',
      'v1,',
      'sha256=zz',
      raw.headers[signature]!.slice(0, -2),
      'x'.repeat(100_000),
    ]) {
      expect(await refused({ ...raw, headers: { ...raw.headers, [signature]: text } })).toBe(
        'unauthenticated',
      );
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
    (what, body) => {
      if (voice.takes?.includes(what)) return;
      const started = process.hrtime.bigint();
      const read = source.read(delivery(body));
      expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(3000);
      expect(read).toMatchObject({
        ok: false,
        error: { kind: 'invalid', fields: [{ field: expect.any(String), mend: expect.any(String) }] },
      });
    },
  );

  test('whatever bytes come, it answers and does not throw', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const body = Buffer.from(bytes);
        source.read(delivery(body));
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const body = Buffer.from(bytes);
        await source.authenticate({ headers: {}, body }, keys, NOW);
        await source.authenticate(delivery(voice.leak(CANARY), {}), [Secret.ofBytes(body)], NOW);
      }),
      { numRuns: 30 },
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
    if (name === 'csv') return;
    const whole = voice.leak(CANARY);
    for (const body of [
      // Half of it: what ends in a signature may be cut there without losing a claim.
      whole.subarray(0, whole.length / 2),
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
