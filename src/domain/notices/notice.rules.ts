import type { Millis } from '../../kernel/time.ts';
import { ELAPSED_DAY, HOUR, MINUTE } from '../../kernel/time.ts';

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
 * peer asked for, but never past an instant that matters while it is still to come: the one at which others are told as
 * well, the next rung of the agreement's ladder, and the due time (RFC 5321 section 4.5.4.1 lets a mail server hold a message for days; our window is shorter).
 */
export function nextAttemptAt(
  attempts: number,
  now: Millis,
  times: { startAt: Millis; dueAt: Millis | null; rungAt?: Millis | null },
  peerAsks?: Millis,
): Millis {
  const wait = peerAsks ?? BACK_OFF[Math.min(Math.max(attempts, 1), BACK_OFF.length) - 1]!;
  const { dueAt } = times;
  const others = fallbackAt(times);
  const at = Math.min(
    now + wait,
    ...([others, times.rungAt ?? null].filter((time) => time !== null && now < time) as Millis[]),
  );
  return dueAt !== null && now < dueAt ? Math.min(at, Math.max(now + MINUTE, dueAt - MINUTE)) : at;
}

/** The clock of a notice, as it is stored. */
export function timesOf(row: {
  start_at: Date;
  due_at: Date | null;
}): Pick<NoticeState, 'startAt' | 'dueAt'> {
  return { startAt: row.start_at.getTime(), dueAt: row.due_at?.getTime() ?? null };
}

/** How long the first way has to itself where a duty has no number: "without undue delay" waits for no dead mailbox. */
const ALONE_WITHOUT_NUMBER: Millis = 30 * MINUTE;

/** Half of the window, or half an hour without one: from then on other contacts and other channels are tried as well. */
export function fallbackAt({ startAt, dueAt }: Pick<NoticeState, 'startAt' | 'dueAt'>): Millis {
  return startAt + (dueAt === null ? ALONE_WITHOUT_NUMBER : (dueAt - startAt) / 2);
}

/** The time of the first way is gone and nobody reached: somebody else of the party is told as well. */
export function fallbackIsDue(
  notice: Pick<NoticeState, 'startAt' | 'dueAt' | 'dispatch' | 'receipt'>,
  now: Millis,
): boolean {
  if (notice.dispatch === 'accepted' && notice.receipt !== 'bounced') return false;
  return now >= fallbackAt(notice);
}

/** One way to one person, in the order in which they are to be told. */
export interface Recipient {
  contactId: string;
  /** Of the channel. */
  channel: string;
  address: string;
  /** Where the whole address is sealed; `address` is what may be seen of it then. */
  sealed?: { id: string; ref: string };
  /** Not whom the notice is for, or not by their mail. */
  fallback: boolean;
  /** Where the agreement says when this one is told; absent: with the other fallbacks. */
  opensAt?: Millis;
  /** Addresses that the peer refused for good are not tried again. */
  refused: boolean;
  /** Attempts of this telling that went there. */
  tries: number;
  /** Earlier tellings that a peer took for it, and that nobody answered. */
  taken: number;
}

/**
 * Whom the next attempt goes to: of those who were not refused, who was told and tried least, in the order of the
 * agreement; fallbacks once their own time has come, those without one once half of the window is gone, or at once when
 * every primary was refused. Undefined: nobody is left, which is a failure to escalate.
 */
export function nextRecipient(
  recipients: readonly Recipient[],
  fallbacksToo: boolean,
  now: Millis,
): Recipient | undefined {
  const usable = recipients.filter((r) => !r.refused);
  const all = fallbacksToo || !usable.some((r) => !r.fallback);
  const open = usable.filter((r) => isOpen(r, all, now));
  // Who else is left is told before nobody is.
  const pool = open.length === 0 ? usable : open;
  return pool.toSorted((a, b) => a.taken - b.taken || a.tries - b.tries)[0];
}

/**
 * Whether fallbacks without a time of their own are told as well: half of the window is gone and nobody was reached; or it
 * is told once more, since nobody answered or nothing followed. Where the ladder has times, it is climbed by them.
 */
export function fallbacksAreIn(
  notice: Pick<NoticeState, 'startAt' | 'dueAt' | 'dispatch' | 'receipt'> & { told: number },
  recipients: readonly Recipient[],
  now: Millis,
): boolean {
  if (notice.told === 1) return fallbackIsDue(notice, now);
  if (!recipients.some(({ opensAt }) => opensAt !== undefined)) return true;
  return now >= fallbackAt(notice);
}

/** Whether somebody else is still untried: their turn is at once. */
export function othersLeft(
  recipients: readonly Recipient[],
  chosen: Recipient,
  fallbacksToo: boolean,
  now: Millis,
): boolean {
  return recipients.some(
    (one) =>
      one !== chosen &&
      !one.refused &&
      one.tries + one.taken <= chosen.tries + chosen.taken &&
      isOpen(one, fallbacksToo, now),
  );
}

/** Whether somebody's turn has come. */
function isOpen(
  { fallback, opensAt }: Pick<Recipient, 'fallback' | 'opensAt'>,
  fallbacksToo: boolean,
  now: Millis,
): boolean {
  return !fallback || (opensAt === undefined ? fallbacksToo : now >= opensAt);
}

/** When the next turn comes, of those who are still to be told. */
export function nextOpening(recipients: readonly Recipient[], now: Millis): Millis | null {
  const times = recipients.flatMap(({ refused, opensAt }) =>
    !refused && opensAt !== undefined && opensAt > now ? [opensAt] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** The id of one telling: the first has the notice's own, so that a receiver sees a double as one, and a reminder as new. */
export function messageIdOf(messageId: string, told: number): string {
  const at = messageId.lastIndexOf('@');
  return told === 1 ? messageId : `${messageId.slice(0, at)}.${told}${messageId.slice(at)}`;
}

/** An acknowledgement says that somebody is on it; with a next action for this long, if the case does not end before. */
export const ACKNOWLEDGED_FOR = 7 * ELAPSED_DAY;
/** And without one, no longer than this: then it is told again. */
export const ACKNOWLEDGED_WITHOUT_ACTION_FOR = 4 * HOUR;
