import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { may } from '../access/permissions.ts';
import { LedgerService, type LedgerInput } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { AccessRemovals, REMOVABLE, type Removable, type RemovalWork } from './access-removals.service.ts';
import { partHash, reviewHash } from './access-review-outcome.ts';
import { askReviewers } from './remind-reviewer.definition.ts';
import { whyNot } from './access-review.rules.ts';
import type { DecideItems, HandOver } from './access-review.schema.ts';
import { rolesThatMay } from './access-review-scope.queries.ts';

type ToDecide = Removable & {
  partId: Id;
  personId: Id | null;
  decided: boolean;
  reviewerPersonId: Id | null;
  reasonToKeep: boolean;
};

const REFUSALS: Readonly<Record<NonNullable<ReturnType<typeof whyNot>>, [Refusal['kind'], string]>> = {
  'no-person': ['forbidden', 'A person answers for this: use an account, or a token that belongs to one.'],
  'own-access': ['forbidden', 'Nobody decides about their own access: ask somebody else.'],
  'not-the-reviewer': ['forbidden', 'Somebody else reviews this: ask them, or have it handed over to you.'],
  'already-decided': ['conflict', 'It has been decided already.'],
  'reason-missing': ['invalid', 'Say why: it goes on record.'],
};

/** What reviewers say, and what follows from it. */
@Injectable()
export class AccessDecisions {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly removals: AccessRemovals,
    private readonly outbox: Outbox,
  ) {}

  /** Decides items of one campaign: all of them, or none. */
  async decide(
    reviewId: Id,
    input: DecideItems,
    by: Principal,
  ): Promise<Result<{ decided: number }, Refusal>> {
    const ids = [...new Set(input.items)].sort();
    return this.transactions.run(by, async (db) => {
      const items = await db.query<ToDecide[]>(
        `SELECT ${REMOVABLE}, t.part_id AS "partId", t.person_id AS "personId", t.decision IS NOT NULL AS decided,
                x.reviewer_person_id AS "reviewerPersonId", x.reason_to_keep AS "reasonToKeep"
           FROM access_review_item t
           JOIN access_review_part x ON x.id = t.part_id JOIN access_review v ON v.id = t.review_id LEFT JOIN credential r ON r.id = t.credential_id
          WHERE t.id = ANY($1::uuid[]) AND t.review_id = $2 ORDER BY t.id FOR UPDATE OF t`,
        [ids, reviewId],
      );
      if (items.length < ids.length)
        return err(refusal('not_found', 'no-item', 'The review has no such item.'));
      for (const item of items) {
        const refused = this.#whyNot(item, input, by);
        if (refused) return err(refused);
      }
      await this.#record(db, reviewId, items, input, by);
      return ok({ decided: items.length });
    });
  }

  #whyNot(item: ToDecide, input: DecideItems, by: Principal): Refusal | undefined {
    // Roles and tokens reach everything: they are for those who run reviews.
    if (item.integrationId === null && !may(by, 'reviews:open'))
      return refusal(
        'forbidden',
        'not-the-reviewer',
        `Item ${item.number}: accounts are decided by those who open reviews.`,
      );
    const why = whyNot(item, item, input, { personId: by.personId });
    if (why === undefined) return undefined;
    const [kind, message] = REFUSALS[why];
    const fields = [{ field: '/reason', problem: 'is missing', mend: 'Say why in a sentence.' }];
    return refusal(
      kind,
      why,
      `Item ${item.number}: ${message}`,
      why === 'reason-missing' ? { fields } : undefined,
    );
  }

  async #record(
    db: Db,
    reviewId: Id,
    items: readonly ToDecide[],
    input: DecideItems,
    by: Principal,
  ): Promise<void> {
    const now = this.clock.now();
    const works = new Map<Id, RemovalWork>();
    if (input.decision === 'remove')
      for (const item of items) works.set(item.id, await this.removals.begin(db, item, by));
    await db.query(
      `UPDATE access_review_item t SET decision = $2, reason = $3, decided_by = $4, decided_at = $5, work = r.work, run_id = r.run, work_note = r.note,
              carried_out_at = CASE WHEN r.work = 'done' THEN $5::timestamptz END
         FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, work text, run uuid, note text) WHERE t.id = r.id`,
      [
        JSON.stringify(
          items.map(({ id }) => {
            const work = works.get(id);
            return { id, work: work?.work ?? null, run: work?.runId ?? null, note: work?.note ?? null };
          }),
        ),
        input.decision,
        input.reason || null,
        by.personId,
        iso(now),
      ],
    );
    await this.ledger.append(
      db,
      items.map((item): LedgerInput => ({
        kind: input.decision === 'keep' ? 'access-review.kept' : 'access-review.removed',
        subject: { kind: 'access_review_item', id: item.id },
        by,
        at: now,
        facts: {
          review: reviewId,
          item: item.number,
          basis: item.basis,
          access: item.access.join(' '),
          [item.subjectKind]: item.subjectId,
          ...(item.role ? { role: item.role } : {}),
          ...(item.credentialId ? { credential: item.credentialId } : {}),
          ...(works.has(item.id) ? { work: works.get(item.id)!.work } : {}),
        },
        ...(input.reason ? { committed: { reason: input.reason } } : {}),
      })),
    );
    const parts = [...new Set(items.map(({ partId }) => partId))].sort();
    for (const part of parts) {
      const count = items.filter(({ partId }) => partId === part).length;
      await db.query(
        `UPDATE access_review_part SET decided = decided + $2, removed = removed + $3, row_version = row_version + 1 WHERE id = $1`,
        [part, count, input.decision === 'remove' ? count : 0],
      );
    }
    await this.finish(db, parts, by);
  }

  /** Ends those of these parts in which everything is decided, and the campaigns of which all parts ended. */
  async finish(db: Db, partIds: readonly Id[], by: Principal): Promise<void> {
    const now = this.clock.now();
    type Part = {
      id: Id;
      reviewId: Id;
      integrationId: Id | null;
      items: number;
      removed: number;
      late: boolean;
    };
    const parts = await db.query<Part[]>(
      `SELECT id, review_id AS "reviewId", integration_id AS "integrationId", items, removed, due_at < $2 AS late FROM access_review_part
        WHERE id = ANY($1::uuid[]) AND listed_at IS NOT NULL AND decided = items AND finished_at IS NULL ORDER BY id FOR UPDATE`,
      [partIds, iso(now)],
    );
    for (const part of parts) {
      const hash = await partHash(db, part);
      await db.query(
        `UPDATE access_review_part SET finished_at = $2, content_hash = $3, row_version = row_version + 1 WHERE id = $1`,
        [part.id, iso(now), hash],
      );
      for (const stage of ['reminded', 'escalated', 'missed'])
        await this.alerts.settle(db, `access-review:${stage}:${part.id}`, now);
      if (part.items === 0) continue;
      await this.ledger.append(db, {
        kind: 'access-review.part-finished',
        subject: { kind: 'access_review', id: part.reviewId },
        by,
        at: now,
        facts: {
          part: part.id,
          ...(part.integrationId ? { integration: part.integrationId } : {}),
          items: part.items,
          removed: part.removed,
          late: part.late,
          outcome: hash.toString('hex'),
        },
      });
    }
    for (const reviewId of [...new Set(parts.map((part) => part.reviewId))].sort())
      await this.#finishReview(db, reviewId, by);
  }

  async #finishReview(db: Db, reviewId: Id, by: Principal): Promise<void> {
    const now = this.clock.now();
    // Two who end the last two parts at once follow one another here.
    await db.query(`SELECT FROM access_review WHERE id = $1 FOR UPDATE`, [reviewId]);
    const [sum] = await db.query<{ open: number; items: number; removed: number }[]>(
      `SELECT count(*) FILTER (WHERE finished_at IS NULL)::int AS open, sum(items)::int AS items, sum(removed)::int AS removed
         FROM access_review_part WHERE review_id = $1`,
      [reviewId],
    );
    if (!sum || sum.open > 0) return;
    const hash = await reviewHash(db, reviewId);
    const ended = await rowsOf<{ id: Id }>(
      db,
      `UPDATE access_review SET finished_at = $2, content_hash = $3, row_version = row_version + 1 WHERE id = $1 AND finished_at IS NULL RETURNING id`,
      [reviewId, iso(now), hash],
    );
    if (ended.length === 0) return;
    await this.ledger.append(db, {
      kind: 'access-review.finished',
      subject: { kind: 'access_review', id: reviewId },
      by,
      at: now,
      facts: { items: sum.items, removed: sum.removed, outcome: hash.toString('hex') },
    });
  }

  /** Gives a part to another reviewer. */
  async handOver(reviewId: Id, partId: Id, input: HandOver, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [part] = await db.query<{ finished: boolean; integrationId: Id | null }[]>(
        `SELECT finished_at IS NOT NULL AS finished, integration_id AS "integrationId" FROM access_review_part
          WHERE id = $1 AND review_id = $2 FOR UPDATE`,
        [partId, reviewId],
      );
      if (!part) return err(refusal('not_found', 'no-part', 'The review has no such part.'));
      if (part.finished)
        return err(refusal('conflict', 'part-finished', 'This part of the review is finished.'));
      const needed = part.integrationId === null ? 'reviews:open' : 'reviews:decide';
      const [user] = await db.query<{ personId: Id }[]>(
        `SELECT u.person_id AS "personId" FROM user_account u
          WHERE u.id = $1 AND u.state = 'active' AND u.party_id IS NULL
            AND EXISTS (SELECT FROM user_role r WHERE r.user_id = u.id AND r.role = ANY($2::text[]))`,
        [input.userId, rolesThatMay(needed)],
      );
      if (!user)
        return err(
          refusal('invalid', 'no-reviewer', 'They cannot review this.', {
            fields: [
              {
                field: '/userId',
                problem: 'is no active account that may decide',
                mend: `Name an account with one of the roles ${rolesThatMay(needed).join(', ')}.`,
              },
            ],
          }),
        );
      await db.query(
        `UPDATE access_review_part SET reviewer_person_id = $2, row_version = row_version + 1 WHERE id = $1`,
        [partId, user.personId],
      );
      await this.ledger.append(db, {
        kind: 'access-review.handed-over',
        subject: { kind: 'access_review', id: reviewId },
        by,
        at: this.clock.now(),
        facts: { part: partId, to: input.userId },
        committed: { reason: input.reason },
      });
      const reviewed = { reviewId, reviewerPersonId: user.personId, reviewerContactId: null };
      await askReviewers(db, this.outbox, [reviewed], 'opened', this.clock.now());
      return ok(undefined);
    });
  }

  /** A removal that failed is asked for once more. */
  async retryRemoval(reviewId: Id, itemId: Id, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [item] = await db.query<(Removable & { work: string | null })[]>(
        `SELECT ${REMOVABLE}, t.work FROM access_review_item t
           JOIN access_review_part x ON x.id = t.part_id JOIN access_review v ON v.id = t.review_id LEFT JOIN credential r ON r.id = t.credential_id
          WHERE t.id = $1 AND t.review_id = $2 FOR UPDATE OF t`,
        [itemId, reviewId],
      );
      if (!item) return err(refusal('not_found', 'no-item', 'The review has no such item.'));
      if (item.work !== 'failed')
        return err(refusal('conflict', 'not-failed', 'Only a removal that failed is asked for once more.'));
      const { work, runId, note } = await this.removals.begin(db, item, by);
      const now = this.clock.now();
      await db.query(
        `UPDATE access_review_item SET work = $2, run_id = $3, work_note = $4, carried_out_at = $5 WHERE id = $1`,
        [itemId, work, runId, note, work === 'done' ? iso(now) : null],
      );
      await this.alerts.settle(db, `access-review.removal-failed:${itemId}`, now);
      await this.ledger.append(db, {
        kind: 'access-review.removal-retried',
        subject: { kind: 'access_review_item', id: itemId },
        by,
        at: now,
        facts: { work },
      });
      return ok(undefined);
    });
  }
}
