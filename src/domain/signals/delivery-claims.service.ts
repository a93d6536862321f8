import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { UPDATED_TYPE } from './set.rules.ts';
import { FIRST_WINDOW, TIMEOUT } from './signal.rules.ts';
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

/** Milliseconds within which what was taken leaves, or is given back. */
export const LEAVES_WITHIN: Millis = 10 * 1000;
/** Milliseconds: longer than waiting for one's turn and an attempt can last. When they are over, the process is gone. */
const LEASE: Millis = 2 * TIMEOUT;

export interface Room {
  /** Messages of endpoints that are well. */
  well: number;
  /** Endpoints that failed lately: one message each. */
  unwell: number;
  /** Of endpoints that have messages in hand, or take more of them than at first: how many further ones. */
  windows: ReadonlyMap<Id, number>;
}

/** Takes messages to send out of the rows, and puts those back that did not leave. */
@Injectable()
export class DeliveryClaims {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes due messages: the attempt is a row before its first byte leaves. An attempt whose end nobody wrote down is told
   * as unknown, and the message sent again under the same id.
   */
  claim(by: Principal, room: Room): Promise<ClaimedSignal[]> {
    if (room.well <= 0 && room.unwell <= 0) return Promise.resolve([]);
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const unwell = room.unwell > 0 ? await probes(db, now, room.unwell) : [];
      const well = room.well > 0 ? await ofTheWell(db, now, room) : [];
      const last = room.well > well.length ? await farewells(db, now, room.well - well.length) : [];
      const all = [...unwell, ...well, ...last];
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

  /** Of these nothing left: they wait on, as if they had not been taken. */
  async giveBack(by: Principal, all: readonly ClaimedSignal[]): Promise<void> {
    if (all.length === 0) return;
    await this.transactions.run(by, async (db) => {
      const back = await rowsOf<{ id: Id; number: number }>(
        db,
        `UPDATE subscription_delivery d SET attempts = d.attempts - 1, lease_until = NULL
           FROM unnest($1::uuid[], $2::int[]) AS r(id, fence)
          WHERE d.id = r.id AND d.fence = r.fence AND d.state = 'pending' RETURNING d.id, d.attempts + 1 AS number`,
        [all.map(({ id }) => id), all.map(({ fence }) => fence)],
      );
      await db.query(
        `DELETE FROM subscription_attempt a USING unnest($1::uuid[], $2::int[]) AS r(id, number)
          WHERE a.event_id = r.id AND a.number = r.number AND a.outcome = 'started'`,
        [back.map(({ id }) => id), back.map(({ number }) => number)],
      );
    });
  }
}

const TAKEN = `
  SET attempts = d.attempts + 1, fence = d.fence + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond'
 FROM due JOIN subscription s ON s.id = due.sid
WHERE d.id = due.id
RETURNING d.id, d.subscription_id AS "subscriptionId", d.party_id AS "partyId", s.kind, s.url_ref AS "urlRef",
  s.auth_ref AS "authRef", s.key_refs AS "keyRefs", s.settings, d.type, d.txn, d.credential_id AS "credentialId", d.data,
  d.occurred_at AS "occurredAt", d.created_at AS "createdAt", d.attempts, d.fence, s.failures`;
const DUE = `state = 'pending' AND next_at <= $1 AND (lease_until IS NULL OR lease_until < clock_timestamp())`;
const SENDS = `s.state = 'enabled' AND s.kind <> 'set-poll' AND (s.held_until IS NULL OR s.held_until <= $1)`;

/** One message for each endpoint that failed lately and that nobody tries just now, in whatever process. */
function probes(db: Db, now: Millis, limit: number): Promise<ClaimedSignal[]> {
  return rowsOf<ClaimedSignal>(
    db,
    `WITH tried AS (
       UPDATE subscription p SET probe_until = clock_timestamp() + $2 * interval '1 millisecond'
         FROM (SELECT s.id FROM subscription s
                WHERE ${SENDS} AND s.failures > 0 AND (s.probe_until IS NULL OR s.probe_until < clock_timestamp())
                  AND EXISTS (SELECT FROM subscription_delivery WHERE subscription_id = s.id AND ${DUE})
                ORDER BY s.held_until NULLS FIRST, s.id LIMIT $3 FOR NO KEY UPDATE OF s SKIP LOCKED) u
        WHERE p.id = u.id RETURNING p.id),
     due AS (
       SELECT x.id, t.id AS sid FROM tried t CROSS JOIN LATERAL (
         SELECT id FROM subscription_delivery WHERE subscription_id = t.id AND ${DUE}
          ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) x)
     UPDATE subscription_delivery d ${TAKEN}`,
    [new Date(now), LEASE, limit],
  );
}

/** What a stream is told of its own pause or end: the one thing that is sent to it then. */
function farewells(db: Db, now: Millis, limit: number): Promise<ClaimedSignal[]> {
  return rowsOf<ClaimedSignal>(
    db,
    `WITH due AS (
       SELECT d.id, s.id AS sid FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
        WHERE d.type = '${UPDATED_TYPE}' AND d.${DUE} AND s.kind = 'set-push' AND s.state <> 'enabled' AND s.url_ref IS NOT NULL
          AND (s.held_until IS NULL OR s.held_until <= $1)
        ORDER BY d.next_at LIMIT $3 FOR UPDATE OF d SKIP LOCKED)
     UPDATE subscription_delivery d ${TAKEN}`,
    [new Date(now), LEASE, limit],
  );
}

/** The first of each endpoint before the second of any, so that none is always behind another. */
function ofTheWell(db: Db, now: Millis, { well, windows }: Room): Promise<ClaimedSignal[]> {
  return rowsOf<ClaimedSignal>(
    db,
    `WITH known AS (SELECT * FROM unnest($4::uuid[], $5::int[]) AS k(id, room)),
          due AS (
            SELECT x.id, s.id AS sid
              FROM subscription s LEFT JOIN known k ON k.id = s.id
             CROSS JOIN LATERAL (
               SELECT d.id, row_number() OVER () AS place FROM (
                 SELECT id FROM subscription_delivery
                  WHERE subscription_id = s.id AND ${DUE}
                  ORDER BY next_at, id LIMIT greatest(0, coalesce(k.room, $6)) FOR UPDATE SKIP LOCKED) d) x
             WHERE ${SENDS} AND s.failures = 0
             ORDER BY x.place, s.delivered_at NULLS FIRST LIMIT $3)
     UPDATE subscription_delivery d ${TAKEN}`,
    [new Date(now), LEASE, well, [...windows.keys()], [...windows.values()], FIRST_WINDOW],
  );
}
