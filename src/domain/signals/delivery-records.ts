import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { ClaimedSignal } from './delivery-claims.service.ts';
import { healthAfter, MOST_AGE, nextAttemptAt, verdictOf, type Answer, type Health } from './signal.rules.ts';
import { UPDATED_TYPE } from './set.rules.ts';
import { endpointChanged } from './signals.events.ts';
import type { SubscriptionKind } from './subscription.schema.ts';

/** Failures in a row from which somebody of the operator should know. */
const FAILING_FROM = 5;

/** What became of one attempt. */
export interface EndedSignal {
  one: ClaimedSignal;
  answer: Answer;
  /** What the peer said, masked and cut. */
  said: string;
}

/** What an endpoint answered, whatever it was sent. */
export interface Heard {
  subscriptionId: Id;
  partyId: Id;
  answer: Answer;
}

interface Changed extends Health {
  id: Id;
  partyId: Id;
  delivered: boolean;
  /** It was enabled, and is no more. */
  disables: boolean;
  before: number;
  kind: SubscriptionKind;
  gone: boolean;
}

/** Writes what became of messages that were sent: of those that ended in one moment in one transaction. */
@Injectable()
export class DeliveryRecords {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly ledger: LedgerService,
  ) {}

  /** What became of attempts: for the messages, and for their endpoints. */
  async record(by: Principal, ended: readonly EndedSignal[]): Promise<void> {
    if (ended.length === 0) return;
    const now = this.clock.now();
    const rows = ended.map(({ one, answer, said }) => {
      const verdict = verdictOf(answer);
      const done = verdict === 'delivered';
      const next =
        done || verdict === 'refused'
          ? null
          : nextAttemptAt(one.attempts, now, Math.random(), verdict === 'busy' ? askedBy(answer) : 0);
      return { one, answer, said, done, next };
    });
    await this.transactions.run(by, async (db) => {
      await this.hear(
        db,
        by,
        ended.map(({ one, answer }) => ({ ...one, answer })),
        now,
      );
      await db.query(
        `UPDATE subscription_attempt a SET outcome = CASE WHEN r.done THEN 'delivered' ELSE 'failed' END, status = r.status,
                peer_answer = r.said, ended_at = $7, next_at = r.next
           FROM unnest($1::uuid[], $2::int[], $3::boolean[], $4::int[], $5::text[], $6::timestamptz[]) AS r(id, number, done, status, said, next)
          WHERE a.event_id = r.id AND a.number = r.number`,
        [
          rows.map(({ one }) => one.id),
          rows.map(({ one }) => one.attempts),
          rows.map(({ done }) => done),
          rows.map(({ answer }) => ('status' in answer ? answer.status : null)),
          rows.map(({ said }) => said),
          rows.map(({ next }) => (next === null ? null : iso(next))),
          iso(now),
        ],
      );
      // Taken over meanwhile: an acceptance counts all the same; anything else belongs to the newer attempt then.
      await db.query(
        `UPDATE subscription_delivery d SET lease_until = NULL, next_at = r.next,
                state = CASE WHEN r.done THEN 'delivered' WHEN r.next IS NULL THEN 'failed' ELSE 'pending' END,
                ended_at = CASE WHEN r.done OR r.next IS NULL THEN $5::timestamptz END
           FROM unnest($1::uuid[], $2::int[], $3::boolean[], $4::timestamptz[]) AS r(id, fence, done, next)
          WHERE d.id = r.id AND d.state = 'pending' AND (d.fence = r.fence OR r.done)`,
        [
          rows.map(({ one }) => one.id),
          rows.map(({ one }) => one.fence),
          rows.map(({ done }) => done),
          rows.map(({ next }) => (next === null ? null : iso(next))),
          iso(now),
        ],
      );
      const givenUp = new Set(
        rows.filter(({ done, next }) => !done && next === null).map(({ one }) => one.subscriptionId),
      );
      for (const subscriptionId of givenUp)
        await this.outbox.put(db, endpointChanged, {
          subscriptionId,
          to: 'given_up',
          why: 'a message was given up',
        });
    });
  }

  /** What answers say of their endpoints, in the order in which they came. */
  async hear(db: Db, by: Principal, heard: readonly Heard[], now: Millis): Promise<void> {
    // Held in a statement of its own, in the order of their ids: answers of one endpoint come to several processes at once.
    const before = await rowsOf<{
      id: Id;
      state: string;
      kind: SubscriptionKind;
      failures: number;
      failing_since: Date | null;
      held_until: Date | null;
    }>(
      db,
      `SELECT id, state, kind, failures, failing_since, held_until FROM subscription WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`,
      [[...new Set(heard.map(({ subscriptionId }) => subscriptionId))]],
    );
    const changed = before.map((row): Changed => {
      let health: Health = {
        failures: row.failures,
        failingSince: row.failing_since?.getTime() ?? null,
        heldUntil: row.held_until?.getTime() ?? null,
        disabled: null,
      };
      let [delivered, gone] = [false, false];
      const mine = heard.filter(({ subscriptionId }) => subscriptionId === row.id);
      for (const { answer } of mine) {
        const verdict = verdictOf(answer);
        const { disabled } = health;
        health = healthAfter(health, verdict, now, Math.random(), askedBy(answer));
        health.disabled ??= disabled;
        delivered ||= verdict === 'delivered';
        gone ||= verdict === 'gone';
      }
      const disables = health.disabled !== null && row.state === 'enabled';
      const { id, kind, failures } = row;
      return { ...health, id, kind, partyId: mine[0]!.partyId, delivered, disables, gone, before: failures };
    });
    await db.query(
      `UPDATE subscription s SET failures = r.failures, failing_since = r.since, held_until = r.held, probe_until = NULL,
              delivered_at = CASE WHEN r.delivered THEN $8 ELSE s.delivered_at END,
              state = CASE WHEN r.disables THEN 'disabled' ELSE s.state END,
              state_why = CASE WHEN r.disables THEN r.why ELSE s.state_why END,
              row_version = s.row_version + CASE WHEN r.disables THEN 1 ELSE 0 END,
              updated_at = CASE WHEN r.disables THEN $8 ELSE s.updated_at END
         FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::boolean[], $7::text[])
           AS r(id, failures, since, held, delivered, disables, why)
        WHERE s.id = r.id`,
      [
        changed.map(({ id }) => id),
        changed.map(({ failures }) => failures),
        changed.map(({ failingSince }) => (failingSince === null ? null : iso(failingSince))),
        changed.map(({ heldUntil }) => (heldUntil === null ? null : iso(heldUntil))),
        changed.map(({ delivered }) => delivered),
        changed.map(({ disables }) => disables),
        changed.map(({ disabled }) => disabled ?? ''),
        iso(now),
      ],
    );
    for (const one of changed) await this.#tell(db, by, one, now);
  }

  async #tell(db: Db, by: Principal, one: Changed, now: Millis): Promise<void> {
    const told = (to: 'disabled' | 'failing' | 'well', why: string) =>
      this.outbox.put(db, endpointChanged, { subscriptionId: one.id, to, why });
    if (one.disables) {
      await this.ledger.append(db, {
        kind: 'subscription.disabled',
        subject: { kind: 'subscription', id: one.id },
        by,
        at: now,
        facts: { partyId: one.partyId, why: one.disabled! },
      });
      await told('disabled', one.disabled!);
      // It asked for nothing more: not even for that.
      if (one.kind === 'set-push' && !one.gone)
        await db.query(
          `INSERT INTO subscription_delivery (id, subscription_id, party_id, type, txn, data, occurred_at, created_at, next_at)
           VALUES ($1, $2, $3, $4, $1, $5, $6, $6, $6)`,
          [
            newId(),
            one.id,
            one.partyId,
            UPDATED_TYPE,
            JSON.stringify({ status: 'disabled', reason: one.disabled }),
            iso(now),
          ],
        );
    } else if (one.failures >= FAILING_FROM && one.before < FAILING_FROM) {
      await told('failing', `${FAILING_FROM} attempts in a row failed`);
    } else if (one.failures === 0 && one.before >= FAILING_FROM) {
      await told('well', 'it takes messages again');
    }
  }

  /** What waited longer than the whole schedule lasts, behind an endpoint that takes nothing or a receiver that never asks. */
  async giveUpTheOld(by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      const old = await rowsOf<{ subscription_id: Id }>(
        db,
        `UPDATE subscription_delivery d SET state = 'failed', next_at = NULL, ended_at = $1
           FROM (SELECT id FROM subscription_delivery
                  WHERE state = 'pending' AND created_at < $2 AND next_at < $3
                    AND (lease_until IS NULL OR lease_until < clock_timestamp())
                  ORDER BY created_at LIMIT 5000 FOR UPDATE SKIP LOCKED) o
          WHERE d.id = o.id RETURNING d.subscription_id`,
        [iso(now), iso(now - MOST_AGE), iso(now - 60 * SECOND)],
      );
      const counts = new Map<Id, number>();
      for (const { subscription_id: id } of old) counts.set(id, (counts.get(id) ?? 0) + 1);
      for (const [subscriptionId, number] of counts) {
        const why = number === 1 ? 'a message was given up' : `${number} messages were given up`;
        await this.outbox.put(db, endpointChanged, { subscriptionId, to: 'given_up', why });
      }
    });
  }
}

/** Milliseconds that the peer asks to be left alone. */
function askedBy(answer: Answer): Millis {
  return ('retryAfter' in answer ? answer.retryAfter : undefined) ?? 0;
}
