import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import { loginWait } from './login.rules.ts';

describe('how a sign-in is slowed down', () => {
  test('four mistakes are free; the fifth waits half a minute, the sixth a minute', () => {
    expect([1, 4, 5, 6].map(loginWait)).toEqual([0, 0, 30 * SECOND, MINUTE]);
  });

  test('the wait never shrinks and never passes 15 minutes, so that nobody can lock an owner out for long', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (failures) => {
        expect(loginWait(failures + 1)).toBeGreaterThanOrEqual(loginWait(failures));
        expect(loginWait(failures)).toBeLessThanOrEqual(15 * MINUTE);
      }),
    );
  });
});
