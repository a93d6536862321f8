import { SECOND, type Millis } from '../../kernel/time.ts';

/** How long what waits in a lane may take to be worked off, so that no step that was claimed waits for long. */
const AHEAD: Millis = 3 * SECOND;
/** Steps in hand for each that a lane lets run at once. */
const DEEPEST = 32;
/** How much the last call counts in what a call takes. */
const LEARNING = 0.1;

interface Waiting {
  go: (release: () => void) => void;
}

/**
 * The turns of one process in the lanes that have a limit: as many hold one at once as the lane allows. A step needs one
 * while it calls, and none while it reads what the call needs or its result is written, so that a lane is never idle while
 * there is something to do in it.
 */
export class Turns {
  readonly #lanes = new Map<string, Lane>();

  /** @param most  how many may hold a turn at once; null: any number */
  limit(lane: string, most: number | null): void {
    const known = this.#lanes.get(lane);
    if (most === null) {
      if (known) known.most = Infinity;
      known?.serve();
    } else if (known) {
      known.most = most;
      known.serve();
    } else {
      this.#lanes.set(lane, new Lane(most));
    }
  }

  /** How many steps of a lane are worth having in hand for each that may run: more where calls are short. */
  depth(lane: string): number {
    return this.#lanes.get(lane)?.depth() ?? 1;
  }

  /** Whether a lane with a limit has somebody to go on with: it is not idle while a result waits to be written. */
  goesOn(lane: string): boolean {
    return (this.#lanes.get(lane)?.waiting ?? 0) > 0;
  }

  /** @returns what gives the turn back; undefined: there is none just now */
  tryTake(lane: string): (() => void) | undefined {
    const known = this.#lanes.get(lane);
    return known ? known.tryTake() : () => undefined;
  }

  /** Waits for a turn. @throws the signal's reason when it is cut first */
  async take(lane: string, signal: AbortSignal): Promise<() => void> {
    const known = this.#lanes.get(lane);
    const at = this.tryTake(lane);
    if (at || !known) return at ?? (() => undefined);
    return known.wait(signal);
  }
}

class Lane {
  readonly #held = new Set<{ since: number }>();
  readonly #waiting = new Set<Waiting>();
  /** What a call takes, as the last ones have shown; undefined: none has ended yet. */
  #takes: Millis | undefined;

  constructor(public most: number) {}

  get waiting(): number {
    return this.#waiting.size;
  }

  tryTake(): (() => void) | undefined {
    if (this.#held.size >= this.most || this.#waiting.size > 0) return undefined;
    return this.#hold();
  }

  wait(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const cut = () => {
        this.#waiting.delete(mine);
        reject(signal.reason as Error);
      };
      const mine: Waiting = {
        go: (release) => {
          signal.removeEventListener('abort', cut);
          resolve(release);
        },
      };
      signal.addEventListener('abort', cut, { once: true });
      this.#waiting.add(mine);
    });
  }

  /** Gives turns to whoever waits for the longest. */
  serve(): void {
    for (const next of this.#waiting) {
      if (this.#held.size >= this.most) return;
      this.#waiting.delete(next);
      next.go(this.#hold());
    }
  }

  depth(): number {
    const [oldest] = this.#held;
    // One that hangs has said nothing yet, and says enough.
    const hangs = oldest ? performance.now() - oldest.since : 0;
    const takes = Math.max(this.#takes ?? AHEAD, hangs);
    return Math.min(DEEPEST, Math.max(1, Math.floor(AHEAD / takes)));
  }

  #hold(): () => void {
    const mine = { since: performance.now() };
    this.#held.add(mine);
    return () => {
      if (!this.#held.delete(mine)) return;
      const took = performance.now() - mine.since;
      this.#takes = this.#takes === undefined ? took : this.#takes + LEARNING * (took - this.#takes);
      this.serve();
    };
  }
}
