import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { latestRungAt, nextRungAt, rungAt, rungWords, type RungTime } from './ladder.rules.ts';

const minutes = (n: number): RungTime => ({ afterMinutes: n, afterPercent: null });
const percent = (n: number): RungTime => ({ afterMinutes: null, afterPercent: n });
const plain: RungTime = { afterMinutes: null, afterPercent: null };
const day = { startAt: 1000, dueAt: 1000 + 24 * HOUR };

describe('when a rung is taken', () => {
  test('after its minutes, or at its share of the window', () => {
    expect(rungAt(minutes(15), day)).toBe(1000 + 15 * MINUTE);
    expect(rungAt(percent(25), day)).toBe(1000 + 6 * HOUR);
  });
  test('at the end of the window where its minutes are longer', () => {
    expect(rungAt(minutes(43_200), day)).toBe(day.dueAt);
  });
  test('not by itself without a time, nor by a share of what has no end', () => {
    expect(rungAt(plain, day)).toBeNull();
    expect(rungAt(percent(25), { startAt: 0, dueAt: null })).toBeNull();
    expect(rungAt(minutes(5), { startAt: 0, dueAt: null })).toBe(5 * MINUTE);
  });
  test('in words', () => {
    expect(rungWords({ minutes: 1 })).toBe('1 minute');
    expect(rungWords({ minutes: 20 })).toBe('20 minutes');
    expect(rungWords({ percent: 40 })).toBe('40 % of the window');
  });
});

const rung = fc.oneof(fc.nat(43_200).map(minutes), fc.nat(100).map(percent), fc.constant(plain));
const clock = fc.record({
  startAt: fc.nat(1e12),
  window: fc.option(fc.integer({ min: 0, max: 90 * 24 * HOUR })),
});

test('lies between start and due, later for a later rung, and is taken once each in order', () => {
  fc.assert(
    fc.property(fc.array(rung, { maxLength: 8 }), clock, (rungs, { startAt, window }) => {
      const times = { startAt, dueAt: window === null ? null : startAt + window };
      for (const one of rungs) {
        const at = rungAt(one, times);
        if (at === null) continue;
        expect(at).toBeGreaterThanOrEqual(startAt);
        if (times.dueAt !== null) expect(at).toBeLessThanOrEqual(times.dueAt);
        const later =
          one.afterMinutes === null
            ? percent(Math.min(100, one.afterPercent! + 1))
            : minutes(one.afterMinutes + 1);
        expect(rungAt(later, times)).toBeGreaterThanOrEqual(at);
      }
      const all = rungs.map((one) => rungAt(one, times)).filter((at) => at !== null);
      const taken: number[] = [];
      for (let last: number | null = null; ;) {
        const next: number | null = nextRungAt(rungs, times, last);
        if (next === null) break;
        expect(latestRungAt(rungs, times, next)).toBe(next);
        if (last !== null) expect(next).toBeGreaterThan(last);
        taken.push(next);
        last = next;
      }
      expect(taken).toEqual([...new Set(all)].toSorted((a, b) => a - b));
      expect(latestRungAt(rungs, times, startAt - 1)).toBeNull();
    }),
  );
});
