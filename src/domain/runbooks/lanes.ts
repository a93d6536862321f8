import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { laneRoom, MOST_IN_HAND } from './lane-room.rules.ts';
import { bookSlots, holdLanes, limitedLanes, type LaneRow } from './leases.queries.ts';
import { NO_LANE } from './planning.queries.ts';
import { claimReady, readyLanes, type Claimed } from './runs.queries.ts';
import { SUSPECTS } from './step.rules.ts';
import type { Turns } from './turns.ts';

/** Steps of one lane that a process runs at once where the supplier stated no limit. */
const LANE_WIDTH = 32;
/** The same for steps without a lane, and for one claim of them. */
const PLAIN_WIDTH = 1000;
const PLAIN_CLAIM = 500;
/** How far ahead starts are booked in a lane with a rate. */
const HORIZON: Millis = 300;
/** A rate is kept a little below its limit, so that the jitter of timers cannot push a second over it. */
const CARE = 0.97;

const FRESH: Millis = 200;

export interface Taken {
  claimed: Claimed;
  /** Milliseconds until it may start: the pace of its lane. */
  delay: Millis;
}

/** Which steps this process may take: a width for each lane, so that one hanging supplier holds only its own. */
export class Lanes {
  readonly #inHand = new Map<string, number>();
  #total = 0;
  #ready: string[] = [];
  #readyAt = -Infinity;
  #limited = new Set<string>();
  #limitedAt = -Infinity;
  /** Lanes whose limits, or their absence, the last look has shown. */
  #seen = new Set<string>();
  /** Lanes whose limit left ready steps behind: what ends in one of them makes room for the next. */
  readonly #atLimit = new Set<string>();
  #turn = 0;
  #full = false;

  constructor(private readonly turns: Turns) {}

  get inHand(): number {
    return this.#total;
  }

  free(lane: string): void {
    this.#full = false;
    this.#count(lane, -1);
  }

  /** Whether steps wait in this lane for another one to end. */
  waitsIn(lane: string): boolean {
    return this.#atLimit.has(lane);
  }

  #count(lane: string, by: number): void {
    this.#total += by;
    const now = (this.#inHand.get(lane) ?? 0) + by;
    if (now > 0) this.#inHand.set(lane, now);
    else this.#inHand.delete(lane);
  }

  /** Whether a claim could take anything: false while every lane that has ready steps is full. */
  get room(): boolean {
    return !this.#full && this.#total < MOST_IN_HAND;
  }

  /** The lanes must be looked at anew: something became ready. */
  stale(): void {
    this.#readyAt = -Infinity;
    this.#full = false;
  }

