import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { retryAfter } from '../../platform/http/answer-table.rules.ts';
import { Outbound, type OutboundAnswer } from '../../platform/http/outbound.ts';
import { errorText } from '../../kernel/errors.ts';
import { DeliveryClaims, LEAVES_WITHIN, type ClaimedSignal } from './delivery-claims.service.ts';
import { DeliveryRecords, type EndedSignal } from './delivery-records.ts';
import { MessageForms, type Message } from './message-forms.ts';
import { isUnwanted, UPDATED_TYPE } from './set.rules.ts';
import {
  atOnce,
  FIRST_WINDOW,
  MOST_TAKEN,
  POOL,
  POOL_FOR_UNWELL,
  TIMEOUT,
  verdictOf,
  widened,
  type Answer,
} from './signal.rules.ts';

/** Of an answer; the log keeps 500 characters. */
const MOST_BYTES = 64 * 1024;
/** Milliseconds between two looks for what became due while others are still on their way. */
const LOOK: Millis = 100;
/** Milliseconds after which a round takes nothing new: its wake-up is one job, and a job ends. */
const ROUND: Millis = 100 * SECOND;
/** Endpoints whose windows are remembered. */
const MOST_WINDOWS = 1000;

/** The messages of one endpoint that one round has in hand. */
class Lane {
  readonly waiting: ClaimedSignal[] = [];
  /** In hand: waiting, on their way, or ended and not yet written down. */
  taken = 0;
  onTheWay = 0;
  unwell = false;
  /** It answered no: whatever waits here goes back, and waits with the others. */
  refuses = false;
  takenAt = 0;
}

interface Round {
  by: Principal;
  signal: AbortSignal;
  lanes: Map<Id, Lane>;
  ended: EndedSignal[];
  /** On their way to endpoints that are well. */
  onTheWay: number;
}

/**
 * Sends what waits in the rows: as many at once as the pool holds, a few for one endpoint and more as it takes them, and
 * one for an endpoint that failed lately. Endpoints that fail have a small pool of their own, so that however many hang,
 * the others are served. What is taken, and what became of it, is written for many at once.
 */
