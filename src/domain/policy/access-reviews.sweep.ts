import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService, type LedgerInput } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { stageDue, type ReviewClocks, type ToldSoFar } from './access-review.rules.ts';
import { askReviewers, type Reviewed } from './remind-reviewer.definition.ts';
import { AccessReviewsService } from './access-reviews.service.ts';

const BATCH = 200;
const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

type Due = ReviewClocks &
  ToldSoFar &
  Reviewed & {
    id: Id;
    reviewId: Id;
    reference: string;
    integrationId: Id | null;
    integration: string | null;
    open: number;
  };

const SEVERITY = { reminded: 'info', escalated: 'warning', missed: 'critical' } as const;

/** Opens what is due, draws its items, and says when a reviewer is silent. Deadlines are rows; this makes them certain. */
@Sweep({ name: 'policy.access-reviews', every: MINUTE })
export class AccessReviewsSweep implements Sweeper {
  constructor(
    private readonly reviews: AccessReviewsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly alerts: AlertsService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.reviews.openMonthly(by);
    while ((await this.reviews.answerOccasions(by)) > 0);
    while ((await this.reviews.listNext(by)) > 0);
    while ((await this.#remind(by)) === BATCH);
  }

  async #remind(by: Principal): Promise<number> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const due = await db.query<Due[]>(
        `SELECT x.id, x.review_id AS "reviewId", v.reference, x.integration_id AS "integrationId", i.reference AS integration, x.reviewer_person_id AS "reviewerPersonId",
                x.reviewer_contact_id AS "reviewerContactId", x.items - x.decided AS open,
                ${ms('x.remind_at')} AS "remindAt", ${ms('x.escalate_at')} AS "escalateAt", ${ms('x.due_at')} AS "dueAt",
                ${ms('x.reminded_at')} AS "remindedAt", ${ms('x.escalated_at')} AS "escalatedAt", ${ms('x.missed_at')} AS "missedAt", NULL AS "finishedAt"
           FROM access_review_part x JOIN access_review v ON v.id = x.review_id LEFT JOIN integration i ON i.id = x.integration_id
          WHERE x.finished_at IS NULL AND x.missed_at IS NULL
            AND (x.due_at < $1 OR (x.escalate_at <= $1 AND x.escalated_at IS NULL) OR (x.remind_at <= $1 AND x.reminded_at IS NULL AND x.escalated_at IS NULL))
          ORDER BY x.due_at LIMIT $2 FOR UPDATE OF x SKIP LOCKED`,
        [iso(now), BATCH],
      );
      const entries: LedgerInput[] = [];
      for (const part of due) {
        const stage = stageDue(part, now);
        if (!stage) continue;
        await db.query(
          `UPDATE access_review_part SET ${stage}_at = $2, row_version = row_version + 1 WHERE id = $1`,
          [part.id, iso(now)],
        );
        const what = part.integration ?? 'accounts and tokens';
        const until = `${iso(part.dueAt).slice(0, 16)}Z`;
        await this.alerts.raise(db, {
          kind: `access-review.${stage}`,
          severity: SEVERITY[stage],
          message:
            stage === 'missed'
              ? `${part.reference}, ${what}: ${part.open} accesses were to be reviewed by ${until}, and nobody has.`
              : `${part.reference}, ${what}: ${part.open} accesses are to be reviewed by ${until}.`,
          dedupeKey: `access-review:${stage}:${part.id}`,
          ...(part.integrationId ? { subject: { kind: 'integration', id: part.integrationId } } : {}),
          at: now,
        });
        await askReviewers(db, this.outbox, [part], stage, now);
        entries.push({
          kind: `access-review.${stage}`,
          subject: { kind: 'access_review', id: part.reviewId },
          by,
          at: now,
          facts: { part: part.id, due: iso(part.dueAt), open: part.open },
        });
      }
      await this.ledger.append(db, entries);
      return due.length;
    });
  }
}
