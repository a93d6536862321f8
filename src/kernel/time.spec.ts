import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { iso, parseInstant } from './time.ts';

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
  ' 2026-11-22T01:58:05Z',
])('%j names no instant', (text) => expect(parseInstant(text)).toBeUndefined());
