import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { earliestOf, laneLimitsOf, spacingOf } from './pace.rules.ts';

const rate = fc.integer({ min: 1, max: 20_000 }).map((cents) => cents / 100);

describe('the limits of a lane', () => {
  test('are the connection’s; no more steps run at once than can have their turns within a call', () => {
    expect(laneLimitsOf({ maxConcurrent: 8, perSecond: null })).toEqual({ concurrency: 8, perSecond: null });
    expect(laneLimitsOf({ maxConcurrent: 8, perSecond: 20 })).toEqual({ concurrency: 8, perSecond: 20 });
    expect(laneLimitsOf({ maxConcurrent: 8, perSecond: 0.25 })).toEqual({ concurrency: 2, perSecond: 0.25 });
    expect(laneLimitsOf({ maxConcurrent: 8, perSecond: 0.01 })).toEqual({ concurrency: 1, perSecond: 0.01 });
  });
});

describe('the pace of requests', () => {
  test('is nine tenths of what is allowed, and more', () => {
    fc.assert(
      fc.property(rate, (perSecond) => {
        const reached = 1000 / spacingOf(perSecond);
        expect(reached).toBeGreaterThanOrEqual(0.9 * perSecond);
        expect(reached).toBeLessThan(perSecond);
      }),
    );
  });

  test('no second holds more than is allowed, however late and crowded the timers fire', () => {
    fc.assert(
      fc.property(rate, fc.array(fc.nat(400), { minLength: 1, maxLength: 300 }), (perSecond, lateness) => {
        const left: number[] = [];
        let fired = 0;
        for (const [nth, late] of lateness.entries()) {
          fired = Math.max(fired, nth * spacingOf(perSecond) + late);
          left.push(earliestOf(left, perSecond, fired));
        }
        const most = Math.ceil(perSecond);
        for (const start of left) {
          const within = left.filter((at) => at >= start && at < start + 1000).length;
          expect(within).toBeLessThanOrEqual(most);
        }
        expect(left).toEqual(left.toSorted((a, b) => a - b));
      }),
    );
  });

  test('nobody waits who is within the limit', () => {
    expect(earliestOf([], 5, 1000)).toBe(1000);
    expect(earliestOf([0, 200, 400, 600], 5, 800)).toBe(800);
    expect(earliestOf([0, 200, 400, 600, 800], 5, 900)).toBe(1025);
  });
});