  /**
   * Claims within every lane's limits.
   * @returns what was taken; `more`: there may be more to take at once; `pause`: a lane's pace allows more after so long
   */
  async claim(
    db: Db,
    worker: string,
    now: Millis,
  ): Promise<{ taken: Taken[]; more: boolean; pause: Millis | undefined }> {
    await this.#look(db);
    const quotas = this.#quotas();
    if (quotas.length === 0) {
      this.#full = this.#ready.length > 0;
      return { taken: [], more: this.#full, pause: undefined };
    }
    const running = new Map(this.#inHand);
    // Reserved while the query runs, as another claim may run beside it.
    for (const { lane, quota } of quotas) this.#count(lane, quota);
    const got = new Map<string, number>();
    let taken: Taken[] = [];
    let pause: Millis | undefined;
    try {
      const paced = await holdLanes(
        db,
        quotas.map((q) => q.lane).filter((lane) => this.#limited.has(lane)),
        worker,
      );
      const wanted: { lane: string; quota: number; first: Millis; spacing: Millis }[] = [];
      for (const { lane, quota } of quotas) {
        if (!this.#limited.has(lane)) {
          wanted.push({ lane, quota, first: 0, spacing: 0 });
          continue;
        }
        const row = paced.find((one) => one.key === lane);
        if (!row) continue; // a peer is claiming in it, or its limits were just removed
        const spacing = row.perSecond === null ? 0 : 1000 / (row.perSecond * CARE);
        const first = Math.max(0, row.wait);
        const slots = spacing === 0 ? quota : Math.max(0, Math.floor((HORIZON - first) / spacing) + 1);
        const room = this.#roomIn(row, running.get(lane) ?? 0);
        const allowed = Math.min(quota, slots, room);
        if (room < quota) this.#atLimit.add(lane);
        else this.#atLimit.delete(lane);
        if (allowed > 0) wanted.push({ lane, quota: allowed, first, spacing });
        if (slots < quota) pause = Math.min(pause ?? HORIZON, Math.max(first - HORIZON / 2, 20));
      }
      const claimed = wanted.length > 0 ? await claimReady(db, wanted, worker, now) : [];
      // RETURNING has no order; within a lane the riskiest start first.
      claimed.sort((a, b) => (b.item?.priority ?? 500) - (a.item?.priority ?? 500) || (a.id < b.id ? -1 : 1));
      taken = claimed.map((step) => {
        const nth = got.get(step.lane) ?? 0;
        got.set(step.lane, nth + 1);
        const lane = wanted.find((one) => one.lane === step.lane);
        return { claimed: step, delay: lane && lane.spacing > 0 ? lane.first + nth * lane.spacing : 0 };
      });
      await bookSlots(
        db,
        wanted
          .filter((one) => one.spacing > 0 && got.has(one.lane))
          .map((one) => ({ key: one.lane, next: one.first + got.get(one.lane)! * one.spacing })),
      );
      for (const { lane, quota } of wanted) if ((got.get(lane) ?? 0) < quota) this.#atLimit.delete(lane);
      // A lane that gave all it was asked for may have more. What its limit holds back comes when something of it ends.
      const more =
        wanted.some(
          (one) => got.get(one.lane) === one.quota && one.spacing === 0 && !this.#atLimit.has(one.lane),
        ) || quotas.length < this.#ready.length;
      if (!more && taken.length === 0) this.stale();
      return { taken, more, pause };
    } finally {
      for (const { lane, quota } of quotas) this.#count(lane, (got.get(lane) ?? 0) - quota);
    }
  }

  /**
   * How many steps may be claimed in a lane. Where only this process works in it more than may run at once, as each waits
   * here for its turn; else no more than may run over all processes. So either way no more have a turn than the lane
   * allows, and a process that has many in hand keeps the lane until it has worked them off.
   */
  #roomIn({ key, concurrency, perSecond, others }: LaneRow, ours: number): number {
    this.turns.limit(key, concurrency);
    if (concurrency === null) return Infinity;
    const depth = others === 0 && perSecond === null ? this.turns.depth(key) : 1;
    return laneRoom({ concurrency, depth, running: ours + others, lanes: this.#ready.length });
  }

  /** A claim whose transaction failed took nothing. */
  undo(taken: readonly Taken[]): void {
    for (const { claimed } of taken) this.free(claimed.lane);
  }

  async #look(db: Db): Promise<void> {
    const at = performance.now();
    if (at - this.#readyAt > FRESH) {
      this.#ready = await readyLanes(db);
      this.#readyAt = at;
    }
    // A lane that nobody has looked at yet may have limits from its first step on.
    if (at - this.#limitedAt > 5 * FRESH || this.#ready.some((lane) => !this.#seen.has(lane))) {
      const limited = await limitedLanes(db);
      for (const lane of this.#limited) if (!limited.has(lane)) this.turns.limit(lane, null);
      this.#limited = limited;
      this.#limitedAt = at;
      this.#seen = new Set(this.#ready);
    }
  }

  /** Shares the room out, beginning with another lane each time. */
  #quotas(): { lane: string; quota: number }[] {
    const quotas: { lane: string; quota: number }[] = [];
    let left = MOST_IN_HAND - this.#total;
    this.#turn += 1;
    for (let i = 0; i < this.#ready.length && left > 0; i++) {
      const lane = this.#ready[(i + this.#turn) % this.#ready.length]!;
      const held = this.#inHand.get(lane) ?? 0;
      const width = lane === NO_LANE ? PLAIN_WIDTH : lane === SUSPECTS ? 1 : LANE_WIDTH;
      const most = this.#limited.has(lane)
        ? 4 * LANE_WIDTH
        : lane === NO_LANE
          ? Math.min(PLAIN_CLAIM, width - held)
          : width - held;
      const quota = Math.min(most, left);
      if (quota <= 0) continue;
      quotas.push({ lane, quota });
      left -= quota;
    }
    return quotas;
  }
}
