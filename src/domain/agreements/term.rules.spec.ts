import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR } from '../../kernel/time.ts';
import { clockOf, thresholds, windowWords } from './term.rules.ts';

const T0 = Date.UTC(2026, 10, 22);

describe('thresholds', () => {
  test('lie inside the window and in order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 * HOUR }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 100 }),
        (length, a, b) => {
          const [warn, escalate] = [Math.min(a, b), Math.max(a, b)];
          const t = thresholds(T0, T0 + length, warn, escalate);
          expect(t.warnAt).toBeGreaterThanOrEqual(T0);
          expect(t.escalateAt!).toBeGreaterThanOrEqual(t.warnAt!);
          expect(t.escalateAt).toBeLessThanOrEqual(T0 + length);
        },
      ),
    );
  });
});
describe('the clock of a term', () => {
  // Friday 20 November 2026, 16:00 in Berlin.
  const friday = Date.parse('2026-11-20T15:00:00Z');
  const term = { zone: 'Europe/Berlin', warnPercent: 50, escalatePercent: 80 };

  test('72 hours run through the weekend, three business days do not', () => {
    const hours = clockOf({ ...term, window: { count: 72, unit: 'elapsed-hours' } }, friday);
    expect(new Date(hours.dueAt!).toISOString()).toBe('2026-11-23T15:00:00.000Z');
    expect(new Date(hours.warnAt!).toISOString()).toBe('2026-11-22T03:00:00.000Z');
    const days = clockOf({ ...term, window: { count: 3, unit: 'business-days' } }, friday);
    expect(new Date(days.dueAt!).toISOString()).toBe('2026-11-25T22:59:59.999Z');
  });

  test('its own calendar moves it', () => {
    const calendar = { workingDays: [1, 2, 3, 4, 5], holidays: ['2026-11-23'], dayEnds: '17:30' };
    const days = clockOf({ ...term, window: { count: 1, unit: 'business-days' } }, friday, calendar);
    expect(new Date(days.dueAt!).toISOString()).toBe('2026-11-24T16:30:00.000Z');
  });

  test('a duty without a number has no due time and no threshold', () => {
    expect(clockOf({ ...term, window: null }, friday)).toEqual({
      startAt: friday,
      dueAt: null,
      warnAt: null,
      escalateAt: null,
    });
  });

  test('says its window in words', () => {
    const says = (count: number, unit: 'elapsed-hours' | 'business-days' | 'months', calendar?: string) =>
      windowWords({ ...term, window: { count, unit }, calendar: calendar ?? null });
    expect([
      says(1, 'elapsed-hours'),
      says(3, 'business-days', 'de-office'),
      says(2, 'months'),
      windowWords({ ...term, window: null }),
    ]).toEqual([
      '1 hour',
      '3 business days in Europe/Berlin, calendar de-office',
      '2 months in Europe/Berlin',
      'without undue delay',
    ]);
  });
});
