import { describe, expect, test } from '@jest/globals';
import { HOUR } from '../../kernel/time.ts';
import { accessDue, endsSoon } from './access.rules.ts';

const access = (left: number | null, renewable = true) => ({
  endsAt: left === null ? null : left * HOUR,
  lasts: 24 * HOUR,
  renewable,
});

describe('our own authentication at a store', () => {
  test('is prolonged in the second half of its time', () => {
    expect(accessDue(access(null), 0)).toBe('nothing');
    expect(accessDue(access(13), 0)).toBe('nothing');
    expect(accessDue(access(12), 0)).toBe('renew');
    expect(accessDue(access(1), 0)).toBe('renew');
  });

  test('that cannot be prolonged is told of in its last third; one that has ended, at once', () => {
    expect(accessDue(access(10, false), 0)).toBe('nothing');
    expect(accessDue(access(8, false), 0)).toBe('ends');
    expect(accessDue(access(-1), 0)).toBe('ends');
  });

  test('that comes to its greatest age is told of, though it was prolonged', () => {
    expect(endsSoon(access(24), access(10), 0)).toBe(false);
    expect(endsSoon({ ...access(3), lasts: 3 * HOUR }, access(3), 0)).toBe(true);
    expect(endsSoon(access(null), access(3), 0)).toBe(false);
  });
});
