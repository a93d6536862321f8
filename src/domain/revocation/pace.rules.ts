import { SECOND, type Millis } from '../../kernel/time.ts';

/** What a supplier account allows us. */
export interface ConnectionLimits {
  maxConcurrent: number;
  /** Requests; null: the supplier stated no limit. */
  perSecond: number | null;
}

/** A pace is kept below its limit, so that what the network and timers add cannot push a second over it. */
const CARE = 0.93;
/** How much later than its neighbours a request may arrive at the supplier. */
const DRIFT: Millis = 25;
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

/**
 * When a request may leave at the earliest, so that with those that left before it no second holds more than allowed:
 * what timers that fire late and all at once would otherwise do.
 *
 * @param left  when requests left or will leave, in ascending order
 */
export function earliestOf(left: readonly Millis[], perSecond: number, now: Millis): Millis {
  const most = Math.ceil(perSecond);
  const window = (most / perSecond) * SECOND + DRIFT;
  const before = left[left.length - most];
  return before === undefined ? now : Math.max(now, before + window);
}
