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
import { DeliveryRecords, type ClaimedSignal } from './delivery-records.ts';
import { MessageForms, type Message } from './message-forms.ts';
import { isUnwanted } from './set.rules.ts';
import { POOL, POOL_FOR_UNWELL, TIMEOUT, type Answer } from './signal.rules.ts';

/** Of an answer; the log keeps 500 characters. */
const MOST_BYTES = 64 * 1024;
/** Milliseconds between two looks for what became due while others are still on their way. */
const LOOK: Millis = 100;
/** Milliseconds after which a round takes nothing new: its wake-up is one job, and a job ends. */
const ROUND: Millis = 100 * SECOND;

interface OnTheWay {
  subscriptionId: Id;
  unwell: boolean;
  ended: Promise<void>;
}

/**
 * Sends what waits in the rows: as many at once as the pool holds, a few for one endpoint, and one for an endpoint that
 * failed lately. Endpoints that fail share a small part of the pool, so that however many hang, the others are served.
 */
@Injectable()
export class SignalSender {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly records: DeliveryRecords,
    private readonly forms: MessageForms,
    private readonly outbound: Outbound,
  ) {}

  /** Sends until nothing is due. Safe in several processes at once. */
  async send(by: Principal, signal: AbortSignal): Promise<void> {
    const onTheWay = new Set<OnTheWay>();
    const end = performance.now() + ROUND;
    try {
      for (;;) {
        let free = 0;
        if (!signal.aborted && performance.now() < end) free = await this.#take(by, onTheWay, signal);
        if (onTheWay.size === 0) return;
        const waits = [...onTheWay].map(({ ended }) => ended);
        // A full pool waits for an end; one with room looks again for what is new.
        await (free > 0 ? Promise.race([...waits, pause(LOOK)]) : Promise.race(waits));
      }
    } finally {
      await Promise.allSettled([...onTheWay].map(({ ended }) => ended));
    }
  }

  /** Starts what is due and has room. @returns the places left */
  async #take(by: Principal, onTheWay: Set<OnTheWay>, signal: AbortSignal): Promise<number> {
    const unwell = [...onTheWay].filter((one) => one.unwell).length;
    const busy = new Map<Id, number>();
    for (const { subscriptionId } of onTheWay) busy.set(subscriptionId, (busy.get(subscriptionId) ?? 0) + 1);
    const claimed = await this.records.claim(by, {
      well: POOL - onTheWay.size,
      unwell: Math.min(POOL_FOR_UNWELL - unwell, POOL - onTheWay.size),
      busy,
    });
    for (const one of claimed) {
      const entry: OnTheWay = {
        subscriptionId: one.subscriptionId,
        unwell: one.failures > 0,
        ended: Promise.resolve(),
      };
      entry.ended = this.#attempt(one, by, signal).finally(() => onTheWay.delete(entry));
      // Its failure is that of its row, whose lease runs out; it is thrown again where it is waited for.
      entry.ended.catch(() => undefined);
      onTheWay.add(entry);
    }
    return POOL - onTheWay.size;
  }

  async #attempt(one: ClaimedSignal, by: Principal, signal: AbortSignal): Promise<void> {
    const { answer, said } = await this.#exchange(one, by, signal);
    await this.records.record(by, one, answer, said);
  }

  async #exchange(
    one: ClaimedSignal,
    by: Principal,
    signal: AbortSignal,
  ): Promise<{ answer: Answer; said: string }> {
    let message: Message;
    try {
      message = await this.transactions.run(by, (db) => this.forms.of(db, one, this.clock.now()));
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
    return { answer: this.#answerOf(answered, one), said: saidBy(answered) };
  }

  #answerOf(answered: OutboundAnswer, one: ClaimedSignal): Answer {
    if (!answered.ok) {
      // The status came before the flood: what it says holds.
      return answered.failure === 'too_large' && answered.record.status !== null
        ? { status: answered.record.status }
        : { failure: answered.failure };
    }
    const { status, headers, body } = answered;
    if (one.kind === 'set-push' && status === 400) return { status, unwanted: isUnwanted(body) };
    return { status, retryAfter: retryAfter(headers, this.clock.now()) };
  }

  /** Gives up what waited too long, and wakes the sender where something is due. */
  async isDue(by: Principal): Promise<boolean> {
    await this.records.giveUpTheOld(by);
    const due = await this.transactions.run(by, (db) =>
      rowsOf(
        db,
        `SELECT FROM subscription s WHERE s.state = 'enabled' AND s.kind <> 'set-poll' AND (s.held_until IS NULL OR s.held_until <= $1)
            AND EXISTS (SELECT FROM subscription_delivery d WHERE d.subscription_id = s.id AND d.state = 'pending' AND d.next_at <= $1
                          AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())) LIMIT 1`,
        [new Date(this.clock.now())],
      ),
    );
    return due.length > 0;
  }
}

function saidBy(answered: OutboundAnswer): string {
  return answered.ok
    ? `${answered.status} ${answered.record.extract}`.trim().slice(0, 500)
    : answered.why.slice(0, 500);
}

export function pause(wait: Millis): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait).unref());
}
