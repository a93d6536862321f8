import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { piecesOf } from './known-values.rules.ts';

test.each([
  ['alone', 'k3y-of-the-shop'],
  ['with space around', '  k3y-of-the-shop\n'],
  ['in a sentence', 'It was k3y-of-the-shop, and is gone.'],
  ['quoted', 'It was "k3y-of-the-shop".'],
  ['as a setting', 'found API_KEY=k3y-of-the-shop in the file'],
  ['as a quoted setting', 'found key:"k3y-of-the-shop" in the file'],
  ['on a line', 'It was\nk3y-of-the-shop\nand is gone'],
])('a value is found %s', (_, text) => {
  expect(piecesOf(text)).toContain('k3y-of-the-shop');
});

test('a value with spaces is found on a line of its own', () => {
  expect(piecesOf('It was\n  open sesame now \nand is gone')).toContain('open sesame now');
});

test('words are not looked at, and no text makes more than a bounded number of pieces', () => {
  expect(piecesOf('done by me')).toEqual(['done by me']);
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      expect(piecesOf(text).length).toBeLessThanOrEqual(4000);
      expect(piecesOf(text).includes('')).toBe(false);
    }),
  );
  const long = Array.from({ length: 9000 }, (_, at) => `word-${String(at).padStart(6, '0')}`).join(' ');
  expect(piecesOf(long)).toHaveLength(4000);
});
