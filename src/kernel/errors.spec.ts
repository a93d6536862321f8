import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { errorText, refusal, Refused } from './errors.ts';

test('a refusal carries what the edge needs, and rides out of a transaction', () => {
  const it = refusal('conflict', 'key-taken', 'The key is taken.', { retryAfter: 5 });
  expect(it).toEqual({ kind: 'conflict', code: 'key-taken', message: 'The key is taken.', retryAfter: 5 });
  const thrown = new Refused(it);
  expect(thrown).toBeInstanceOf(Error);
  expect([thrown.name, thrown.message, thrown.refusal]).toEqual(['Refused', 'The key is taken.', it]);
});

test('the text of an error is fit for a row and a log line', () => {
  expect(errorText(new TypeError('a\r\nb\u0000c'))).toBe('TypeError: a b c');
  expect(errorText(undefined)).toBe('undefined');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (message) => {
      const text = errorText(new Error(message));
      expect(text.isWellFormed()).toBe(true);
      expect(text.length).toBeLessThanOrEqual(2000);
      expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }),
  );
});
