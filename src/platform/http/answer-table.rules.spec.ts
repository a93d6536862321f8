import { describe, expect, test } from '@jest/globals';
import { answerTableSchema, at, retryAfter, rowFor } from './answer-table.rules.ts';

const table = answerTableSchema(['live', 'dead', 'indeterminate']);
const rows = table.parse([
  { status: 200, when: [{ pointer: '/ok', equals: true }], means: 'live' },
  {
    status: 200,
    when: [
      { pointer: '/ok', equals: false },
      { pointer: '/error', in: ['token_revoked', 'invalid_auth'] },
    ],
    means: 'dead',
  },
  { status: [401, 403], means: 'dead' },
  { status: 404, when: [{ pointer: '/id', sameAs: 'supplierId' }], means: 'dead' },
  { status: 410, when: [{ pointer: '/token', exists: false }], means: 'dead' },
]);
const meaning = (status: number, body: unknown, values: Record<string, string> = {}) =>
  rowFor(
    rows,
    {
      status,
      body: Buffer.isBuffer(body)
        ? body
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    },
    (name) => values[name],
  )?.means ?? null;

describe('what an answer means', () => {
  test.each<[number, unknown, string | null]>([
    [200, { ok: true }, 'live'],
    [200, { ok: 'true' }, null],
    [200, { ok: 1 }, null],
    [200, { ok: false, error: 'token_revoked' }, 'dead'],
    [200, { ok: false, error: ['token_revoked'] }, null],
    [200, { ok: 'false', error: 'token_revoked' }, null],
    [200, { ok: false, error: 'ratelimited' }, null],
    [200, '{"__proto__":{"ok":true}}', null],
    [200, '{"ok":true,"ok":false,"error":"token_revoked"}', null],
    [200, '{"ok":false,"error":"ratelimited","error":"token_revoked"}', null],
    [200, '[]', null],
    [200, 'null', null],
    [200, '<html>', null],
    [200, '', null],
    [200, Buffer.from([0x7b, 0xff, 0x7d]), null],
    [401, '<html>', 'dead'],
    [403, '', 'dead'],
    [410, {}, 'dead'],
    [410, { token: null }, null],
    [410, '', null],
    [429, { ok: true }, null],
    [500, { ok: false, error: 'token_revoked' }, null],
  ])('%i with %j is %s', (status, body, expected) => {
    expect(meaning(status, body)).toBe(expected);
  });

  test('an answer about another id means nothing', () => {
    expect(meaning(404, { id: 'key_1' }, { supplierId: 'key_1' })).toBe('dead');
    expect(meaning(404, { id: 7 }, { supplierId: '7' })).toBe('dead');
    expect(meaning(404, { id: 'key_2' }, { supplierId: 'key_1' })).toBeNull();
    expect(meaning(404, { id: 'undefined' })).toBeNull();
  });

  test('a pointer sees own properties only', () => {
    expect(at({ a: [{ 'b/c': 1 }] }, '/a/0/b~1c')).toEqual({ value: 1 });
    expect(at({}, '/constructor')).toBeUndefined();
    expect(at([], '/length')).toBeUndefined();
    expect(at('text', '/length')).toBeUndefined();
    expect(at({ a: 1 }, '')).toEqual({ value: { a: 1 } });
  });

  test('an empty table and an unknown meaning are refused', () => {
    expect(table.safeParse([]).success).toBe(false);
    expect(table.safeParse([{ status: 200, means: 'fine' }]).success).toBe(false);
    expect(table.safeParse([{ status: 200, means: 'dead', whenever: [] }]).success).toBe(false);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T10:00:00Z');
  test.each<[string | undefined, number | undefined]>([
    ['7', 7000],
    ['0', 1000],
    ['99999999', 86_400_000],
    ['Sun, 22 Nov 2026 10:01:00 GMT', 60_000],
    ['Sun, 22 Nov 2020 10:01:00 GMT', 1000],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    ['1e3', undefined],
    ['7.5', undefined],
  ])('%j is %s', (text, expected) => {
    expect(retryAfter(text === undefined ? {} : { 'retry-after': text }, now)).toBe(expected);
  });
});
