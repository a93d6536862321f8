import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import { StandardWebhooksSource } from '../../src/plugins/sources/standard-webhooks/standard-webhooks.source.ts';
import { CANARY, NOW, voices } from '../support/source-voices.ts';

describe('standard-webhooks', () => {
  const source = new StandardWebhooksSource();
  const { key, otherKey, headers, leak } = voices['standard-webhooks']!;
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
    // The standard recommends a type, and does not demand one.
    expect(source.read(raw)).toMatchObject({
      ok: true,
      value: { event: 'untyped', reports: [], acknowledged: 'a message without a type or data' },
    });
  });

  test.each([
    ['data without a type, which may be a report', '{"data":{"reports":[]}}'],
    ['a type that is no text', '{"type":5}'],
    ['an empty type', '{"type":""}'],
    ['no object', '[]'],
  ])('%s is refused, so that it is not lost unseen', (_, body) => {
    expect(source.read({ body: Buffer.from(body), headers: {} })).toMatchObject({
      ok: false,
      error: { code: 'delivery-unreadable' },
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
