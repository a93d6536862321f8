import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import {
  healthAfter,
  MOST_AGE,
  nextAttemptAt,
  PER_ENDPOINT,
  TIMEOUT,
  verdictOf,
  type Answer,
} from './signal.rules.ts';
import { endpointChanged } from './signals.events.ts';
import type { KeyRef } from './subscription-secrets.ts';
import type { SubscriptionKind } from './subscription.schema.ts';

/** A message in the hands of one process. */
export interface ClaimedSignal {
  id: Id;
  subscriptionId: Id;
  partyId: Id;
  kind: SubscriptionKind;
  urlRef: string;
  authRef: string | null;
  keyRefs: KeyRef[];
  settings: Record<string, unknown>;
  type: string;
  txn: Id;
  credentialId: Id | null;
  data: Record<string, unknown>;
  occurredAt: Date;
  createdAt: Date;
  attempts: number;
  fence: number;
  /** Of the endpoint, in a row, when it was taken. */
  failures: number;
}

/** Milliseconds: longer than one attempt can last. When they are over, the process that made it is gone. */
const LEASE: Millis = 2 * TIMEOUT;
/** Failures in a row from which somebody of the operator should know. */
const FAILING_FROM = 5;

/** What takes messages to send out of the rows, and writes what became of them. */
@Injectable()
export class DeliveryRecords {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Takes due messages: the attempt is a row before its first byte leaves. An attempt whose end nobody wrote down is told
   * as unknown, and the message sent again under the same id.
   */
  claim(
    by: Principal,
    room: { well: number; unwell: number; busy: ReadonlyMap<Id, number> },
  ): Promise<ClaimedSignal[]> {
    if (room.well <= 0) return Promise.resolve([]);
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const unwell = room.unwell > 0 ? await claimed(db, room.busy, now, false, room.unwell) : [];
      const left = room.well - unwell.length;
      const well = left > 0 ? await claimed(db, room.busy, now, true, left) : [];
      const all = [...well, ...unwell];
      if (all.length === 0) return all;
      await db.query(
        `UPDATE subscription_attempt SET outcome = 'unknown', ended_at = $2, peer_answer = 'no answer was recorded: the sender stopped'
          WHERE event_id = ANY ($1::uuid[]) AND outcome = 'started'`,
        [all.map(({ id }) => id), iso(now)],
      );
      await db.query(
        `INSERT INTO subscription_attempt (id, subscription_id, party_id, event_id, number, outcome, at)
         SELECT cs_new_id($5), r.subscription_id, r.party_id, r.event_id, r.number, 'started', $5
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) AS r(subscription_id, party_id, event_id, number)`,
        [
          all.map(({ subscriptionId }) => subscriptionId),
          all.map(({ partyId }) => partyId),
          all.map(({ id }) => id),
          all.map(({ attempts }) => attempts),
          iso(now),
        ],
      );
      return all;
    });
  }

  /** What became of an attempt: for the message, and for its endpoint. */
  async record(by: Principal, one: ClaimedSignal, answer: Answer, said: string): Promise<void> {
    const now = this.clock.now();
    const random = Math.random();
    const verdict = verdictOf(answer);
    const asked = ('retryAfter' in answer ? answer.retryAfter : undefined) ?? 0;
    const done = verdict === 'delivered';
    const next =
      done || verdict === 'refused'
        ? null
        : nextAttemptAt(one.attempts, now, random, verdict === 'busy' ? asked : 0);
    await this.transactions.run(by, async (db) => {
      // Held first, in a statement of its own: several answers of one endpoint come at once.
      await db.query(`SELECT FROM subscription WHERE id = $1 FOR NO KEY UPDATE`, [one.subscriptionId]);
      await db.query(
        `UPDATE subscription_attempt SET outcome = $4, status = $5, peer_answer = $6, ended_at = $7, next_at = $8
          WHERE subscription_id = $1 AND event_id = $2 AND number = $3`,
        [
          one.subscriptionId,
          one.id,
          one.attempts,
          done ? 'delivered' : 'failed',
          'status' in answer ? answer.status : null,
          said,
          iso(now),
          next === null ? null : iso(next),
        ],
      );
      // Taken over meanwhile: an acceptance counts all the same; anything else belongs to the newer attempt then.
      await db.query(
        `UPDATE subscription_delivery SET lease_until = NULL, state = $4::text, next_at = $5,
                ended_at = CASE WHEN $4::text = 'pending' THEN NULL ELSE $6::timestamptz END
          WHERE id = $1 AND state = 'pending' AND (fence = $2 OR $3)`,
        [
          one.id,
          one.fence,
          done,
          done ? 'delivered' : next === null ? 'failed' : 'pending',
          next === null ? null : iso(next),
          iso(now),
        ],
      );
      await this.#health(db, by, one, verdict, { now, random, asked });
      if (next === null && !done)
        await this.outbox.put(db, endpointChanged, {
          subscriptionId: one.subscriptionId,
          to: 'given_up',
          why: 'a message was given up',
        });
    });
  }

  async #health(
    db: Db,
    by: Principal,
    one: ClaimedSignal,
    verdict: Parameters<typeof healthAfter>[1],
    { now, random, asked }: { now: Millis; random: number; asked: Millis },
  ): Promise<void> {
    const [before] = await rowsOf<{
      state: string;
      failures: number;
      failing_since: Date | null;
      held_until: Date | null;
    }>(db, `SELECT state, failures, failing_since, held_until FROM subscription WHERE id = $1`, [
      one.subscriptionId,
    ]);
    if (!before) return;
    const health = healthAfter(
      {
        failures: before.failures,
        failingSince: before.failing_since?.getTime() ?? null,
        heldUntil: before.held_until?.getTime() ?? null,
      },
      verdict,
      now,
      random,
      asked,
    );
    const disables = health.disabled !== null && before.state === 'enabled';
    await db.query(
      `UPDATE subscription SET failures = $2, failing_since = $3, held_until = $4,
              delivered_at = CASE WHEN $5 THEN $6 ELSE delivered_at END,
              state = CASE WHEN $7 THEN 'disabled' ELSE state END,
              state_why = CASE WHEN $7 THEN $8 ELSE state_why END,
              row_version = row_version + CASE WHEN $7 THEN 1 ELSE 0 END, updated_at = CASE WHEN $7 THEN $6 ELSE updated_at END
        WHERE id = $1`,
      [
        one.subscriptionId,
        health.failures,
        health.failingSince === null ? null : iso(health.failingSince),
        health.heldUntil === null ? null : iso(health.heldUntil),
        verdict === 'delivered',
        iso(now),
        disables,
        health.disabled ?? '',
      ],
    );
    const told = (to: 'disabled' | 'failing' | 'well', why: string) =>
      this.outbox.put(db, endpointChanged, { subscriptionId: one.subscriptionId, to, why });
    if (disables) {
      await this.ledger.append(db, {
        kind: 'subscription.disabled',
        subject: { kind: 'subscription', id: one.subscriptionId },
        by,
        at: now,
        facts: { partyId: one.partyId, why: health.disabled! },
      });
      await told('disabled', health.disabled!);
    } else if (health.failures === FAILING_FROM && before.failures < FAILING_FROM) {
      await told('failing', `${FAILING_FROM} attempts in a row failed`);
    } else if (health.failures === 0 && before.failures >= FAILING_FROM) {
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

/** Endpoints in the order in which they were served last, so that none is always behind another. */
async function claimed(
  db: Db,
  busy: ReadonlyMap<Id, number>,
  now: Millis,
  well: boolean,
  limit: number,
): Promise<ClaimedSignal[]> {
  return rowsOf<ClaimedSignal>(
    db,
    `WITH busy AS (SELECT * FROM unnest($3::uuid[], $4::int[]) AS b(id, number)),
          due AS (
            SELECT x.id, s.id AS sid
              FROM subscription s LEFT JOIN busy b ON b.id = s.id
             CROSS JOIN LATERAL (
               SELECT d.id, row_number() OVER () AS place FROM (
                 SELECT id FROM subscription_delivery
                  WHERE subscription_id = s.id AND state = 'pending' AND next_at <= $1
                    AND (lease_until IS NULL OR lease_until < clock_timestamp())
                  ORDER BY next_at, id LIMIT greatest(0, $5 - coalesce(b.number, 0)) FOR UPDATE SKIP LOCKED) d) x
             WHERE s.state = 'enabled' AND s.kind <> 'set-poll' AND (s.failures = 0) = $6
               AND (s.held_until IS NULL OR s.held_until <= $1)
             ORDER BY x.place, s.delivered_at NULLS FIRST LIMIT $2)
     UPDATE subscription_delivery d
        SET attempts = d.attempts + 1, fence = d.fence + 1, lease_until = clock_timestamp() + $7 * interval '1 millisecond'
       FROM due JOIN subscription s ON s.id = due.sid
      WHERE d.id = due.id
      RETURNING d.id, d.subscription_id AS "subscriptionId", d.party_id AS "partyId", s.kind, s.url_ref AS "urlRef",
        s.auth_ref AS "authRef", s.key_refs AS "keyRefs", s.settings, d.type, d.txn, d.credential_id AS "credentialId", d.data,
        d.occurred_at AS "occurredAt", d.created_at AS "createdAt", d.attempts, d.fence, s.failures`,
    [new Date(now), limit, [...busy.keys()], [...busy.values()], well ? PER_ENDPOINT : 1, well, LEASE],
  );
}
