import { MINUTE, type Millis } from '../../kernel/time.ts';

/** When a fallback of a term is told; neither: from half of the window. */
export interface RungTime {
  afterMinutes: number | null;
  afterPercent: number | null;
}

/** The clock of a notice; `dueAt` null: a duty without a number. */
export interface LadderClock {
  startAt: Millis;
  dueAt: Millis | null;
}

/**
 * When a rung of a ladder is taken: so many minutes after the start, or at a share of the window; never after the window.
 * Null where it has no time of its own, and for a share of a window that has no end.
 */
export function rungAt(
  { afterMinutes, afterPercent }: RungTime,
  { startAt, dueAt }: LadderClock,
): Millis | null {
  if (afterMinutes !== null) {
    const at = startAt + afterMinutes * MINUTE;
    return dueAt === null ? at : Math.min(at, Math.max(startAt, dueAt));
  }
  if (afterPercent === null || dueAt === null) return null;
  return startAt + Math.floor((Math.max(0, dueAt - startAt) * afterPercent) / 100);
}

/** The first rung with a time of its own after an instant; null: there is none any more. */
export function nextRungAt(
  rungs: readonly RungTime[],
  clock: LadderClock,
  after: Millis | null,
): Millis | null {
  const times = rungs
    .map((rung) => rungAt(rung, clock))
    .filter((at) => at !== null && (after === null || at > after)) as Millis[];
  return times.length === 0 ? null : Math.min(...times);
}

/** The last rung that has come by an instant; null: none. */
export function latestRungAt(rungs: readonly RungTime[], clock: LadderClock, now: Millis): Millis | null {
  const times = rungs.map((rung) => rungAt(rung, clock)).filter((at) => at !== null && at <= now) as Millis[];
  return times.length === 0 ? null : Math.max(...times);
}

/** "15 minutes", "40 % of the window". */
export function rungWords(rung: { minutes?: number | undefined; percent?: number | undefined }): string {
  if (rung.percent !== undefined) return `${rung.percent} % of the window`;
  return `${rung.minutes} ${rung.minutes === 1 ? 'minute' : 'minutes'}`;
}
