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

/** No address is asked twice within this. */
const LEAST_WAIT: Millis = MINUTE;
const BACK_OFF = [1, 5, 15, 30, 60].map((minutes) => minutes * MINUTE);

/**
 * When to ask the same address again after `attempts` tries that did not succeed: 1, 5, 15, 30 and then every 60 minutes,
 * or what the peer asked for and a minute at the least; but not past the end of a window that is still to come (RFC 5321
 * section 4.5.4.1 lets a mail server hold a message for days; our window is shorter).
 */
export function nextAttemptAt(
  attempts: number,
  now: Millis,
  { dueAt }: Pick<NoticeState, 'dueAt'>,
  peerAsks?: Millis,
): Millis {
  const wait = peerAsks ?? BACK_OFF[Math.min(Math.max(attempts, 1), BACK_OFF.length) - 1]!;
  const at = now + Math.max(wait, LEAST_WAIT);
  return dueAt !== null && now < dueAt ? Math.min(at, Math.max(now + LEAST_WAIT, dueAt - LEAST_WAIT)) : at;
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
  /** In which they are told what a term has told: their own, else as agreed. */
  language?: string | null;
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
  /** When the last of them began; absent: none did. */
  lastAt?: Millis;
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
  return pool.toSorted(byTurn)[0];
}

/** Who was asked least comes first; of those asked as often, who did not fail to answer just now. */
function byTurn(a: Recipient, b: Recipient): number {
  return a.taken + a.tries - (b.taken + b.tries) || a.tries - b.tries;
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

/** What a peer answered that did not take a message; `after`: what it asked to wait. */
export interface Failure {
  refused: boolean;
  after?: Millis | undefined;
}

/**
 * When the next attempt is made after one that failed: at once where another address is next, else when the same one may be
 * asked again, or somebody else's turn comes before that (half of the window, a rung of the ladder). An instant that brings
 * nobody else is none: the only address that is left is not asked again a moment after it was.
 *
 * @param recipients as they were when `chosen` was chosen of them
 */
export function nextTryAt(
  recipients: readonly Recipient[],
  chosen: Recipient,
  failure: Failure,
  fallbacksToo: boolean,
  times: Pick<NoticeState, 'startAt' | 'dueAt'>,
  now: Millis,
): Millis {
  const after = recipients.map((one) =>
    isSameAddress(one, chosen)
      ? { ...one, tries: one.tries + 1, lastAt: now, refused: one.refused || failure.refused }
      : one,
  );
  const next = nextRecipient(after, fallbacksToo, now);
  if (!next) return now; // to be told that nobody is left
  if (next.lastAt === undefined || next.lastAt + LEAST_WAIT <= now) return now;
  const again = nextAttemptAt(
    next.tries,
    now,
    times,
    isSameAddress(next, chosen) ? failure.after : undefined,
  );
  const turns = after
    .filter((one) => !one.refused && !isOpen(one, fallbacksToo, now) && byTurn(one, next) < 0)
    .map((one) => Math.max(one.opensAt ?? fallbackAt(times), (one.lastAt ?? -Infinity) + LEAST_WAIT))
    .filter((at) => at > now);
  return Math.min(again, ...turns);
}

function isSameAddress(one: Recipient, other: Recipient): boolean {
  return one.channel === other.channel && one.address === other.address;
}

/** Whether somebody's turn has come. */
function isOpen(
  { fallback, opensAt }: Pick<Recipient, 'fallback' | 'opensAt'>,
  fallbacksToo: boolean,
  now: Millis,
): boolean {
  return !fallback || (opensAt === undefined ? fallbacksToo : now >= opensAt);
}

export interface Reader {
  contactId: string;
  language?: string | null;
}

/**
 * The language that somebody is told in. The one whom a notice is for reads it in the language that it was owed in; whoever is
 * told in their place, or as well, in their own. What a person wrote, or asks one person, is there in one language only.
 */
export function languageToTell(
  notice: { contactId: string | null; termId: string | null; language: string },
  reader: Reader,
): string {
  if (notice.termId === null || reader.contactId === notice.contactId) return notice.language;
  return reader.language ?? notice.language;
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
