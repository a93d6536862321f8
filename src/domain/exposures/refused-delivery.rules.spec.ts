import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { refusal } from '../../kernel/errors.ts';
import { HOUR } from '../../kernel/time.ts';
import { STALE, UNPROVEN, malformed } from './delivery.rules.ts';
import { MOST_AN_HOUR, Samples, turned, whyOf } from './refused-delivery.rules.ts';

test('each refusal has its reason', () => {
  expect([
    whyOf(UNPROVEN),
    whyOf(STALE),
    whyOf(refusal('forbidden', 'source-switched-off', 'Off.')),
    whyOf(refusal('too_many', 'source-over-quota', 'Often.')),
    whyOf(refusal('too_large', 'delivery-too-large', 'Large.')),
    whyOf(refusal('conflict', 'delivery-id-taken', 'Known.')),
    whyOf(malformed([])),
  ]).toEqual(['not-signed', 'stale', 'switched-off', 'over-quota', 'too-large', 'conflicting', 'unreadable']);
});

test('of what was read the hash is kept, and of headers those that hold no secret', () => {
  const body = Buffer.from('{"token":"hunter2-hunter2"}');
  const kept = turned('not-signed', UNPROVEN, {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': `scanner\r\nforged: line${'x'.repeat(500)}`,
      'x-gitlab-token': 'hunter2-hunter2',
      'x-hub-signature-256': 'sha256=00',
      authorization: 'Bearer hunter2-hunter2',
      cookie: 'a=hunter2-hunter2',
      'x-hunter2-hunter2': '1',
      'content-length': undefined,
    },
  });
  expect(kept).toEqual({
    why: 'not-signed',
    said: UNPROVEN.message,
    size: body.length,
    sha256: createHash('sha256').update(body).digest(),
    headers: {
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^scanner forged: linex+$/),
    },
  });
  expect(kept.headers['user-agent']).toHaveLength(120);
  expect(JSON.stringify(kept)).not.toContain('hunter2');
});

test('what was not read has the size that it announced, or none', () => {
  const size = (announced?: string) =>
    turned('too-large', refusal('too_large', 'x', 'Large.'), { headers: { 'content-length': announced } });
  expect(size('12000000')).toMatchObject({ size: 12_000_000, sha256: null });
  for (const odd of [undefined, 'many', '-1', '1e300', '99999999999999999999'])
    expect(size(odd)).toMatchObject({ size: null, sha256: null });
});

test('the first few of an hour are kept one by one, of each kind for itself', () => {
  const samples = new Samples();
  const start = Date.parse('2026-11-22T08:00:00Z');
  const taken = (key: string, at: number, times: number) =>
    Array.from({ length: times }, () => samples.takes(key, at)).filter(Boolean).length;
  expect(taken('a', start, 1000)).toBe(MOST_AN_HOUR);
  expect(taken('b', start, 5)).toBe(5);
  expect(taken('a', start + HOUR - 1, 10)).toBe(0);
  expect(taken('a', start + HOUR, 1000)).toBe(MOST_AN_HOUR);
});
