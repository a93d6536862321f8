import { Temporal } from 'temporal-polyfill';
import {
  dueAt,
  isBusinessDay,
  MONDAY_TO_FRIDAY,
  type BusinessCalendar,
  type Window,
} from '../../kernel/calendar.ts';
import type { Millis } from '../../kernel/time.ts';
import type { ClockEvent, ClockPhase, ClockRule } from './clock-rule.schema.ts';

/** What has happened so far, and where. All of it is kept with an obligation, so that its clock computes again. */
export interface ClockFacts {
  /** When each start event happened. `submission` stands for every phase that `submitted` does not name. */
  events: Readonly<Partial<Record<ClockEvent, Millis>>>;
  /** When the report of a phase was handed in. */
  submitted: Readonly<Record<string, Millis>>;
  /** The class of the one who owes it; absent: not known, and read as one without any privilege. */
  entity?: string;
  /** Where days are counted if the rule does not say: an IANA name, or the offset that the start was written with. */
  zone: string;
  /** Whose holidays count, with its name. */
  calendar: BusinessCalendar & { name: string };
  /** Whether a relief that depends on the class may be used though no class is named. */
  reliefWithoutClass: boolean;
}

export const WEEKDAYS = { ...MONDAY_TO_FRIDAY, name: 'Monday to Friday' };

/**
 * `dated`: due at an instant. `no_number`: the duty runs, and its source gives no number. `not_started`: what starts it
 * has not happened. `not_in_force`: no duty on that day.
 */
export type Standing = 'dated' | 'no_number' | 'not_started' | 'not_in_force';

export interface PhaseClock {
  phase: string;
  standing: Standing;
  startAt: Millis | null;
  /** Null unless `dated`. */
  due: Millis | null;
  /** The day of `due` where the rule counts, `2026-11-22`. */
  dueDate: string | null;
  /** The arithmetic in words; for what has not started: what it waits for. */
  why: string;
}

/**
 * Every phase of a rule, with what is known.
 *
 * Hours are elapsed time. Days and months leave out the day of the start, unless the phase counts it, and end with the
 * last millisecond of their last day in the rule's zone, else in that of the facts. A cap holds unless the start itself
 * came after it (Delegated Regulation (EU) 2025/301 art. 5(1)(a)). A relief moves an end that falls on a weekend or a
 * holiday to noon of the next working day (art. 5(2), with its exempt classes).
 *
 * @throws RangeError for a calendar in which nobody works or an unknown zone
 */
export function clockPhases(rule: ClockRule, facts: ClockFacts): PhaseClock[] {
  return rule.phases.map((phase) => phaseClock(rule, phase, facts));
}

export function zoneOf(rule: Pick<ClockRule, 'zone'>, facts: Pick<ClockFacts, 'zone'>): string {
  return rule.zone ?? facts.zone;
}

/** What `--start` and awareness stand for: the first event of the rule that is no later step of it. */
export function firstEvent(rule: Pick<ClockRule, 'phases'>): ClockEvent | undefined {
  const later: readonly ClockEvent[] = ['submission', 'classification'];
  return rule.phases
    .flatMap((phase) => [phase.event, ...(phase.cap ? [phase.cap.event] : [])])
    .find((event) => !later.includes(event));
}

/** One phase of a rule. */
export function phaseClock(rule: ClockRule, phase: ClockPhase, facts: ClockFacts): PhaseClock {
  const zone = zoneOf(rule, facts);
  const none = { phase: phase.phase, startAt: null, due: null, dueDate: null };
  const start =
    phase.after === undefined
      ? facts.events[phase.event]
      : (facts.submitted[phase.after] ?? facts.events.submission);
  const event = startWords(phase);
  if (rule.from === null)
    return {
      ...none,
      standing: 'not_in_force',
      why: `not in force: no clock runs (${windowText(phase, facts)} from ${event})`,
    };
  if (start === undefined) return { ...none, standing: 'not_started', why: `waits for ${event}` };
  const capStart = phase.cap && facts.events[phase.cap.event];
  if (phase.cap && capStart === undefined)
    return { ...none, standing: 'not_started', why: `waits for ${phase.cap.event}` };
  const day = plainDay(start, zone);
  if (!isInForce(rule, day.toString()))
    return {
      ...none,
      standing: 'not_in_force',
      why: `not in force on ${day.toString()}: ${inForceWords(rule)}`,
    };
  const at = wall(start, zone);
  if (phase.window === null)
    return {
      ...none,
      startAt: start,
      standing: 'no_number',
      why: `${phase.words} from ${event} (${at} ${zone}): a duty without a number`,
    };
  const steps = [`${event} ${at} ${zone}`];
  let due = ending(phase, windowOf(phase, facts), start, zone, facts.calendar, steps);
  if (phase.cap && capStart !== undefined) due = capped(phase.cap, due, start, capStart, zone, facts, steps);
  due = relieved(rule, phase, due, zone, facts, steps);
  return {
    phase: phase.phase,
    standing: 'dated',
    startAt: start,
    due,
    dueDate: dayIn(due, zone),
    why: `${steps.join('; ')} = ${wall(due, zone)} ${zone}`,
  };
}

