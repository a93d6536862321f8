import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readStrictJson } from './strict-json.ts';
import { strictJsonItems } from './strict-json-items.ts';

const LIMITS = { depth: 8, items: 1000 };

/** The list as a whole, or the problem that ended it. */
function read(bytes: Uint8Array, limits = LIMITS) {
  const items: unknown[] = [];
  for (const item of strictJsonItems(bytes, limits)) {
    if (!item.ok) return item;
    items.push(item.value);
  }
  return { ok: true as const, value: items };
}
const of = (text: string) => read(Buffer.from(text));

test('any list comes out as it does when it is read whole', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 20 }), fc.nat(3), (list, indent) => {
      const bytes = Buffer.from(JSON.stringify(list, null, indent));
      const whole = readStrictJson(bytes, { depth: 9, items: 100_000 });
      const parts = read(bytes, { depth: 9, items: 100_000 });
      expect(parts.ok).toBe(whole.ok);
      if (whole.ok) expect(parts).toEqual({ ok: true, value: whole.value });
    }),
  );
});

test('whatever the bytes are, what is refused whole is refused, and what is taken whole is taken', () => {
  const pieces = [
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"',
    '\\',
    '1',
    'null',
    '"a"',
    '"a":1',
    ' ',
    '\n',
    '\ufeff',
    'é',
    '\u0000',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const bytes = Buffer.from(`[${parts.join('')}`);
      const whole = readStrictJson(bytes, LIMITS);
      const got = read(bytes);
      expect(got.ok).toBe(whole.ok && Array.isArray(whole.value));
      if (got.ok && whole.ok) expect(got.value).toEqual(whole.value);
    }),
    { numRuns: 3000 },
  );
});

describe('refused, with the place', () => {
  test.each([
    ['{"a":1}', 'syntax', ''],
    ['', 'syntax', ''],
    ['[1,2', 'syntax', '/1'],
    ['[1,]', 'syntax', '/1'],
    ['[,1]', 'syntax', '/0'],
    ['[1 2]', 'syntax', '/0'],
    ['[1]]', 'syntax', '/1'],
    ['[1][2]', 'syntax', '/1'],
    ['["a]', 'syntax', '/0'],
    ['[{"a":1},{"b":1,"b":2}]', 'duplicate-key', '/1'],
    ['[{"a":{"__proto__":1}}]', 'forbidden-key', '/0/a'],
    ['["\\u0000"]', 'forbidden-character', '/0'],
    ['["\\ud800"]', 'encoding', '/0'],
    [`[${'['.repeat(7)}${']'.repeat(7)}]`, undefined, ''],
    [`[${'['.repeat(8)}${']'.repeat(8)}]`, 'too-deep', '/0'],
    [`[${'1,'.repeat(1000)}1]`, 'too-many', ''],
  ])('%s', (text, code, pointer) => {
    const got = of(text);
    if (code === undefined) expect(got.ok).toBe(true);
    else expect(got).toMatchObject({ ok: false, error: { code, pointer: expect.stringContaining(pointer) } });
  });

  test('what is no UTF-8, in its item', () => {
    expect(read(Buffer.from([0x5b, 0x31, 0x2c, 0x22, 0xff, 0x22, 0x5d]))).toMatchObject({
      ok: false,
      error: { code: 'encoding', pointer: '/1' },
    });
  });
});
