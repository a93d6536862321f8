import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { isId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { ok, type Result } from '../../kernel/result.ts';
import { iso, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { visible } from '../../platform/http/redactor.ts';
import { SetSigner } from './set-signer.service.ts';
import { UPDATED_TYPE, type SetFacts } from './set.rules.ts';
import type { Poll, Polled } from './stream.schema.ts';
import { SubscriptionRecords } from './subscription-records.service.ts';
import type { SubscriptionRow } from './subscriptions.queries.ts';

/** Milliseconds for which a poll waits for something (RFC 8936, section 2.4: long polling). */
const LONGEST_WAIT = 20 * SECOND;
const LOOK = 500;
const MOST_SETS = 200;
/** Polls that wait in this process at once; beyond it they are answered at once. */
const MOST_WAITING = 100;

/**
 * Tokens for receivers that ask (RFC 8936): what is acknowledged or refused is over, what is neither comes again. Every
 * look is a short transaction of its own; nothing is held while a poll waits.
 */
@Injectable()
export class StreamPolls {
  #waiting = 0;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly records: SubscriptionRecords,
    private readonly signer: SetSigner,
  ) {}

  async poll(id: Id, asked: Poll, by: Principal, gone: AbortSignal): Promise<Result<Polled, Refusal>> {
    const settled = await this.records.change(by, id, async (db, row) => {
      if (row.kind !== 'set-poll')
        throw new Refused(refusal('not_found', 'no-such-stream', 'There is no such stream to poll.'));
      await this.#settle(db, row, asked);
    });
    if (!settled.ok) return settled;
    const most = Math.min(asked.maxEvents ?? MOST_SETS, MOST_SETS);
    // Acknowledging alone is a poll, too (section 2.2).
    if (most === 0) return ok({ sets: {} });
    const waits = !asked.returnImmediately && this.#waiting < MOST_WAITING;
    const end = performance.now() + (waits ? LONGEST_WAIT : 0);
    this.#waiting++;
    try {
      for (;;) {
        const found = await this.#take(id, most, by);
        if (Object.keys(found.sets).length > 0 || gone.aborted || performance.now() >= end) return ok(found);
        await new Promise((resolve) => setTimeout(resolve, LOOK).unref());
      }
    } finally {
      this.#waiting--;
    }
  }

  async #settle(db: Db, row: SubscriptionRow, { ack, setErrs }: Poll): Promise<void> {
    const errors = Object.entries(setErrs).filter(([jti]) => isId(jti));
    await this.#end(db, row, ack.filter(isId), 'delivered', () => 'acknowledged');
    await this.#end(
      db,
      row,
      errors.map(([jti]) => jti),
      'failed',
      (jti) => {
        const { err, description = '' } = setErrs[jti]!;
        return visible(`${err} ${description}`).trim().slice(0, 500);
      },
    );
  }

  async #end(
    db: Db,
    row: SubscriptionRow,
    ids: readonly Id[],
    to: 'delivered' | 'failed',
    said: (id: Id) => string,
  ): Promise<void> {
    if (ids.length === 0) return;
    const at = iso(this.clock.now());
    const ended = await rowsOf<{ id: Id; attempts: number }>(
      db,
      `UPDATE subscription_delivery SET state = $3, next_at = NULL, ended_at = $4
        WHERE subscription_id = $1 AND id = ANY ($2::uuid[]) AND state = 'pending' RETURNING id, attempts`,
      [row.id, ids, to, at],
    );
    if (ended.length === 0) return;
    await db.query(
      `INSERT INTO subscription_attempt (id, subscription_id, party_id, event_id, number, outcome, peer_answer, at, ended_at)
       SELECT cs_new_id($6), $1, $2, r.id, r.number, $5, r.said, $6, $6
         FROM unnest($3::uuid[], $4::int[], $7::text[]) AS r(id, number, said)
       ON CONFLICT (subscription_id, event_id, number) DO NOTHING`,
      [
        row.id,
        row.party_id,
        ended.map(({ id }) => id),
        ended.map(({ attempts }) => attempts),
        to,
        at,
        ended.map(({ id }) => said(id)),
      ],
    );
    if (to === 'delivered')
      await db.query(`UPDATE subscription SET delivered_at = $2 WHERE id = $1`, [row.id, at]);
  }

  /** The oldest that wait. Handing them out ends nothing: only an answer does. */
  async #take(id: Id, most: number, by: Principal): Promise<Polled> {
    return this.transactions.run(system('signals', by.correlationId), async (db) => {
      const rows = await rowsOf<SetFacts>(
        db,
        `SELECT d.id, d.subscription_id AS "subscriptionId", d.type, d.txn, d.credential_id AS "credentialId", d.data,
                d.occurred_at AS "occurredAt", d.created_at AS "createdAt", s.settings
           FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
          WHERE d.subscription_id = $1 AND d.state = 'pending' AND (s.state = 'enabled' OR d.type = '${UPDATED_TYPE}') AND s.kind = 'set-poll'
          ORDER BY d.next_at, d.id LIMIT $2`,
        [id, most + 1],
      );
      const given = rows.slice(0, most);
      if (given.length > 0)
        await db.query(
          `UPDATE subscription_delivery SET attempts = attempts + 1 WHERE id = ANY ($1::uuid[])`,
          [given.map((one) => one.id)],
        );
      const sets: Record<string, string> = {};
      for (const one of given) sets[one.id] = await this.signer.token(db, one);
      return { sets, ...(rows.length > most ? { moreAvailable: true } : {}) };
    });
  }
}
