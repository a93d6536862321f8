import { SECOND, type Millis } from '../../kernel/time.ts';

/** What a supplier account allows us. */
export interface ConnectionLimits {
  maxConcurrent: number;
  /** Requests; null: the supplier stated no limit. */
  perSecond: number | null;
}

/** The pace that processes share is kept below the limit, so that what the network adds cannot push a second over it. */
const CARE = 0.93;
/** What clocks that count milliseconds may be off. */
const GRAIN: Millis = 2;
/** The longest that a request is on its way to a supplier. */
const ON_ITS_WAY: Millis = 100;
/** Requests that one step makes at most, and how long they may wait for their turns, within the time of one call. */
const OF_A_STEP = 3;
const PATIENCE: Millis = 30 * SECOND;

/**
 * The limits of the lane of steps that speak to a supplier account. Steps are requests at least, so that no lane starts
 * more of them a second than requests are allowed; and no more of them run at once than can have their turns in time.
 */
export function laneLimitsOf({ maxConcurrent, perSecond }: ConnectionLimits): {
  concurrency: number;
  perSecond: number | null;
} {
  if (perSecond === null || perSecond <= 0) return { concurrency: maxConcurrent, perSecond: null };
  const inTime = Math.floor((PATIENCE / SECOND / OF_A_STEP) * perSecond);
  return { concurrency: Math.max(1, Math.min(maxConcurrent, inTime)), perSecond };
}

/** How far apart requests leave. */
export function spacingOf(perSecond: number): Millis {
  return SECOND / (perSecond * CARE);
}

/** How long an ended request counts against those that want to leave. */
export function windowOf(perSecond: number): Millis {
  return (Math.ceil(perSecond) / perSecond) * SECOND + GRAIN;
}

/** A request that left, and when its answer was there; null: not yet. */
export interface Departure {
  left: Millis;
  ended: Millis | null;
}

/**
 * How long a request must wait, so that the supplier sees no second with more than it allows, also when timers fire late
 * and all at once. When one arrives there is not for us to know, only that it is before its answer, and, where the answer
 * takes long, that it was not that long on its way: so each counts from then on for a second.
 *
 * @returns 0: it may leave
 */
export function waitOf(recent: readonly Departure[], perSecond: number, now: Millis): Millis {
  const window = windowOf(perSecond);
  const until = recent.map((one) => arrivedBy(one) + window).filter((end) => end > now);
  const frees = until.sort((a, b) => a - b)[until.length - Math.ceil(perSecond)];
  return frees === undefined ? 0 : frees - now;
}

/** The latest instant at which a request can have arrived. */
export function arrivedBy({ left, ended }: Departure): Millis {
  return Math.min(ended ?? Infinity, left + ON_ITS_WAY);
}
