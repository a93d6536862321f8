import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from './alerts.service.ts';
import { DeliveryService } from './delivery.service.ts';
import { deliverNotice } from './deliver-notice.job.ts';

/** A notice that has not arrived, and why. */
export interface StuckNotice {
  id: Id;
  reference: string;
  partyName: string;
  /** `failed`: nobody is left to try; `bounced`: it came back; `stalled`: due to be tried, and nobody does; `retrying`. */
  how: 'failed' | 'bounced' | 'stalled' | 'retrying';
  lastAnswer: string | null;
  attempts: number;
  dueAt: Millis | null;
  nextAttemptAt: Millis | null;
}

/** An attempt this long overdue is made by nobody: the processes that deliver are gone, or hang. */
const STALLED_AFTER = 2 * MINUTE;

/** Everything owed that did not arrive, the most urgent first. */
export function stuckNotices(db: Db, now: Millis, limit: number): Promise<StuckNotice[]> {
  return db.query(
    `SELECT n.id, n.reference, coalesce(p.name, '') AS "partyName", n.attempts,
            CASE WHEN n.dispatch = 'failed' THEN 'failed' WHEN n.next_attempt_at < $2 THEN 'stalled'
                 WHEN n.receipt = 'bounced' THEN 'bounced' ELSE 'retrying' END AS how,
            (SELECT coalesce(a.bounce, a.peer_answer) FROM notice_attempt a WHERE a.notice_id = n.id ORDER BY a.number DESC LIMIT 1) AS "lastAnswer",
            (extract(epoch FROM n.due_at) * 1000)::float8 AS "dueAt",
            (extract(epoch FROM n.next_attempt_at) * 1000)::float8 AS "nextAttemptAt"
       FROM notice n LEFT JOIN party p ON p.id = n.party_id
      WHERE n.obligation = 'required'
        AND (n.dispatch = 'failed'
             OR (n.dispatch IN ('owed', 'attempting')
                 AND (n.receipt = 'bounced' OR n.next_attempt_at < $2
                      OR EXISTS (SELECT FROM notice_attempt a WHERE a.notice_id = n.id AND a.outcome IN ('refused', 'retry', 'unknown')))))
      ORDER BY n.due_at NULLS LAST, n.id LIMIT $1`,
    [limit, iso(now - STALLED_AFTER)],
  );
}

/** What a person does about notices that have not arrived. */
@Injectable()
export class StuckNotices {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly outbox: Outbox,
    private readonly delivery: DeliveryService,
  ) {}

  /** Has it tried at once: after a contact was mended, or a mail server. */
  async retry(noticeId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const [notice] = await db.query<
        { reference: string; dispatch: string; obligation: string; trail: string }[]
      >(
        `SELECT reference, dispatch, obligation, correlation_id AS trail FROM notice WHERE id = $1 FOR UPDATE`,
        [noticeId],
      );
      if (!notice) return err(refusal('not_found', 'no-notice', 'There is no such notice.'));
      if (notice.dispatch === 'accepted' || notice.obligation !== 'required')
        return err(
          refusal(
            'conflict',
            'nothing-to-retry',
            'A peer has it already, or it is not owed: there is nothing to try again.',
          ),
        );
      const [open] = await db.query<object[]>(
        `SELECT FROM notice_attempt WHERE notice_id = $1 AND outcome = 'started' AND started_at > $2 LIMIT 1`,
        [noticeId, iso(now - STALLED_AFTER)],
      );
      if (open)
        return err(
          refusal('conflict', 'under-way', 'An attempt is under way at this moment. Look again in a minute.'),
        );
      if (!(await this.delivery.hasSomebodyLeft(db, noticeId)))
        return err(
          refusal(
            'conflict',
            'nobody-left',
            'Every address that it could go to refused it or sent it back. Correct an address of a contact or add one, or call.',
          ),
        );
      await db.query(
        `UPDATE notice SET dispatch = CASE WHEN dispatch = 'failed' THEN 'owed' ELSE dispatch END, next_attempt_at = $2,
                updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
        [noticeId, iso(now)],
      );
      await this.alerts.settle(db, `notice.undeliverable:${noticeId}`, now);
      await this.ledger.append(db, {
        kind: 'notice.retried',
        subject: { kind: 'notice', id: noticeId },
        by: { ...by, correlationId: notice.trail },
        at: now,
        facts: { reference: notice.reference, from: notice.dispatch },
      });
      await this.outbox.put(db, deliverNotice, {});
      return ok(undefined);
    });
  }
}
