import { Temporal } from 'temporal-polyfill';
import { dueAt, type BusinessCalendar } from '../../kernel/calendar.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

export const CAUSES = ['monthly', 'person_left', 'party_changed', 'incident_closed', 'by_hand'] as const;
/** Why a campaign was opened. */
export type Cause = (typeof CAUSES)[number];

/** What somebody can do with a credential: see or hold its value or its record, put another in its place, kill it. */
export const ACCESS = ['view', 'rotate', 'revoke'] as const;
export type Access = (typeof ACCESS)[number];

export const REVIEW_SUBJECTS = ['user', 'token', 'contact', 'party', 'connection'] as const;
/** Where an access comes from; it says what taking it away means. */
export const BASES = [
  'role',
  'token',
  'holder',
  'location',
  'path',
  'connection',
  'matrix',
  'owner',
] as const;
export type Basis = (typeof BASES)[number];

/** The tier that is reviewed every month. */
export const HIGH_TIER = 1;

/** How many business days a reviewer has. Somebody who left may not wait for the end of the month. */
const DAYS: Readonly<Record<Cause, number>> = {
  monthly: 10,
  by_hand: 10,
  party_changed: 5,
  incident_closed: 5,
  person_left: 2,
};

/** The calendar month that an instant falls into where the operator is: `2026-11`. */
export function monthOf(now: Millis, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(now)
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toPlainYearMonth()
    .toString();
}

export interface ReviewClocks {
  remindAt: Millis;
  escalateAt: Millis;
  dueAt: Millis;
}

/**
 * Business days where the reviewer is, the day of the opening not counted; reminded when half of the time is over,
 * escalated when four fifths are.
 */
export function clocksOf(
  cause: Cause,
  openedAt: Millis,
  zone: string,
  calendar: BusinessCalendar,
): ReviewClocks {
  const due = dueAt(openedAt, { count: DAYS[cause], unit: 'business-days' }, zone, calendar);
  const after = (share: number) => openedAt + Math.floor((due - openedAt) * share);
  return { remindAt: after(0.5), escalateAt: after(0.8), dueAt: due };
}

/** Whether "keep" needs a reason, too: where most would be lost, and of somebody who is gone. */
export function needsReasonToKeep(riskTier: number | null, cause: Cause): boolean {
  return riskTier === null || riskTier === HIGH_TIER || cause === 'person_left';
}

export interface ToldSoFar {
  remindedAt: Millis | null;
  escalatedAt: Millis | null;
  missedAt: Millis | null;
  finishedAt: Millis | null;
}

/** What is to be said about a part now; the graver one when several fell due unseen. Each is said once. */
export function stageDue(
  part: ReviewClocks & ToldSoFar,
  now: Millis,
): 'reminded' | 'escalated' | 'missed' | undefined {
  if (part.finishedAt !== null || part.missedAt !== null) return undefined;
  if (now > part.dueAt) return 'missed';
  if (part.escalatedAt !== null) return undefined;
  if (now >= part.escalateAt) return 'escalated';
  return part.remindedAt === null && now >= part.remindAt ? 'reminded' : undefined;
}

/** What a role or token lets somebody do with credentials, from its permissions. */
export function accessOf(permissions: readonly string[]): Access[] {
  const any = (...wanted: string[]) => wanted.some((one) => permissions.includes(one));
  return [
    ...(any('portfolio:read') ? (['view'] as const) : []),
    ...(any('portfolio:write', 'connections:write') ? (['rotate'] as const) : []),
    ...(any('incidents:act', 'runs:start', 'steps:settle', 'approvals:decide') ? (['revoke'] as const) : []),
  ];
}

export interface Judged {
  decision: 'keep' | 'remove';
  reason: string;
}

/** Why a decision about an item cannot be taken by this person; undefined when it can. */
export function whyNot(
  item: { personId: Id | null; decided: boolean },
  part: { reviewerPersonId: Id | null; reasonToKeep: boolean },
  { decision, reason }: Judged,
  who: { personId: Id | undefined },
): 'no-person' | 'own-access' | 'not-the-reviewer' | 'already-decided' | 'reason-missing' | undefined {
  const { personId } = who;
  if (personId === undefined) return 'no-person';
  // Separation of duties is between human beings: a second account or token of the same one changes nothing.
  if (item.personId === personId) return 'own-access';
  const reviewer = part.reviewerPersonId;
  // What is the reviewer's own, somebody else decides.
  if (reviewer !== null && reviewer !== personId && item.personId !== reviewer) return 'not-the-reviewer';
  if (item.decided) return 'already-decided';
  if (reason.trim() === '' && (decision === 'remove' || part.reasonToKeep)) return 'reason-missing';
  return undefined;
}
