import { Temporal } from 'temporal-polyfill';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE, type Millis } from '../../kernel/time.ts';

/** A time of day that comes round every day, on the wall of a zone: `22:00` to `07:00` goes past midnight. */
export interface DailyHours {
  zone: string;
  /** `HH:MM`. */
  from: string;
  /** `HH:MM`, or `24:00`. Equal to `from`: the whole day. */
  until: string;
  /** ISO numbers of the weekdays on which it begins; absent: all. */
  days?: readonly number[];
}

export interface Absence {
  contactId: Id;
  from: Millis;
  until: Millis;
  standInId: Id | null;
}

/** One rung of a ladder. The order of the list is the order to call. */
export interface Rung {
  contactId: Id;
  /** null: always on duty. */
  duty: DailyHours | null;
}

/** Whether an instant falls into hours that come round daily. Their end itself is outside. */
export function isWithin(hours: DailyHours, at: Millis): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.zone);
  const minute = wall.hour * 60 + wall.minute;
  const [from, until] = [minuteOf(hours.from), minuteOf(hours.until)];
  const begins = (day: number) => hours.days === undefined || hours.days.includes(day);
  const yesterday = wall.dayOfWeek === 1 ? 7 : wall.dayOfWeek - 1;
  if (from === until) return begins(wall.dayOfWeek);
  if (from < until) return begins(wall.dayOfWeek) && minute >= from && minute < until;
  return (minute >= from && begins(wall.dayOfWeek)) || (minute < until && begins(yesterday));
}

/**
 * When hours that an instant falls into end, to the minute. Undefined: they do not within a week.
 *
 * Walks the wall clock by the minute of the zone, so that a night with 23 or 25 hours is as long as it is.
 */
export function endOf(hours: DailyHours, at: Millis): Millis | undefined {
  if (!isWithin(hours, at)) return at;
  const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.zone);
  const until = minuteOf(hours.until) % 1440;
  for (let day = 0; day <= 8; day++) {
    const end = wall
      .toPlainDate()
      .add({ days: day })
      .toZonedDateTime({
        timeZone: hours.zone,
        plainTime: { hour: Math.floor(until / 60), minute: until % 60 },
      }).epochMilliseconds;
    // A gap of the clocks may move the end; then the next whole minute outside is it.
    for (let late = end; late > at && late <= end + 60 * MINUTE; late += 15 * MINUTE)
      if (!isWithin(hours, late)) return late;
  }
  return undefined;
}

/**
 * Who of a ladder is to be called now, in order. Those on duty and there come first, each absent one replaced by who
 * stands in for them; whoever is off duty comes after, in the ladder's order, since a duty to tell does not wait for
 * office hours. Whoever is away and has nobody comes last. Everybody of the ladder is in it once.
 */
export function onCall(ladder: readonly Rung[], absences: readonly Absence[], now: Millis): Id[] {
  const away = (id: Id) =>
    absences.find(({ contactId, from, until }) => contactId === id && from <= now && now < until);
  const [first, later, last]: [Id[], Id[], Id[]] = [[], [], []];
  for (const { contactId, duty } of ladder) {
    const on = duty === null || isWithin(duty, now);
    const absence = away(contactId);
    if (!absence) (on ? first : later).push(contactId);
    else {
      if (absence.standInId !== null && !away(absence.standInId))
        (on ? first : later).push(absence.standInId);
      last.push(contactId);
    }
  }
  return [...new Set([...first, ...later, ...last])];
}

/** An absence that is on record. */
export interface RecordedAbsence extends Absence {
  id: Id;
}

/**
 * What a new absence of a contact meets among those on record: the very same one, or another one at the same time with
 * somebody else to call, so that nobody could say who stands in. Overlapping ones with one stand-in say the same.
 */
export function absenceMeets(
  onRecord: readonly RecordedAbsence[],
  wanted: Absence,
): { as: 'same' | 'clash'; other: RecordedAbsence } | undefined {
  const met = onRecord.filter(
    (one) => one.contactId === wanted.contactId && one.from < wanted.until && wanted.from < one.until,
  );
  const clash = met.find((one) => one.standInId !== wanted.standInId);
  const same = met.find(
    (one) => one.from === wanted.from && one.until === wanted.until && one.standInId === wanted.standInId,
  );
  if (same) return { as: 'same', other: same };
  return clash && { as: 'clash', other: clash };
}

/** Days within which hours come round, and one more. */
const AHEAD = 8;

/**
 * Who is first after whoever is first now, and from when: at the next instant at which hours begin or end, or somebody
 * leaves or is back, and that changes who is called first. Undefined: nobody else within a week.
 */
export function nextOnCall(
  ladder: readonly Rung[],
  absences: readonly Absence[],
  now: Millis,
): { contactId: Id; at: Millis } | undefined {
  const [current] = onCall(ladder, absences, now);
  const edges = [
    ...absences.flatMap(({ from, until }) => [from, until]),
    ...ladder.flatMap(({ duty }) => (duty ? edgesOf(duty, now) : [])),
  ];
  for (const at of edges.filter((edge) => edge > now).sort((a, b) => a - b)) {
    const [first] = onCall(ladder, absences, at);
    if (first !== undefined && first !== current) return { contactId: first, at };
  }
  return undefined;
}

function edgesOf(hours: DailyHours, now: Millis): Millis[] {
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(hours.zone).toPlainDate();
  const minutes = [minuteOf(hours.from), minuteOf(hours.until), 0];
  return Array.from({ length: AHEAD + 1 }, (_, days) => today.add({ days })).flatMap((day) =>
    minutes.map(
      (minute) =>
        day.add({ days: Math.floor(minute / 1440) }).toZonedDateTime({
          timeZone: hours.zone,
          plainTime: { hour: Math.floor((minute % 1440) / 60), minute: minute % 60 },
        }).epochMilliseconds,
    ),
  );
}

function minuteOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
