import { Temporal } from 'temporal-polyfill';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';

/** When maintenance may happen: days of the week (Monday 1), from and until on the wall. Until before from: past midnight. */
export interface MaintenanceWindow {
  days: number[];
  /** `22:00`. */
  from: string;
  until: string;
}

export interface Cadence {
  /** The credential's own interval. */
  everyDays: number | null;
  /** The policy's greatest age for its kind. */
  policyEvery: Millis | null;
  /** 0 to 1000. */
  risk: number;
  /** Since when the version in use is in use; null: nobody knows. */
  since: Millis | null;
  expiresAt: Millis | null;
}

export interface Due {
  at: Millis;
  because: 'schedule' | 'policy' | 'expiry';
  /** How the date came about, for people. */
  why: string;
}

/** What expires is replaced before it does: by a fifth of its life, at least a day and at most two weeks. */
function beforeExpiry(since: Millis | null, expiresAt: Millis): Millis {
  const life = since === null ? 70 * ELAPSED_DAY : Math.max(0, expiresAt - since);
  return expiresAt - Math.min(14 * ELAPSED_DAY, Math.max(ELAPSED_DAY, life / 5), life);
}

/** Which share of its interval a credential is left alone: the riskier, the less. */
export function shareOf(risk: number): number {
  if (risk >= 900) return 0.5;
  return risk >= 700 ? 0.75 : 1;
}

/**
 * Everything that asks for a credential to be rotated, the earliest first: its own schedule, the policy's interval and its
 * expiry. Risk shortens a schedule; a policy's interval is a limit already.
 *
 * @returns empty where nothing asks for it, or nobody knows since when it is in use
 */
export function rotationDemands(cadence: Cadence): Due[] {
  const { everyDays, policyEvery, risk, since, expiresAt } = cadence;
  const all: Due[] = [];
  if (everyDays !== null && since !== null) {
    const share = shareOf(risk);
    const short = share < 1 ? `, shortened to ${share * 100} % by its risk of ${risk}` : '';
    const at = since + Math.round(everyDays * share * ELAPSED_DAY);
    all.push({ at, because: 'schedule', why: `every ${daysOf(everyDays)}${short}` });
  }
  if (policyEvery !== null && since !== null)
    all.push({
      at: since + policyEvery,
      because: 'policy',
      why: `at most ${daysOf(Math.round(policyEvery / ELAPSED_DAY))} old by the policy`,
    });
  if (expiresAt !== null)
    all.push({ at: beforeExpiry(since, expiresAt), because: 'expiry', why: 'in time before it expires' });
  return all.sort((one, other) => one.at - other.at);
}

/** When a credential has to be rotated next; null where nothing says so. */
export function rotationDue(cadence: Cadence): Due | null {
  return rotationDemands(cadence)[0] ?? null;
}

/**
 * From when on something is done about what is due: so many days before, yet never in the first half of its time, so that
 * what was just rotated is not due again at once where the interval is shorter than the days before.
 */
export function dueFrom(dueAt: Millis, since: Millis | null, leadDays: number): Millis {
  const ahead = dueAt - leadDays * ELAPSED_DAY;
  return since === null || since > dueAt ? ahead : Math.max(ahead, since + (dueAt - since) / 2);
}

function daysOf(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

/** How far a search for a window looks ahead: each weekday stands in it. */
const DAYS_AHEAD = 8;

/**
 * The first instant, not before `at`, inside a window. Without windows any time will do.
 *
 * @param zone IANA name
 */
export function nextInWindow(at: Millis, windows: readonly MaintenanceWindow[], zone: string): Millis {
  if (windows.length === 0) return at;
  const today = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
  let best = Infinity;
  // From yesterday: its window may reach past midnight.
  for (let offset = -1; offset <= DAYS_AHEAD; offset++) {
    const day = today.add({ days: offset });
    for (const window of windows) {
      if (!window.days.includes(day.dayOfWeek)) continue;
      const start = at_(day, window.from, zone);
      const end = at_(window.until <= window.from ? day.add({ days: 1 }) : day, window.until, zone);
      if (at < end) best = Math.min(best, Math.max(at, start));
    }
  }
  return best === Infinity ? at : best;
}

function at_(day: Temporal.PlainDate, time: string, zone: string): Millis {
  return day.toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds;
}

/** What is needed to say when both versions stop to work together. */
export interface OverlapWish {
  now: Millis;
  /** As asked for, or as the recipe has it. */
  length: Millis;
  /** No recipe lets an old version linger longer. */
  most: Millis;
  emergency: boolean;
  windows: readonly MaintenanceWindow[];
  zone: string;
}

/** The end of the overlap, in a window where that does not stretch it past its bound. */
export function overlapEnd(wish: OverlapWish): Millis {
  if (wish.emergency) return wish.now;
  const wanted = wish.now + Math.min(wish.length, wish.most);
  const inWindow = nextInWindow(wanted, wish.windows, wish.zone);
  return inWindow <= wish.now + wish.most ? inWindow : wanted;
}
