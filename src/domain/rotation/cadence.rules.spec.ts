import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY as DAY, HOUR } from '../../kernel/time.ts';
import { dueFrom, nextInWindow, overlapEnd, rotationDemands, rotationDue } from './cadence.rules.ts';

const since = Date.parse('2026-01-01T00:00:00Z');
const cadence = { everyDays: null, policyEvery: null, risk: 500, since, expiresAt: null };

describe('when it has to be rotated', () => {
  test('nothing asks for it: no date', () => expect(rotationDue(cadence)).toBeNull());

  test('its own schedule, shortened by its risk', () => {
    expect(rotationDue({ ...cadence, everyDays: 90 })).toMatchObject({
      at: since + 90 * DAY,
      because: 'schedule',
    });
    expect(rotationDue({ ...cadence, everyDays: 90, risk: 950 })).toMatchObject({
      at: since + 45 * DAY,
      why: expect.stringContaining('50 %'),
    });
    expect(rotationDue({ ...cadence, everyDays: 90, since: null })).toBeNull();
  });

  test('the earliest of schedule, policy and expiry', () => {
    const both = { ...cadence, everyDays: 90, policyEvery: 30 * DAY };
    expect(rotationDue(both)).toMatchObject({ at: since + 30 * DAY, because: 'policy' });
    expect(rotationDue({ ...both, expiresAt: since + 20 * DAY })).toMatchObject({
      at: since + 16 * DAY,
      because: 'expiry',
    });
  });

  test('everything that asks for it is told, the earliest first', () => {
    const asked = rotationDemands({
      ...cadence,
      everyDays: 40,
      policyEvery: 30 * DAY,
      expiresAt: since + 300 * DAY,
    });
    expect(asked.map(({ because }) => because)).toEqual(['policy', 'schedule', 'expiry']);
    expect(rotationDemands({ ...cadence, everyDays: 1 })[0]!.why).toBe('every 1 day');
  });

  test('something is done about it so many days before, and never in the first half of its time', () => {
    expect(dueFrom(since + 90 * DAY, since, 7)).toBe(since + 83 * DAY);
    expect(dueFrom(since + 90 * DAY, null, 7)).toBe(since + 83 * DAY);
    // Otherwise every rotation would be followed by the next one at once.
    expect(dueFrom(since + 10 * DAY, since, 14)).toBe(since + 5 * DAY);
    expect(dueFrom(since - DAY, since, 7)).toBe(since - 8 * DAY);
  });

  test('what expires is due before it does, and never before it was in use', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4000 * DAY }), (life) => {
        const due = rotationDue({ ...cadence, expiresAt: since + life })!;
        expect(due.at).toBeLessThan(since + life + 1);
        expect(due.at).toBeGreaterThanOrEqual(since);
      }),
    );
  });

  test('more risk never means later', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 3650 }), (risk, everyDays) => {
        const at = (r: number) => rotationDue({ ...cadence, everyDays, risk: r })!.at;
        expect(at(risk + 1)).toBeLessThanOrEqual(at(risk));
      }),
    );
  });
});

describe('maintenance windows', () => {
  const zone = 'Europe/Berlin';
  const nightly = [{ days: [1, 2, 3, 4, 5], from: '22:00', until: '04:00' }];
  const at = (text: string) => Date.parse(text);

  test('inside one: now; outside: when the next begins', () => {
    // A Wednesday.
    expect(nextInWindow(at('2026-11-18T12:00:00Z'), nightly, zone)).toBe(at('2026-11-18T21:00:00Z'));
    expect(nextInWindow(at('2026-11-18T23:30:00Z'), nightly, zone)).toBe(at('2026-11-18T23:30:00Z'));
    // Friday's window reaches into Saturday, then nothing until Monday.
    expect(nextInWindow(at('2026-11-21T02:00:00Z'), nightly, zone)).toBe(at('2026-11-21T02:00:00Z'));
    expect(nextInWindow(at('2026-11-21T03:00:00Z'), nightly, zone)).toBe(at('2026-11-23T21:00:00Z'));
  });

  test('without windows any time will do', () => expect(nextInWindow(5, [], zone)).toBe(5));

  test('what is found lies in a window, not before, and stays where it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * 24 }), (hours) => {
        const start = since + hours * HOUR + 17;
        const found = nextInWindow(start, nightly, zone);
        expect(found).toBeGreaterThanOrEqual(start);
        expect(nextInWindow(found, nightly, zone)).toBe(found);
      }),
    );
  });
});

describe('the end of the overlap', () => {
  const wish = { now: since, length: DAY, most: 7 * DAY, emergency: false, windows: [], zone: 'UTC' };

  test('as long as asked for, bounded, and none in an emergency', () => {
    expect(overlapEnd(wish)).toBe(since + DAY);
    expect(overlapEnd({ ...wish, length: 30 * DAY })).toBe(since + 7 * DAY);
    expect(overlapEnd({ ...wish, emergency: true })).toBe(since);
  });

  test('moves into a window, unless that would stretch it past its bound', () => {
    // 2026-01-01 is a Thursday.
    const sundays = [{ days: [7], from: '10:00', until: '12:00' }];
    expect(overlapEnd({ ...wish, windows: sundays })).toBe(Date.parse('2026-01-04T10:00:00Z'));
    expect(overlapEnd({ ...wish, windows: sundays, most: 2 * DAY })).toBe(since + DAY);
  });

  test('never before its start and never past its bound', () => {
    fc.assert(
      fc.property(fc.nat(60 * DAY), fc.nat(30 * DAY), fc.integer({ min: 1, max: 7 }), (length, most, day) => {
        const end = overlapEnd({
          ...wish,
          length,
          most,
          windows: [{ days: [day], from: '01:00', until: '02:00' }],
        });
        expect(end).toBeGreaterThanOrEqual(since);
        expect(end).toBeLessThanOrEqual(since + most);
      }),
    );
  });
});
