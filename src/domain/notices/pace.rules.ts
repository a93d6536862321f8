import { HOUR, type Millis } from '../../kernel/time.ts';
import { endOf, isWithin, type DailyHours } from '../parties/on-call.rules.ts';

/** What a recipient asked for: quiet at night, and not too much at once. */
export interface Pace {
  quiet: DailyHours | null;
  /** Messages an hour. */
  mostPerHour: number | null;
  /** When the latest messages to this recipient left, in any order. */
  sent: readonly Millis[];
}

/**
 * Until when a message is held back for its recipient's sake; null: it leaves now.
 *
 * @param latest when it leaves at the latest, whatever was asked for: a wish never delays past a deadline. null: it is not
 *   held at all (a duty "without undue delay" has no time to give away).
 */
export function heldUntil(pace: Pace, now: Millis, latest: Millis | null): Millis | null {
  if (latest === null || now >= latest) return null;
  let at = now;
  // Quiet hours may end into a full hour, and a full hour may end at night: a few turns find the first free moment.
  for (let turn = 0; turn < 10; turn++) {
    const before = at;
    if (pace.quiet && isWithin(pace.quiet, at)) at = endOf(pace.quiet, at) ?? latest;
    if (pace.mostPerHour !== null) {
      const inHour = pace.sent.filter((one) => one > at - HOUR && one <= at).toSorted((a, b) => a - b);
      const over = inHour.length - pace.mostPerHour;
      if (over >= 0) at = inHour[over]! + HOUR;
    }
    if (at === before) break;
  }
  const held = Math.min(at, latest);
  return held > now ? held : null;
}
