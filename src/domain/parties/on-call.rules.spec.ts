import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { absenceMeets, endOf, isWithin, nextOnCall, onCall, type DailyHours } from './on-call.rules.ts';

const at = (text: string) => Date.parse(text);
const BERLIN_NIGHT: DailyHours = { zone: 'Europe/Berlin', from: '22:00', until: '07:00' };

describe('hours that come round daily', () => {
  test.each([
    ['2026-11-22T20:59:00Z', false],
    ['2026-11-22T21:00:00Z', true],
    ['2026-11-23T05:59:00Z', true],
    ['2026-11-23T06:00:00Z', false],
  ])('22:00 to 07:00 in Berlin holds at %s: %s', (when, holds) => {
    expect(isWithin(BERLIN_NIGHT, at(when))).toBe(holds);
  });

  test('a shift that begins on Friday night still lasts on Saturday morning', () => {
    const friday: DailyHours = { ...BERLIN_NIGHT, days: [5] };
    expect(isWithin(friday, at('2026-11-28T04:00:00Z'))).toBe(true); // Saturday, 05:00
    expect(isWithin(friday, at('2026-11-28T22:00:00Z'))).toBe(false); // Saturday, 23:00
  });

  test('a night is as long as the clocks make it', () => {
    expect(endOf(BERLIN_NIGHT, at('2026-03-28T21:00:00Z'))).toBe(at('2026-03-29T05:00:00Z')); // 8 hours
    expect(endOf(BERLIN_NIGHT, at('2026-10-24T20:00:00Z'))).toBe(at('2026-10-25T06:00:00Z')); // 10 hours
  });

  test('the whole of every day never ends', () => {
    expect(endOf({ zone: 'UTC', from: '00:00', until: '00:00' }, at('2026-11-22T12:00:00Z'))).toBeUndefined();
  });

  const hours = fc.record({
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
    from: fc.integer({ min: 0, max: 95 }).map(clock),
    until: fc.integer({ min: 0, max: 96 }).map(clock),
  });
  const instants = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') });

  test('an end is outside, not in the past, and at most a day away', () => {
    fc.assert(
      fc.property(hours, instants, (one, now) => {
        const end = endOf(one, now);
        // The whole of every day, written either way.
        if (end === undefined) return one.from === one.until.replace('24:00', '00:00');
        expect(end).toBeGreaterThanOrEqual(now);
        expect(end - now).toBeLessThanOrEqual(26 * HOUR);
        expect(isWithin(one, end)).toBe(false);
        if (end > now) expect(isWithin(one, Math.max(now, end - 2 * HOUR))).toBeDefined();
        return true;
      }),
    );
  });

  test('nothing between now and the end is outside', () => {
    fc.assert(
      fc.property(hours, instants, fc.double({ min: 0, max: 1, noNaN: true }), (one, now, share) => {
        const end = endOf(one, now);
        if (end === undefined || end === now) return;
        const between = now + Math.floor((end - 16 * MINUTE - now) * share);
        if (between >= now) expect(isWithin(one, between)).toBe(true);
      }),
    );
  });
});

