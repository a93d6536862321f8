import { Temporal } from 'temporal-polyfill';
import { HOUR, type Millis } from './time.ts';

/**
 * Which days somebody works. A plain value, so that a notice can keep the calendar that it was computed with.
 *
 * Days after the last one that `holidays` knows count as ordinary: a deadline is then early, never late.
 */
export interface BusinessCalendar {
  /** ISO 8601 numbers of the weekdays worked, Monday 1 to Sunday 7. */
  workingDays: readonly number[];
  /** Days not worked, each `2026-12-25`. */
  holidays: readonly string[];
  /** When a business day ends on the wall, `17:30`. Absent or `24:00`: with the day itself. */
  dayEnds?: string;
}

export const MONDAY_TO_FRIDAY: BusinessCalendar = { workingDays: [1, 2, 3, 4, 5], holidays: [] };

export const WINDOW_UNITS = ['elapsed-hours', 'calendar-days', 'business-days', 'months'] as const;
export type WindowUnit = (typeof WINDOW_UNITS)[number];

/** How long one party has to tell another, as their agreement words it. */
export interface Window {
  /** A positive whole number. */
  count: number;
  unit: WindowUnit;
}

/**
 * The last instant that is still in time.
 *
 * Elapsed hours run from the instant itself; nights, weekends and clock changes count as they pass (72 h of GDPR art.
 * 33(1), 24 h of NIS2 art. 23(4)(a)). The other units leave out the day on which the start falls in `zone` and end with
 * the last millisecond of their last day there (Regulation (EEC, Euratom) 1182/71 art. 3(1) and 3(2)(b)); a period in
 * months ends on the day of the same number, or on the last day of a month that has no such day (art. 3(2)(c)).
 * Calendar days and months are not moved by weekends or holidays. Where the calendar's business day ends earlier than
 * midnight, business days end then: that minute itself is in time.
 *
 * @param start UTC milliseconds
 * @param zone IANA name, `Europe/Berlin`
 * @returns UTC milliseconds, always after `start`
 * @throws RangeError for a count that is no positive whole number, an unknown zone, or a calendar in which nobody works
 *   for ten years. Agreements refuse those when they are made, so here it is our bug.
 */
export function dueAt(start: Millis, window: Window, zone: string, calendar: BusinessCalendar): Millis {
  const { count, unit } = window;
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`a window of ${count} ${unit}`);
  if (unit === 'elapsed-hours') return start + count * HOUR;
  const day = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(zone).toPlainDate();
  const last = lastDay(day, count, unit, calendar);
  if (unit !== 'business-days' || calendar.dayEnds === undefined || calendar.dayEnds.startsWith('24:00'))
    return endOfDay(last, zone);
  return last.toZonedDateTime({ timeZone: zone, plainTime: calendar.dayEnds }).epochMilliseconds;
}

function lastDay(
  day: Temporal.PlainDate,
  count: number,
  unit: Exclude<WindowUnit, 'elapsed-hours'>,
  calendar: BusinessCalendar,
): Temporal.PlainDate {
  switch (unit) {
    case 'calendar-days':
      return day.add({ days: count });
    case 'months':
      return day.add({ months: count }, { overflow: 'constrain' });
    case 'business-days':
      return afterBusinessDays(day, count, calendar);
    default:
      throw new RangeError(`unknown unit ${String(unit satisfies never)}`);
  }
}

/** The n-th day worked after `day`, which itself is not counted. */
function afterBusinessDays(
  day: Temporal.PlainDate,
  count: number,
  calendar: BusinessCalendar,
): Temporal.PlainDate {
  const holidays = new Set(calendar.holidays);
  let at = day;
  let idle = 0;
  for (let left = count; left > 0;) {
    at = at.add({ days: 1 });
    if (calendar.workingDays.includes(at.dayOfWeek) && !holidays.has(at.toString())) {
      left--;
      idle = 0;
    } else if (++idle > MOST_IDLE_DAYS) {
      throw new RangeError('a calendar in which nobody works');
    }
  }
  return at;
}

const MOST_IDLE_DAYS = 3660;

/** Whether somebody works on the day that an instant falls on. */
export function isBusinessDay(at: Millis, zone: string, calendar: BusinessCalendar): boolean {
  const day = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
  return calendar.workingDays.includes(day.dayOfWeek) && !calendar.holidays.includes(day.toString());
}

/** The millisecond before the next day begins, which is not at midnight in every zone on every day. */
function endOfDay(day: Temporal.PlainDate, zone: string): Millis {
  return day.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds - 1;
}

/** Whether a text is the name of a time zone that this system knows. */
export function isZone(zone: string): boolean {
  try {
    // Offsets ("+02:00") are accepted by Temporal, but they know no summer time: an agreement names a place.
    return (
      /^[A-Za-z]/.test(zone) &&
      Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId !== ''
    );
  } catch {
    return false;
  }
}

/** The instant at which the clocks of a zone show this date and time (`2026-11-22T06:30`); where they show it twice, the first. */
export function instantIn(local: string, zone: string): Millis | undefined {
  if (!isZone(zone)) return undefined;
  try {
    return Temporal.PlainDateTime.from(local).toZonedDateTime(zone, { disambiguation: 'earlier' })
      .epochMilliseconds;
  } catch {
    return undefined;
  }
}

/**
 * The instants at which the clocks of a zone show this date and time: one on most days, none in the hour that summer time
 * leaves out, two in the hour that is shown twice. Undefined: no date and time, or no zone.
 */
export function instantsIn(local: string, zone: string): Millis[] | undefined {
  if (!isZone(zone)) return undefined;
  try {
    const text = Temporal.PlainDateTime.from(local);
    const shown = (['earlier', 'later'] as const)
      .map((disambiguation) => text.toZonedDateTime(zone, { disambiguation }))
      .filter((at) => at.toPlainDateTime().equals(text));
    return [...new Set(shown.map((at) => at.epochMilliseconds))];
  } catch {
    return undefined;
  }
}
