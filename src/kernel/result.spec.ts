import { expect, test } from '@jest/globals';
import { err, expectOk, ok } from './result.ts';

test('a result is a value or a refusal', () => {
  expect(ok(1)).toEqual({ ok: true, value: 1 });
  expect(err('no')).toEqual({ ok: false, error: 'no' });
  expect(expectOk(ok(1))).toBe(1);
  expect(() => expectOk(err({ code: 'gone' }), 'the load')).toThrow('the load was refused: {"code":"gone"}');
});
