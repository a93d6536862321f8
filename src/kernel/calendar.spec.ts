import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import {
  dueAt,
  isBusinessDay,
  isZone,
  MONDAY_TO_FRIDAY,
  type BusinessCalendar,
  type Window,
} from './calendar.ts';
import { ELAPSED_DAY, HOUR, type Millis } from './time.ts';

const BERLIN = 'Europe/Berlin';
const CHRISTMAS: BusinessCalendar = {
  ...MONDAY_TO_FRIDAY,
  holidays: ['2026-12-25', '2026-12-26', '2027-01-01'],
};

describe('when a window ends', () => {
  test.each<[string, string, Window, string, BusinessCalendar, string]>([
    [
      '72 hours over a weekend',
      '2026-11-20T18:00:00+01:00',
      h(72),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-11-23T18:00:00+01:00',
    ],
    [
      '24 hours over the start of summer time',
      '2026-03-28T12:00:00+01:00',
      h(24),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-03-29T13:00:00+02:00',
    ],
    [
      'one day over the start of summer time',
      '2026-03-28T12:00:00+01:00',
      d(1),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-03-29T23:59:59.999+02:00',
    ],
    [
      'ten calendar days',
      '2026-11-22T00:00:00+01:00',
      d(10),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-12-02T23:59:59.999+01:00',
    ],
    [
      'the day is that of the zone',
      '2026-11-22T23:30:00Z',
      d(1),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-11-24T23:59:59.999+01:00',
    ],
    [
      'two business days from a Friday',
      '2026-11-20T09:00:00+01:00',
      b(2),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-11-24T23:59:59.999+01:00',
    ],
    [
      'two business days from a Saturday',
      '2026-11-21T09:00:00+01:00',
      b(2),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-11-24T23:59:59.999+01:00',
    ],
    [
      'three business days over Christmas',
      '2026-12-23T09:00:00+01:00',
      b(3),
      BERLIN,
      CHRISTMAS,
      '2026-12-29T23:59:59.999+01:00',
    ],
    [
      'one month from the 31st',
      '2026-01-31T09:00:00+01:00',
      m(1),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-02-28T23:59:59.999+01:00',
    ],
    [
      'one month',
      '2026-11-22T09:00:00+01:00',
      m(1),
      BERLIN,
      MONDAY_TO_FRIDAY,
      '2026-12-22T23:59:59.999+01:00',
    ],
    // Havana's day after the change begins at one o'clock: midnight does not exist.
    [
      'a day without midnight follows',
      '2026-03-06T12:00:00-05:00',
      d(1),
      'America/Havana',
      MONDAY_TO_FRIDAY,
      '2026-03-07T23:59:59.999-05:00',
    ],
    [
      'Sunday to Thursday is worked',
      '2026-11-19T12:00:00+02:00',
      b(1),
      'Asia/Jerusalem',
      { workingDays: [7, 1, 2, 3, 4], holidays: [] },
      '2026-11-22T23:59:59.999+02:00',
    ],
    [
      'the business day ends at half past five',
      '2026-11-20T18:00:00+01:00',
      b(1),
      BERLIN,
      { ...CHRISTMAS, dayEnds: '17:30' },
      '2026-11-23T17:30:00+01:00',
    ],
    [
      'a calendar day does not',
      '2026-11-20T18:00:00+01:00',
      d(1),
      BERLIN,
      { ...CHRISTMAS, dayEnds: '17:30' },
      '2026-11-21T23:59:59.999+01:00',
    ],
    [
      '24:00 is the end of the day',
      '2026-11-20T18:00:00+01:00',
      b(1),
      BERLIN,
      { ...CHRISTMAS, dayEnds: '24:00:00' },
      '2026-11-23T23:59:59.999+01:00',
    ],
  ])('%s', (_, start, window, zone, calendar, end) => {
    expect(new Date(dueAt(Date.parse(start), window, zone, calendar)).toISOString()).toBe(
      new Date(end).toISOString(),
    );
  });

  test('a window that no agreement could hold is our bug', () => {
    for (const count of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(() => dueAt(0, { count, unit: 'elapsed-hours' }, BERLIN, MONDAY_TO_FRIDAY)).toThrow(RangeError);
    }
    expect(() => dueAt(0, b(1), BERLIN, { workingDays: [], holidays: [] })).toThrow('nobody works');
    expect(() => dueAt(0, d(1), 'Europe/Atlantis', MONDAY_TO_FRIDAY)).toThrow(RangeError);
    expect(() => dueAt(0, { count: 1, unit: 'fortnights' as 'months' }, BERLIN, MONDAY_TO_FRIDAY)).toThrow(
      'unknown unit',
    );
  });

  test('hours are elapsed time, whatever the clocks on the wall do', () => {
    fc.assert(
      fc.property(instants, zones, fc.integer({ min: 1, max: 2000 }), (start, zone, count) => {
        expect(dueAt(start, h(count), zone, MONDAY_TO_FRIDAY) - start).toBe(count * HOUR);
      }),
    );
  });

  test('days and months end with the last millisecond of a day, after the start', () => {
    fc.assert(
      fc.property(instants, zones, wallWindows, (start, zone, window) => {
        const due = dueAt(start, window, zone, CHRISTMAS);
        expect(due).toBeGreaterThan(start);
        expect(dayOf(due + 1, zone)).toBe(
          Temporal.PlainDate.from(dayOf(due, zone)).add({ days: 1 }).toString(),
        );
      }),
    );
  });

  test('n calendar days end n days later on the wall', () => {
    fc.assert(
      fc.property(instants, zones, fc.integer({ min: 1, max: 400 }), (start, zone, count) => {
        const due = dueAt(start, d(count), zone, CHRISTMAS);
        expect(dayOf(due, zone)).toBe(
          Temporal.PlainDate.from(dayOf(start, zone)).add({ days: count }).toString(),
        );
        // At least the days in full, less an hour of summer time; less than one day more.
        expect(due - start).toBeGreaterThanOrEqual(count * ELAPSED_DAY - 2 * HOUR);
        expect(due - start).toBeLessThanOrEqual((count + 1) * ELAPSED_DAY + 2 * HOUR);
      }),
    );
  });

  test('n business days hold exactly n days worked after the start, the last among them', () => {
    fc.assert(
      fc.property(instants, zones, fc.integer({ min: 1, max: 40 }), (start, zone, count) => {
        const due = dueAt(start, b(count), zone, CHRISTMAS);
        expect(isBusinessDay(due, zone, CHRISTMAS)).toBe(true);
        let worked = 0;
        let day = Temporal.PlainDate.from(dayOf(start, zone));
        const last = Temporal.PlainDate.from(dayOf(due, zone));
        while (Temporal.PlainDate.compare(day, last) < 0) {
          day = day.add({ days: 1 });
          if (
            isBusinessDay(
              day.toZonedDateTime({ timeZone: zone, plainTime: '12:00' }).epochMilliseconds,
              zone,
              CHRISTMAS,
            )
          )
            worked++;
        }
        expect(worked).toBe(count);
      }),
    );
  });

  test('who starts later is never due earlier', () => {
    fc.assert(
      fc.property(instants, fc.nat(40 * ELAPSED_DAY), zones, wallWindows, (start, more, zone, window) => {
        expect(dueAt(start + more, window, zone, CHRISTMAS)).toBeGreaterThanOrEqual(
          dueAt(start, window, zone, CHRISTMAS),
        );
      }),
    );
  });
});

test('a zone is the name of a place', () => {
  for (const zone of ['Europe/Berlin', 'UTC', 'America/New_York']) expect(isZone(zone)).toBe(true);
  for (const zone of ['', '+02:00', 'Europe/Atlantis', 'CEST!']) expect(isZone(zone)).toBe(false);
});

const instants = fc.integer({
  min: Date.parse('2025-01-01T00:00:00Z'),
  max: Date.parse('2028-01-01T00:00:00Z'),
});
const zones = fc.constantFrom(
  'UTC',
  BERLIN,
  'America/New_York',
  'America/Havana',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
);
const wallWindows: fc.Arbitrary<Window> = fc.record({
  count: fc.integer({ min: 1, max: 24 }),
  unit: fc.constantFrom('calendar-days', 'business-days', 'months'),
});

function dayOf(at: Millis, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate().toString();
}
function h(count: number): Window {
  return { count, unit: 'elapsed-hours' };
}
function d(count: number): Window {
  return { count, unit: 'calendar-days' };
}
function b(count: number): Window {
  return { count, unit: 'business-days' };
}
function m(count: number): Window {
  return { count, unit: 'months' };
}
