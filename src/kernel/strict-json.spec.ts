import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readStrictJson } from './strict-json.ts';

const read = (text: string, limits?: { depth: number; items: number }) =>
  readStrictJson(Buffer.from(text, 'utf8'), limits);
const refusedAs = (text: string) => {
  const answer = read(text);
  return answer.ok ? 'accepted' : `${answer.error.code} ${answer.error.pointer}`;
};

describe('JSON that means the same to every reader', () => {
  test('whatever JSON.stringify writes of plain data is read back alike', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(
          !/"(__proto__|constructor|prototype)"/.test(text) &&
            !text.includes('\\u0000') &&
            !/\\ud[89a-f]/i.test(text),
        );
        expect(read(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'duplicate-key /a'],
    ['{"a":{"b/c":[1,{"x":1,"\\u0078":2}]}}', 'duplicate-key /a/b~1c/1/x'],
    ['{"__proto__":{"admin":true}}', 'forbidden-key /__proto__'],
    ['{"\\u005f_proto__":1}', 'forbidden-key /__proto__'],
    ['{"a":"x\\u0000"}', 'forbidden-character /a'],
    ['{"a":"\\ud800"}', 'encoding /a'],
    ['{"a":1', 'syntax '],
    ['{"a":1}}', 'syntax '],
    ['', 'syntax '],
    ['NaN', 'syntax '],
    ['{"a":"\\x"}', 'syntax /a'],
    ['{"a":"never ends', 'syntax /a'],
  ])('%s is refused: %s', (text, said) => {
    expect(refusedAs(text)).toBe(said);
  });

  test('the same key in two objects is no duplicate, and a comma in a text counts for nothing', () => {
    expect(read('[{"a":"x,y{["},{"a":"]}"}]').ok).toBe(true);
  });

  test('ill-formed UTF-8 and UTF-16 are refused before anything is read', () => {
    for (const bytes of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from('{"a":1}', 'utf16le')]) {
      const answer = readStrictJson(bytes);
      expect(answer.ok ? 'accepted' : answer.error.code).toMatch(/encoding|syntax|forbidden/);
    }
  });

  test('depth and number are bounded', () => {
    expect(read('[[[1]]]', { depth: 3, items: 100 }).ok).toBe(true);
    expect(read('[[[[1]]]]', { depth: 3, items: 100 })).toMatchObject({
      ok: false,
      error: { code: 'too-deep', pointer: '/0/0/0' },
    });
    expect(read(`[${'1,'.repeat(9)}1]`, { depth: 3, items: 10 }).ok).toBe(true);
    expect(read(`[${'1,'.repeat(10)}1]`, { depth: 3, items: 10 })).toMatchObject({
      ok: false,
      error: { code: 'too-many' },
    });
    expect(read('['.repeat(100_000))).toMatchObject({ ok: false, error: { code: 'too-deep' } });
  });
});
