import { expect, test } from '@jest/globals';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { Quota } from './quota.ts';

const START = Date.parse('2026-11-22T00:00:00Z');

test('an identity has its quota for any hour, and the others have theirs', () => {
  const quota = new Quota();
  expect(quota.take('a', 60, 100, START)).toBeUndefined();
  expect(quota.take('a', 40, 100, START + 30 * MINUTE)).toBeUndefined();
  expect(quota.take('a', 1, 100, START + 31 * MINUTE)).toBe(29 * MINUTE);
  expect(quota.take('b', 100, 100, START + 31 * MINUTE)).toBeUndefined();
  expect(quota.take('a', 60, 100, START + HOUR)).toBeUndefined(); // the first sixty are an hour old
  expect(quota.take('a', 1, 100, START + HOUR)).toBeGreaterThan(0);
  expect(quota.take('a', 100, 100, START + 5 * HOUR)).toBeUndefined();
});

test('more than the whole quota never fits', () => {
  expect(new Quota().take('a', 101, 100, START)).toBe(HOUR);
});
