import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isMailAddress, oneLine } from './address.ts';

describe('a mail address', () => {
  test.each(['security@northwind.example', 'o.n-call+night@a.b.example', "o'neil@x.example"])(
    '%s is one',
    (a) => {
      expect(isMailAddress(a)).toBe(true);
    },
  );

  test.each([
    '',
    'a',
    '@x.example',
    'a@',
    'a@localhost',
    'a@x..example',
    '.a@x.example',
    'a.@x.example',
    'a..b@x.example',
    'a@-x.example',
    'a b@x.example',
    'a@x.example,b@evil.example',
    'a@x.example;b@evil.example',
    'a@x.example b@evil.example',
    'a@x.example\r\nBcc: b@evil.example',
    'a@x.example\n',
    'a@x.example\u0000',
    '"a"@x.example',
    '"b@evil.example> "@x.example',
    'A <a@x.example>',
    '<a@x.example>',
    'a@[127.0.0.1]',
    'a@x.example(b@evil.example)',
    '@evil.example:a@x.example',
    'a%evil.example@',
    'a@x.example@evil.example',
    'group:a@x.example;',
    'а@x.example',
    'a@xn--.example-',
    `${'a'.repeat(65)}@x.example`,
    `a@${'b.'.repeat(140)}example`,
  ])('%j is none', (a) => {
    expect(isMailAddress(a)).toBe(false);
  });

  test('never holds what could end a line, open a list or name another mailbox', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        if (!isMailAddress(text)) return;
        expect(text).not.toMatch(/[\s<>(),;:"\\[\]\u0000-\u001f]/);
        expect(text.split('@')).toHaveLength(2);
      }),
    );
  });
});

test('a header line holds no line break of any kind', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(oneLine(text)).not.toMatch(/[\r\n\u0000-\u001f\u2028\u2029\u0085]/);
    }),
  );
});
