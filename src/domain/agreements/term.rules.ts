import { dueAt, MONDAY_TO_FRIDAY, type BusinessCalendar, type WindowUnit } from '../../kernel/calendar.ts';
import type { Millis } from '../../kernel/time.ts';

export const TRIGGERS = [
  'suspected',
  'confirmed',
  'contained',
  'determined',
  'classified',
  'resolved',
] as const;
export const START_EVENTS = [
  'occurred',
  'detected',
  'received',
  'matched',
  'suspected',
  'confirmed',
  'determined',
  'classified',
  'contained',
  'submitted',
] as const;
export const FULFILMENTS = ['dispatched', 'accepted_by_peer', 'received', 'acknowledged'] as const;
/** How sure one is that it was the recipient who answered; from the weakest to the strongest. */
export const STRENGTHS = ['mailbox', 'second_channel', 'account_mfa', 'detached_signature'] as const;
export type Strength = (typeof STRENGTHS)[number];
export const DIRECTIONS = ['to_party', 'from_party'] as const;

/** What the clock of a term needs; `window` null: a duty without a number. */
export interface ClockedTerm {
  window: { count: number; unit: WindowUnit } | null;
  zone: string;
  warnPercent: number;
  escalatePercent: number;
}

export interface TermClock {
  startAt: Millis;
  /** Null: without undue delay. */
  dueAt: Millis | null;
  warnAt: Millis | null;
  escalateAt: Millis | null;
}

/**
 * When to warn and when to escalate: shares of the window, in per cent from its start. Two thresholds, since one that
 * does both wakes the wrong person or wakes them too late.
 */
export function thresholds(
  startAt: Millis,
  due: Millis | null,
  warnPercent: number,
  escalatePercent: number,
): { warnAt: Millis | null; escalateAt: Millis | null } {
  if (due === null) return { warnAt: null, escalateAt: null };
  const share = (percent: number) => startAt + Math.floor(((due - startAt) * percent) / 100);
  return { warnAt: share(warnPercent), escalateAt: share(escalatePercent) };
}

/**
 * The clock of a term, if its start event happened at `startAt`.
 *
 * @param calendar of the term; absent: Monday to Friday
 * @throws RangeError for a window, zone or calendar that no agreement may have been given
 */
export function clockOf(term: ClockedTerm, startAt: Millis, calendar?: BusinessCalendar): TermClock {
  const due =
    term.window === null ? null : dueAt(startAt, term.window, term.zone, calendar ?? MONDAY_TO_FRIDAY);
  return { startAt, dueAt: due, ...thresholds(startAt, due, term.warnPercent, term.escalatePercent) };
}

/** "72 hours", "3 business days in Europe/Berlin, calendar de-office". */
export function windowWords(term: ClockedTerm & { calendar?: string | null }): string {
  if (term.window === null) return 'without undue delay';
  const { count, unit } = term.window;
  const plural = (word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
  if (unit === 'elapsed-hours') return plural('hour');
  if (unit === 'business-days')
    return `${plural('business day')} in ${term.zone}, ${term.calendar ? `calendar ${term.calendar}` : 'Monday to Friday'}`;
  return `${plural(unit === 'months' ? 'month' : 'calendar day')} in ${term.zone}`;
}
