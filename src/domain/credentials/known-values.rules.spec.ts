import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { piecesOf, suspectsIn, writtenTexts } from './known-values.rules.ts';

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

test('what somebody wrote is found however deep it is, and what is no writing is left alone', () => {
  const body = {
    reason: 'a',
    value: 'b',
    file: Buffer.from('c'),
    empty: { note: '' },
    rows: [{ path: 'd', sha256: 'e', 'a/b': { title: 'f' } }, { note: ['g', { name: 'h' }, 1, null] }],
    name: { reference: 'i' },
  };
  expect(writtenTexts(body)).toEqual({
    '/reason': 'a',
    '/rows/0/path': 'd',
    '/rows/0/a~1b/title': 'f',
    '/rows/1/note/0': 'g',
    '/rows/1/note/1/name': 'h',
  });
  const many = { rows: Array.from({ length: 20_000 }, () => ({ note: 'x' })) };
  expect(Object.keys(writtenTexts(many))).toHaveLength(5000);
});

test('of a row of many only what looks like a value is looked at', () => {
  expect(suspectsIn('Payments of the shop, production')).toEqual([]);
  expect(suspectsIn('payments-of-the-shop-production')).toEqual([]);
  expect(suspectsIn('it is key=sk_live_0123456789abcdef, see there')).toContain('sk_live_0123456789abcdef');
  expect(suspectsIn('AKIAIOSFODNN7EXAMPLE')).toEqual(['AKIAIOSFODNN7EXAMPLE']);
});

test('of a body that is not read yet, and of one that leads back to itself, nothing is looked at without end', () => {
  const stream = new PassThrough() as PassThrough & { name: unknown };
  stream.name = { self: stream };
  expect(writtenTexts(stream)).toEqual({});
  const round: { note: string; again?: unknown } = { note: 'a note' };
  round.again = round;
  expect(writtenTexts(round)['/note']).toBe('a note');
});