@Injectable()
export class SignalSender {
  readonly #windows = new Map<Id, number>();
  #again = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly claims: DeliveryClaims,
    private readonly records: DeliveryRecords,
    private readonly forms: MessageForms,
    private readonly outbound: Outbound,
  ) {}

  /** Tells a running round that something is new. */
  look(): void {
    this.#again = true;
    this.#wake();
  }

  /** Sends until nothing is due. Safe in several processes at once. */
  async send(by: Principal, signal: AbortSignal): Promise<void> {
    const round: Round = { by, signal, lanes: new Map(), ended: [], onTheWay: 0 };
    // Every message on its way listens to it.
    setMaxListeners(0, signal);
    const end = performance.now() + ROUND;
    let lookedAt = -Infinity;
    for (;;) {
      await this.#write(round);
      const takes = !signal.aborted && performance.now() < end;
      if (!takes) for (const lane of round.lanes.values()) lane.refuses = true;
      const idle = round.lanes.size === 0;
      if (takes && (this.#again || idle || this.#wantsMore(round) || performance.now() - lookedAt >= LOOK)) {
        this.#again = false;
        lookedAt = performance.now();
        await this.#take(round);
      }
      await this.#giveBack(round);
      this.#start(round);
      if (round.lanes.size === 0) {
        if (idle) return;
        continue;
      }
      if (round.ended.length === 0 && !(takes && this.#again))
        await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), pause(LOOK)]);
    }
  }

  /** Half of what an endpoint may have in hand is gone: the next are fetched while the last are on their way. */
  #wantsMore({ lanes }: Round): boolean {
    for (const [id, lane] of lanes)
      if (!lane.unwell && lane.waiting.length === 0 && lane.taken <= this.#windowOf(id) / 2) return true;
    return false;
  }

  #windowOf(id: Id): number {
    return this.#windows.get(id) ?? FIRST_WINDOW;
  }

  async #take(round: Round): Promise<void> {
    const { lanes } = round;
    const windows = new Map(this.#windows);
    let [well, unwell] = [0, 0];
    for (const [id, lane] of lanes) {
      if (lane.unwell) unwell += lane.taken;
      else well += lane.taken;
      windows.set(id, lane.refuses ? 0 : this.#windowOf(id) - lane.taken);
    }
    const claimed = await this.claims.claim(round.by, {
      well: MOST_TAKEN - well,
      unwell: POOL_FOR_UNWELL - unwell,
      windows,
    });
    const takenAt = performance.now();
    for (const one of claimed) {
      const lane = lanes.get(one.subscriptionId) ?? new Lane();
      lanes.set(one.subscriptionId, lane);
      if (one.failures > 0) lane.unwell = true;
      lane.waiting.push(one);
      lane.taken += 1;
      lane.takenAt = takenAt;
    }
  }

  /** Starts what has its turn: one of each endpoint, then the next of each. */
  #start(round: Round): void {
    for (let started = true; started;) {
      started = false;
      for (const [id, lane] of round.lanes) {
        if (lane.refuses || lane.waiting.length === 0) continue;
        if (lane.onTheWay >= (lane.unwell ? 1 : atOnce(0, this.#windowOf(id)))) continue;
        if (!lane.unwell && round.onTheWay >= POOL) continue;
        if (performance.now() - lane.takenAt > LEAVES_WITHIN) {
          lane.refuses = true;
          continue;
        }
        void this.#attempt(round, id, lane, lane.waiting.shift()!);
        started = true;
      }
    }
  }

  async #attempt(round: Round, id: Id, lane: Lane, one: ClaimedSignal): Promise<void> {
    const counts = lane.unwell ? 0 : 1;
    lane.onTheWay += 1;
    round.onTheWay += counts;
    const { answer, said } = await this.#exchange(one, round.by, round.signal);
    lane.onTheWay -= 1;
    round.onTheWay -= counts;
    const verdict = verdictOf(answer);
    if (verdict === 'delivered') {
      if (this.#windows.size >= MOST_WINDOWS) this.#windows.clear();
      this.#windows.set(id, widened(this.#windowOf(id)));
    } else if (verdict !== 'refused') {
      this.#windows.delete(id);
      lane.refuses = true;
    }
    round.ended.push({ one, answer, said });
    this.#start(round);
    this.#wake();
  }

  /** Writes down what ended. Where that fails, the leases run out and the messages are sent again under the same ids. */
  async #write(round: Round): Promise<void> {
    const ended = round.ended.splice(0);
    try {
      await this.records.record(round.by, ended);
    } finally {
      for (const { one } of ended) this.#untake(round, one.subscriptionId, 1);
    }
  }

  async #giveBack(round: Round): Promise<void> {
    const back: ClaimedSignal[] = [];
    for (const [id, lane] of round.lanes) {
      if (!lane.refuses || lane.waiting.length === 0) continue;
      const waiting = lane.waiting.splice(0);
      back.push(...waiting);
      this.#untake(round, id, waiting.length);
    }
    await this.claims.giveBack(round.by, back);
  }

  #untake(round: Round, id: Id, number: number): void {
    const lane = round.lanes.get(id);
    if (!lane) return;
    lane.taken -= number;
    if (lane.taken === 0) round.lanes.delete(id);
  }

  async #exchange(
    one: ClaimedSignal,
    by: Principal,
    signal: AbortSignal,
  ): Promise<{ answer: Answer; said: string }> {
    let message: Message;
    try {
      message = await this.forms.of(one, by, this.clock.now());
    } catch (thrown) {
      // A key or address that cannot be opened: ours to mend, and tried again like any failure.
      return {
        answer: { failure: 'not_made' },
        said: `the message could not be made (${errorText(thrown)})`,
      };
    }
    const answered = await this.outbound.request({
      method: 'POST',
      url: message.url,
      headers: message.headers,
      body: message.body,
      timeout: TIMEOUT,
      maxBytes: MOST_BYTES,
      signal,
      secrets: message.secrets,
    });
    return { answer: answerOf(answered, one.kind === 'set-push', this.clock.now()), said: saidBy(answered) };
  }

  /** Gives up what waited too long, and wakes the sender where something is due. */
  async isDue(by: Principal): Promise<boolean> {
    await this.records.giveUpTheOld(by);
    const due = await this.transactions.run(by, (db) =>
      rowsOf(
        db,
        `SELECT FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
          WHERE d.state = 'pending' AND d.type = '${UPDATED_TYPE}' AND d.next_at <= $1 AND s.kind = 'set-push' AND s.state <> 'enabled'
         UNION ALL
         SELECT FROM subscription s WHERE s.state = 'enabled' AND s.kind <> 'set-poll' AND (s.held_until IS NULL OR s.held_until <= $1)
            AND EXISTS (SELECT FROM subscription_delivery d WHERE d.subscription_id = s.id AND d.state = 'pending' AND d.next_at <= $1
                          AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())) LIMIT 1`,
        [new Date(this.clock.now())],
      ),
    );
    return due.length > 0;
  }
}

/** What an exchange says of the message and of the endpoint. */
export function answerOf(answered: OutboundAnswer, isToken: boolean, now: Millis): Answer {
  if (!answered.ok) {
    // The status came before the flood: what it says holds.
    return answered.failure === 'too_large' && answered.record.status !== null
      ? { status: answered.record.status }
      : { failure: answered.failure };
  }
  const { status, headers, body } = answered;
  if (isToken && status === 400) return { status, unwanted: isUnwanted(body) };
  return { status, retryAfter: retryAfter(headers, now) };
}

function saidBy(answered: OutboundAnswer): string {
  return answered.ok
    ? `${answered.status} ${answered.record.extract}`.trim().slice(0, 500)
    : answered.why.slice(0, 500);
}

export function pause(wait: Millis): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait).unref());
}