function clock(quarter: number): string {
  return `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
}

describe('who is on call', () => {
  const now = at('2026-11-22T23:00:00Z');
  const day = { zone: 'UTC', from: '08:00', until: '18:00' };
  const sydney = { zone: 'Australia/Sydney', from: '08:00', until: '18:00' };

  test('follows the sun, and wakes the others only afterwards', () => {
    const ladder = [
      { contactId: 'london', duty: day },
      { contactId: 'sydney', duty: sydney },
      { contactId: 'desk', duty: null },
    ];
    expect(onCall(ladder, [], now)).toEqual(['sydney', 'desk', 'london']);
  });

  test('who is away is replaced, and called last', () => {
    const ladder = [
      { contactId: 'a', duty: null },
      { contactId: 'b', duty: null },
    ];
    const away = (contactId: string, standInId: string | null) => ({
      contactId,
      standInId,
      from: now,
      until: now + HOUR,
    });
    expect(onCall(ladder, [away('a', 'c')], now)).toEqual(['c', 'b', 'a']);
    expect(onCall(ladder, [away('a', 'c'), away('c', null)], now)).toEqual(['b', 'a']);
    expect(onCall(ladder, [away('a', 'c')], now + HOUR)).toEqual(['a', 'b']);
  });

  test('says who is next, and from when', () => {
    const ladder = [
      { contactId: 'london', duty: day },
      { contactId: 'sydney', duty: sydney },
    ];
    // Sydney is eleven hours ahead: its day ends at 07:00, and that of London begins at 08:00.
    expect(nextOnCall(ladder, [], now)).toEqual({ contactId: 'london', at: at('2026-11-23T07:00:00Z') });
    const away = { contactId: 'sydney', standInId: null, from: now + HOUR, until: now + 2 * HOUR };
    expect(nextOnCall(ladder, [away], now)).toEqual({ contactId: 'london', at: now + HOUR });
    expect(nextOnCall([{ contactId: 'desk', duty: null }], [], now)).toBeUndefined();
  });

  const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const absences = fc.array(
    fc.record({
      contactId: ids,
      standInId: fc.option(ids),
      from: fc.constant(now - HOUR),
      until: fc.constantFrom(now, now + HOUR),
    }),
  );

  test('loses nobody, names nobody twice, and prefers whoever is there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ contactId: ids, duty: fc.constantFrom(null, day, sydney) })),
        absences,
        (ladder, away) => {
          const called = onCall(ladder, away, now);
          expect(new Set(called).size).toBe(called.length);
          for (const { contactId } of ladder) expect(called).toContain(contactId);
          const there = (id: string) => !away.some((one) => one.contactId === id && one.until > now);
          const someoneOn = ladder.some(
            ({ contactId, duty }) => there(contactId) && (duty === null || isWithin(duty, now)),
          );
          if (someoneOn) expect(there(called[0]!)).toBe(true);
          const next = nextOnCall(ladder, away, now);
          if (next) {
            expect(onCall(ladder, away, next.at)[0]).toBe(next.contactId);
            expect(onCall(ladder, away, next.at - 1)[0]).toBe(called[0]);
          }
        },
      ),
    );
  });
});

describe('what a new absence meets', () => {
  const ids = fc.constantFrom('a', 'b', null);
  const absence = fc
    .record({
      contactId: fc.constantFrom('x', 'y'),
      standInId: ids,
      from: fc.integer({ min: 0, max: 6 }),
      length: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ length, ...one }) => ({ ...one, until: one.from + length }));

  test('what is kept one by one never leaves it open who stands in, and nothing twice', () => {
    fc.assert(
      fc.property(fc.array(absence, { maxLength: 12 }), (wanted) => {
        const kept: ((typeof wanted)[number] & { id: string })[] = [];
        for (const [n, one] of wanted.entries()) {
          const met = absenceMeets(kept, one);
          if (met?.as === 'same') expect(met.other).toMatchObject(one);
          if (met?.as === 'clash') expect(met.other.standInId).not.toBe(one.standInId);
          if (!met) kept.push({ ...one, id: `${n}` });
        }
        for (let instant = 0; instant < 10; instant++)
          for (const contact of ['x', 'y']) {
            const away = kept.filter(
              (one) => one.contactId === contact && one.from <= instant && instant < one.until,
            );
            expect(new Set(away.map((one) => one.standInId)).size).toBeLessThanOrEqual(1);
          }
        const said = kept.map(({ id: _, ...one }) => JSON.stringify(one));
        expect(new Set(said).size).toBe(said.length);
      }),
    );
  });

  test('one that begins when another ends meets nothing', () => {
    const first = { id: '1', contactId: 'x', standInId: null, from: 0, until: 2 };
    expect(absenceMeets([first], { ...first, standInId: 'a', from: 2, until: 3 })).toBeUndefined();
  });
});
