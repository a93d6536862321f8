import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { laneLimitsOf, spacingOf, waitOf, windowOf } from './pace.rules.ts';

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

  const trip = fc.record({ late: fc.nat(400), there: fc.nat(100), back: fc.nat(900) });

  test('the supplier sees no second with more than it allows, however late timers fire and requests arrive', () => {
    fc.assert(
      fc.property(rate, fc.array(trip, { minLength: 1, maxLength: 120 }), (perSecond, trips) => {
        const arrived: number[] = [];
        const left: { left: number; end: number }[] = [];
        let now = 0;
        for (const [nth, { late, there, back }] of trips.entries()) {
          now = Math.max(now, nth * spacingOf(perSecond) + late);
          for (;;) {
            const recent = left.map((one) => ({ left: one.left, ended: one.end <= now ? one.end : null }));
            const wait = waitOf(recent, perSecond, now);
            if (wait === 0) break;
            expect(wait).toBeGreaterThan(0);
            now += wait;
          }
          arrived.push(now + there);
          left.push({ left: now, end: now + there + back });
        }
        for (const start of arrived) {
          const within = arrived.filter((at) => at >= start && at < start + 1000).length;
          expect(within).toBeLessThanOrEqual(Math.ceil(perSecond));
        }
      }),
    );
  });

  test('nobody waits who is within the limit', () => {
    const ended = (...at: number[]) => at.map((one) => ({ left: one - 10, ended: one }));
    expect(waitOf([], 5, 1000)).toBe(0);
    expect(waitOf(ended(0, 200, 400, 600), 5, 800)).toBe(0);
    expect(waitOf(ended(0, 200, 400, 600, 790), 5, 800)).toBe(windowOf(5) - 800);
    // An answer that takes long holds nobody up for long.
    const pending = [0, 1, 2, 3, 4].map((left) => ({ left, ended: null }));
    expect(waitOf(pending, 5, 10)).toBe(windowOf(5) + 90);
    expect(waitOf(pending, 5, windowOf(5) + 100)).toBe(0);
  });
});
