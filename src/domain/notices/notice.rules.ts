import type { Millis } from '../../kernel/time.ts';
import { MINUTE } from '../../kernel/time.ts';

export type Obligation = 'required' | 'not_required' | 'superseded' | 'withheld';
export type Dispatch = 'owed' | 'attempting' | 'accepted' | 'failed';
export type Receipt = 'none' | 'bounced' | 'delivered' | 'acknowledged';
export type Timeliness = 'open' | 'met' | 'missed';
export type FulfilledBy = 'dispatched' | 'accepted_by_peer' | 'received' | 'acknowledged';

/** What the decisions below need of a notice. */
export interface NoticeState {
  startAt: Millis;
  /** null: a duty without a number ("without undue delay"). */
  dueAt: Millis | null;
  warnAt: Millis | null;
  escalateAt: Millis | null;
  warnedAt: Millis | null;
  escalatedAt: Millis | null;
  fulfilledBy: FulfilledBy;
  obligation: Obligation;
  dispatch: Dispatch;
  receipt: Receipt;
  timeliness: Timeliness;
  attempts: number;
  fulfilledAt: Millis | null;
}

/** Whether what has happened so far is what the term counts as telling. */
export function isFulfilled(by: FulfilledBy, dispatch: Dispatch, receipt: Receipt): boolean {
  switch (by) {
    // A message is dispatched when a peer took it: what lies in our own queue was not sent to anybody.
    case 'dispatched':
    case 'accepted_by_peer':
      return dispatch === 'accepted' && receipt !== 'bounced';
    case 'received':
      return receipt === 'delivered' || receipt === 'acknowledged';
    case 'acknowledged':
      return receipt === 'acknowledged';
  }
}

export type ClockEvent = 'warn' | 'escalate' | 'met' | 'missed';

/**
 * What the clock says of a notice at `now`, in the order to record it. Each event is answered once: what was warned,
 * escalated or decided already is not answered again, and a decided notice stays as it was decided.
 */
export function clockEvents(notice: NoticeState, now: Millis): ClockEvent[] {
  if (notice.obligation !== 'required') return [];
  const events: ClockEvent[] = [];
  const fulfilled = notice.fulfilledAt !== null;
  if (!fulfilled && notice.warnAt !== null && notice.warnedAt === null && now >= notice.warnAt)
    events.push('warn');
  if (!fulfilled && notice.escalateAt !== null && notice.escalatedAt === null && now >= notice.escalateAt) {
    events.push('escalate');
  }
  const decision = timelinessAt(notice, now);
  if (notice.timeliness === 'open' && decision !== 'open') events.push(decision);
  return events;
}

/**
 * In time is at the due instant or before it. A duty without a number is met once fulfilled and never missed by a clock.
 */
export function timelinessAt(notice: Pick<NoticeState, 'dueAt' | 'fulfilledAt'>, now: Millis): Timeliness {
  if (notice.fulfilledAt !== null) {
    return notice.dueAt === null || notice.fulfilledAt <= notice.dueAt ? 'met' : 'missed';
  }
  return notice.dueAt !== null && now > notice.dueAt ? 'missed' : 'open';
}

const BACK_OFF = [1, 5, 15, 30, 60].map((minutes) => minutes * MINUTE);

/**
 * When to try again after `attempts` tries that did not succeed: 1, 5, 15, 30 and then every 60 minutes, or what the
 * peer asked for, but never past the due time while there is still time (RFC 5321 section 4.5.4.1 lets a mail server
 * hold a message for days; our window is shorter).
 */
export function nextAttemptAt(
  attempts: number,
  now: Millis,
  dueAt: Millis | null,
  peerAsks?: Millis,
): Millis {
  const wait = peerAsks ?? BACK_OFF[Math.min(Math.max(attempts, 1), BACK_OFF.length) - 1]!;
  const at = now + wait;
  return dueAt !== null && now < dueAt ? Math.min(at, Math.max(now + MINUTE, dueAt - MINUTE)) : at;
}

/** Half of the window gone and nobody reached: somebody else of the party is told as well. */
export function fallbackIsDue(
  notice: Pick<NoticeState, 'startAt' | 'dueAt' | 'dispatch' | 'receipt'>,
  now: Millis,
): boolean {
  if (notice.dispatch === 'accepted' && notice.receipt !== 'bounced') return false;
  return notice.dueAt !== null && now >= notice.startAt + (notice.dueAt - notice.startAt) / 2;
}

/** One person to write to, in the order of the agreement. */
export interface Recipient {
  contactId: string;
  address: string;
  fallback: boolean;
  /** Addresses that the peer refused for good are not tried again. */
  refused: boolean;
}

/**
 * Whom the next attempt goes to: the first who was not refused; fallbacks once half of the window is gone, or at once
 * when every primary was refused. Undefined: nobody is left, which is a failure to escalate.
 */
export function nextRecipient(
  recipients: readonly Recipient[],
  attempts: number,
  fallbacksToo: boolean,
): Recipient | undefined {
  const usable = recipients.filter((r) => !r.refused);
  const primaries = usable.filter((r) => !r.fallback);
  const pool = fallbacksToo || primaries.length === 0 ? usable : primaries;
  return pool[pool.length === 0 ? 0 : attempts % pool.length];
}