function ending(
  phase: ClockPhase,
  window: Window,
  start: Millis,
  zone: string,
  calendar: ClockFacts['calendar'],
  steps: string[],
): Millis {
  let from = start;
  if (phase.counts === 'from-end-of-year') {
    const { year } = plainDay(start, zone);
    from =
      Temporal.PlainDate.from({ year: year + 1, month: 1, day: 1 }).toZonedDateTime(zone).epochMilliseconds -
      1;
    steps.push(`counted from the end of ${year}`);
  }
  steps.push(`+ ${count(window)}${window.unit === 'business-days' ? ` (${calendar.name})` : ''}`);
  if (!phase.countsStartDay || window.unit === 'elapsed-hours') return dueAt(from, window, zone, calendar);
  // The day before stands for a start on the eve: the start's own day is then the first.
  steps.push('the day of the start counts');
  return dueAt(plainDay(from, zone).toZonedDateTime(zone).epochMilliseconds - 1, window, zone, calendar);
}

function capped(
  cap: NonNullable<ClockPhase['cap']>,
  due: Millis,
  start: Millis,
  capStart: Millis,
  zone: string,
  facts: ClockFacts,
  steps: string[],
): Millis {
  const latest = dueAt(capStart, cap.window, zone, facts.calendar);
  const words = `${count(cap.window)} from ${cap.event} (${wall(latest, zone)})`;
  if (start > latest) {
    steps.push(`${wall(start, zone)} is later than ${words}, which therefore does not hold`);
    return due;
  }
  steps.push(due <= latest ? `earlier than ${words}` : `capped at ${words}`);
  return Math.min(due, latest);
}

function relieved(
  rule: ClockRule,
  phase: ClockPhase,
  due: Millis,
  zone: string,
  facts: ClockFacts,
  steps: string[],
): Millis {
  const { relief } = rule;
  if (!relief || isBusinessDay(due, zone, facts.calendar)) return due;
  const depends = relief.exemptPhases.length === 0 || relief.exemptPhases.includes(phase.phase);
  if (depends && facts.entity !== undefined && relief.exempt.includes(facts.entity)) {
    steps.push(`${plainDay(due, zone).toString()} is no working day; ${facts.entity} has no relief here`);
    return due;
  }
  if (depends && facts.entity === undefined && !facts.reliefWithoutClass) {
    steps.push(
      `${plainDay(due, zone).toString()} is no working day; no relief, since the class is not known`,
    );
    return due;
  }
  steps.push(
    `${plainDay(due, zone).toString()} is no working day (${facts.calendar.name}): noon of the next working day`,
  );
  let day = plainDay(due, zone);
  let noon: Millis;
  do {
    day = day.add({ days: 1 });
    noon = day.toZonedDateTime({ timeZone: zone, plainTime: '12:00' }).epochMilliseconds;
  } while (!isBusinessDay(noon, zone, facts.calendar));
  return noon;
}

function windowOf(phase: ClockPhase, facts: Pick<ClockFacts, 'entity'>): Window {
  return phase.entityWindows.find(({ entity }) => entity === facts.entity)?.window ?? phase.window!;
}

function windowText(phase: ClockPhase, facts: ClockFacts): string {
  return phase.window === null ? phase.words! : count(windowOf(phase, facts));
}

/** "72 hours", "4 business days", "1 month". */
function count({ count: n, unit }: Window): string {
  const word = {
    'elapsed-hours': 'hour',
    'calendar-days': 'calendar day',
    'business-days': 'business day',
    months: 'month',
  }[unit];
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function startWords(phase: ClockPhase): string {
  if (phase.after !== undefined) return phase.starts ?? `submission of ${phase.after}`;
  return phase.starts ? `${phase.event} (${phase.starts})` : phase.event;
}

function inForceWords(rule: ClockRule): string {
  return rule.until === null ? `from ${rule.from}` : `from ${rule.from} until ${rule.until}`;
}

function plainDay(at: Millis, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
}

/** `2026-03-29 13:00`, with seconds where there are any. */
function wall(at: Millis, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime();
  const text = local.toString({ smallestUnit: 'second' }).replace('T', ' ');
  return text.endsWith(':00') ? text.slice(0, -3) : text;
}

/** Whether a version is law on a day. */
export function isInForce(rule: Pick<ClockRule, 'from' | 'until'>, day: string): boolean {
  if (rule.from === null) return false;
  return (rule.from === 'unknown' || rule.from <= day) && (rule.until === null || day <= rule.until);
}

/** The day on the clocks of a zone, `2026-11-22`. */
export function dayIn(at: Millis, zone: string): string {
  return plainDay(at, zone).toString();
}
