import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { EARLIEST, iso, parseInstant, parseStated } from './time.ts';

test('an instant is written in UTC and read back', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }), (date) =>
      expect(parseInstant(iso(date.getTime()))).toBe(date.getTime()),
    ),
  );
  expect(iso(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(parseInstant('2026-03-29T13:00+02:00')).toBe(Date.UTC(2026, 2, 29, 11));
});

test.each([
  '',
  '2026-11-22',
  '2026-11-22T01:58:05',
  'yesterday',
  '2026-13-01T00:00:00Z',
  '2026-11-22T25:00:00Z',
  '2026-11-22T24:00:00Z',
  '2026-02-29T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-04-31T00:00:00+02:00',
  '2026-00-10T00:00:00Z',
  '2026-10-00T00:00:00Z',
  ' 2026-11-22T01:58:05Z',
])('%j names no instant', (text) => expect(parseInstant(text)).toBeUndefined());

test('a leap day is a day', () => {
  expect(parseInstant('2028-02-29T00:00:00Z')).toBe(Date.UTC(2028, 1, 29));
  expect(parseInstant('2000-02-29T00:00:00Z')).toBe(Date.UTC(2000, 1, 29));
});

test('what is stated of an incident is of this age', () => {
  expect(parseStated('1026-11-22T00:00:00Z')).toBeUndefined();
  expect(parseStated(iso(EARLIEST - 1))).toBeUndefined();
  expect(parseStated(iso(EARLIEST))).toBe(EARLIEST);
});
