import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalJson, isCanonicalFlat, parseCanonicalJson, type CanonicalValue } from './canonical-json.ts';
import { Secret } from './secret.ts';

describe('canonical JSON (RFC 8785)', () => {
  // Values and texts of RFC 8785, section 3.2.2 and appendix B.
  test.each<[CanonicalValue, string]>([
    [-0, '0'],
    [1.5e-9, '1.5e-9'],
    [1e-7, '1e-7'],
    [0.000001, '0.000001'],
    [Number('333333333.33333329'), '333333333.3333333'],
    [9007199254740991, '9007199254740991'],
    ['€$\u000f\nA\'B"\\\\"/', String.raw`"€$\u000f\nA'B\"\\\\\"/"`],
    [[56, { d: true, '10': null, '1': [] }], '[56,{"1":[],"10":null,"d":true}]'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test('members are sorted by UTF-16 code units (RFC 8785 section 3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toEqual([
      'One', // V8 lists whole-number names first; here that is also their canonical place but one
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
    expect(canonicalJson(value).startsWith(String.raw`{"\r":"Carriage Return","1":"One"`)).toBe(true);
  });

  test('whole-number names stand in code-unit order, not in numeric order', () => {
    expect(canonicalJson({ '9': 1, '10': 2 })).toBe('{"10":2,"9":1}');
  });

  test('what has no canonical text is refused, with the place', () => {
    const bad: [unknown, string][] = [
      [{ a: { b: Number.NaN } }, '/a/b: no finite number'],
      [[Infinity], '/0: no finite number'],
      [2 ** 53, 'beyond 2^53 - 1'],
      [1e21, 'beyond 2^53 - 1'],
      [-(2 ** 53), 'beyond 2^53 - 1'],
      ['\ud800', 'ill-formed'],
      [{ '\udc00': 1 }, 'ill-formed'],
      [{ a: undefined }, '/a: a value of type undefined'],
      [Array.from({ length: 2 }), '/0: a value of type undefined'],
      [[1, , 2], '/1: a value of type undefined'], // oxlint-disable-line no-sparse-arrays -- a hole is what must be refused
      [{ a: 1n }, '/a: a value of type bigint'],
      [{ a: () => 1 }, '/a: a value of type function'],
      [{ at: new Date(0) }, '/at: an instance of a class'],
      [{ token: Secret.of('hunter2') }, '/token: an instance of a class'],
      [{ [Symbol('x')]: 1 }, 'named by a symbol'],
      [undefined, 'the value: a value of type undefined'],
    ];
    for (const [value, message] of bad) {
      expect(() => canonicalJson(value as CanonicalValue)).toThrow(message);
    }
    let deep: CanonicalValue = 1;
    for (let i = 0; i < 65; i++) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow('more than 64 levels');
  });

  test('one value has one text, whatever the order its members came in', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text) as CanonicalValue)).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(parseCanonicalJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('any other text of the same value is not canonical', () => {
    const others = [
      '{"b":1,"a":2}',
      '{"a": 1}',
      '{"a":1,"a":1}',
      '{"a":1.0}',
      '{"a":-0}',
      '{"a":1e2}',
      String.raw`"\u0041"`,
      String.raw`"\ud800"`,
      '9007199254740993',
      '9007199254740992',
      '1e400',
      '{"9":1,"10":2}',
      '[1] ',
      '{"a":',
      '',
    ];
    for (const text of others) expect([text, parseCanonicalJson(text)]).toEqual([text, undefined]);
  });
});

const values: fc.Arbitrary<CanonicalValue> = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ unit: 'binary' }), fc.nat(120).map(String)), tie('value'), {
      maxKeys: 5,
    }),
  ),
})).value;

function reversed(value: CanonicalValue): CanonicalValue {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
}

describe('the quick look at plain objects', () => {
  const plain = fc.dictionary(
    fc.string(),
    fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(0, -1, 2 ** 50, 1.5),
    ),
    { minKeys: 1 },
  );
  test('says yes only to what is canonical', () => {
    let yes = 0;
    fc.assert(
      fc.property(
        plain,
        fc.nat(),
        fc.constantFrom('', '', '0', '-', '"', ',', '\\', ' ', '"a":1,', 'e1'),
        (value, at, put) => {
          const text = canonicalJson(value);
          const from = at % text.length;
          const changed = text.slice(0, from) + put + text.slice(from);
          if (!isCanonicalFlat(changed)) return;
          yes++;
          expect(parseCanonicalJson(changed)).toBeDefined();
        },
      ),
      { numRuns: 3000 },
    );
    expect(yes).toBeGreaterThan(300);
  });
  test.each(['{"a":"b","c":-12,"d":null,"e":true}', '{"":0}', '{"10":1,"9":2}'])('yes: %s', (text) => {
    expect(isCanonicalFlat(text)).toBe(true);
    expect(parseCanonicalJson(text)).toBeDefined();
  });
  test.each([
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a":01}',
    '{"a":-0}',
    '{"a":1}}',
    '{"a":1',
    '{"a":1,}',
    '{"a":[]}',
    '{}',
    '{"a":nulll}',
  ])('no: %s', (text) => expect(isCanonicalFlat(text)).toBe(false));
});
