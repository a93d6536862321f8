import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { longestHours, shortestHours, windowWords } from './window.rules.ts';

describe('windows', () => {
  test.each([
    [{ count: 24, unit: 'elapsed-hours' as const }, 24, 24],
    [{ count: 2, unit: 'business-days' as const }, 48, 120],
    [{ count: 6, unit: 'business-days' as const }, 192, 264],
    [{ count: 3, unit: 'calendar-days' as const }, 72, 96],
    [{ count: 1, unit: 'months' as const }, 672, 768],
  ])('%j lasts %i to %i hours', (window, shortest, longest) => {
    expect([shortestHours(window), longestHours(window)]).toEqual([shortest, longest]);
  });

  test('the longest is never shorter than the shortest, and more is never less', () => {
    const unit = fc.constantFrom(
      'elapsed-hours',
      'calendar-days',
      'business-days',
      'months',
    ) as fc.Arbitrary<'months'>;
    fc.assert(
      fc.property(
        unit,
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 7 }),
        (of, count, working) => {
          const window = { count, unit: of };
          const more = { count: count + 1, unit: of };
          expect(longestHours(window, working)).toBeGreaterThanOrEqual(shortestHours(window, working));
          expect(longestHours(more, working)).toBeGreaterThan(longestHours(window, working));
          expect(shortestHours(more, working)).toBeGreaterThan(shortestHours(window, working));
        },
      ),
    );
  });

  test('in words', () => {
    expect([
      windowWords({ count: 1, unit: 'business-days' }),
      windowWords({ count: 24, unit: 'elapsed-hours' }),
    ]).toEqual(['1 business day', '24 hours']);
  });
});
