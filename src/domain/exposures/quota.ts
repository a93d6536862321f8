import { HOUR, MINUTE, type Millis } from '../../kernel/time.ts';

const STEPS = 60;

/**
 * Counts what each identity did in the last hour, by the minute. Per process and in memory: a quota keeps one reporter
 * from drowning the others, and costs no row that all of its deliveries would have to lock.
 */
export class Quota {
  readonly #counts = new Map<string, { minute: number; counts: number[] }>();

  /** @returns undefined when the amount fits and was counted, else the milliseconds after which something may fit. */
  take(key: string, amount: number, perHour: number, now: Millis): Millis | undefined {
    const minute = Math.floor(now / MINUTE);
    const known = this.#at(key, minute);
    const used = known.counts.reduce((sum, count) => sum + count, 0);
    if (used + amount > perHour) {
      const oldest = known.counts.findIndex((count) => count > 0);
      return oldest < 0 ? HOUR : (oldest + 1) * MINUTE;
    }
    known.counts[STEPS - 1]! += amount;
    return undefined;
  }

  /** Oldest minute first. */
  #at(key: string, minute: number): { minute: number; counts: number[] } {
    let known = this.#counts.get(key);
    if (!known) {
      this.#forget(minute);
      known = { minute, counts: Array<number>(STEPS).fill(0) };
      this.#counts.set(key, known);
    }
    const passed = Math.max(0, minute - known.minute);
    if (passed > 0) {
      known.counts = [...known.counts, ...Array<number>(Math.min(passed, STEPS)).fill(0)].slice(-STEPS);
      known.minute = minute;
    }
    return known;
  }

  #forget(minute: number): void {
    for (const [key, known] of this.#counts) if (minute - known.minute > STEPS) this.#counts.delete(key);
  }
}
