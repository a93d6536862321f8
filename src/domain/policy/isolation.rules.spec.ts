import { describe, expect, test } from '@jest/globals';
import { BASELINE } from '../../../test/support/gate-facts.ts';
import { isolatesEnvironments } from './isolation.rules.ts';

describe('isolation of environments', () => {
  const { limits } = BASELINE;

  test('every policy of the product isolates, unless it says otherwise', () => {
    expect(isolatesEnvironments(BASELINE)).toBe(true);
    expect(isolatesEnvironments({ limits, rules: { 'environment-isolation': 'warning' } })).toBe(true);
    expect(isolatesEnvironments({ limits, rules: { 'environment-isolation': 'off' } })).toBe(false);
    expect(isolatesEnvironments({ limits: { ...limits, isolateEnvironments: false }, rules: {} })).toBe(
      false,
    );
  });
});
