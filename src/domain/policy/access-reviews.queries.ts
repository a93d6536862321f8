import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ACCESS } from './access-review.rules.ts';
import type { ReviewItemView, ReviewPartView, ReviewView } from './access-review.schema.ts';

type Row<T, K extends keyof T> = Omit<T, K> & { [P in K]: T[P] extends null | string ? Date | null : Date };
const text = (at: Date | null) => at?.toISOString() ?? null;

type ReviewRow = Row<ReviewView, 'openedAt' | 'finishedAt' | 'dueAt'> & { openedAt: Date };

/** Newest first. `of`: those with a part for this integration. */
export async function listReviews(
  db: Db,
  o: {
    limit: number;
    after?: { at: Millis; id: Id } | undefined;
    open?: boolean;
    reference?: string;
    id?: Id;
  },
  now: Millis,
): Promise<ReviewView[]> {
  const rows = await db.query<ReviewRow[]>(
    `SELECT v.id, v.reference, v.cause, v.period, v.reason, v.opened_at AS "openedAt", v.finished_at AS "finishedAt", encode(v.content_hash, 'hex') AS "contentHash",
            CASE v.cause WHEN 'party_changed' THEN (SELECT name FROM party WHERE id = v.subject_id)
                         WHEN 'incident_closed' THEN (SELECT reference || ' ' || title FROM incident WHERE id = v.subject_id)
                         WHEN 'person_left' THEN coalesce((SELECT name FROM contact WHERE id = v.subject_id),
                                                          (SELECT n.name FROM user_account u JOIN person n ON n.id = u.person_id WHERE u.id = v.subject_id)) END AS subject,
            p.*, (SELECT count(*)::int FROM access_review_item t JOIN access_review_part x ON x.id = t.part_id
                   WHERE x.review_id = v.id AND t.work IN ('waiting', 'failed')) AS waiting
       FROM access_review v
      CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE x.items > 0 OR x.listed_at IS NULL)::int AS parts, coalesce(sum(x.items), 0)::int AS items,
               coalesce(sum(x.decided), 0)::int AS decided, coalesce(sum(x.removed), 0)::int AS removed,
               min(x.due_at) FILTER (WHERE x.finished_at IS NULL) AS "dueAt",
               count(*) FILTER (WHERE x.finished_at IS NULL AND x.due_at < $6)::int AS overdue
          FROM access_review_part x WHERE x.review_id = v.id) p
      WHERE ($1::timestamptz IS NULL OR (v.opened_at, v.id) < ($1, $2))
        AND (NOT $3 OR v.finished_at IS NULL)
        AND ($4::text IS NULL OR v.reference = $4) AND ($5::uuid IS NULL OR v.id = $5)
      ORDER BY v.opened_at DESC, v.id DESC LIMIT $7`,
    [
      o.after ? new Date(o.after.at) : null,
      o.after?.id ?? null,
      o.open ?? false,
      o.reference ?? null,
      o.id ?? null,
      new Date(now),
      o.limit,
    ],
  );
  return rows.map((row) => ({
    ...row,
    openedAt: row.openedAt.toISOString(),
    finishedAt: text(row.finishedAt),
    dueAt: text(row.dueAt),
  }));
}

export async function findReview(
  db: Db,
  by: { id: Id } | { reference: string },
  now: Millis,
): Promise<ReviewView | undefined> {
  const [found] = await listReviews(db, { limit: 1, ...by }, now);
  return found;
}

type PartRow = Row<ReviewPartView, 'dueAt' | 'missedAt' | 'finishedAt'> & { dueAt: Date };

/** $4 whether it is asked for, $5 for whom: theirs before the others', open before finished. */
const PART_RANK = `CASE WHEN $4 THEN coalesce(x.reviewer_person_id <> $5, true)::int * 2 + (x.finished_at IS NOT NULL)::int ELSE 0 END`;

/** Where a part stands in the order for somebody, for a cursor. */
export function partRank(
  { reviewer, finishedAt }: Pick<ReviewPartView, 'reviewer' | 'finishedAt'>,
  firstFor: Id | null,
): number {
  const own = firstFor !== null && reviewer?.personId === firstFor;
  return (own ? 0 : 2) + (finishedAt === null ? 0 : 1);
}

/**
 * By id, without those in which nothing was found. `firstFor`: those of this reviewer before the others, and what is open
 * before what is finished; its cursor is `from`, the place of the last one.
 */
export async function partsOf(
  db: Db,
  reviewId: Id,
  o: {
    limit: number;
    after?: Id | undefined;
    firstFor?: Id | null | undefined;
    from?: { rank: number; id: Id } | undefined;
    /** These alone. */
    ids?: readonly Id[];
  },
): Promise<ReviewPartView[]> {
  const rows = await db.query<PartRow[]>(
    `SELECT x.id, CASE WHEN i.id IS NOT NULL THEN jsonb_build_object('id', i.id, 'reference', i.reference, 'name', i.name, 'riskTier', i.risk_tier) END AS integration,
            CASE WHEN coalesce(n.name, k.name) IS NOT NULL THEN jsonb_build_object('name', coalesce(n.name, k.name), 'personId', x.reviewer_person_id) END AS reviewer,
            x.reason_to_keep AS "reasonToKeep", x.zone, x.due_at AS "dueAt", x.missed_at AS "missedAt", x.listed_at IS NOT NULL AS listed,
            x.items, x.decided, x.removed, x.finished_at AS "finishedAt", encode(x.content_hash, 'hex') AS "contentHash"
       FROM access_review_part x
       LEFT JOIN integration i ON i.id = x.integration_id
       LEFT JOIN contact k ON k.id = x.reviewer_contact_id
       LEFT JOIN person n ON n.id = x.reviewer_person_id
      WHERE x.review_id = $1 AND (x.items > 0 OR x.listed_at IS NULL) AND ($2::uuid IS NULL OR x.id > $2)
        AND ($6::int IS NULL OR (${PART_RANK}, x.id) > ($6, $7::uuid)) AND ($8::uuid[] IS NULL OR x.id = ANY($8))
      ORDER BY ${PART_RANK}, x.id
      LIMIT $3`,
    [
      reviewId,
      o.after ?? null,
      o.limit,
      o.firstFor !== undefined,
      o.firstFor ?? null,
      o.from?.rank ?? null,
      o.from?.id ?? null,
      o.ids ?? null,
    ],
  );
  return rows.map((row) => ({
    ...row,
    dueAt: row.dueAt.toISOString(),
    missedAt: text(row.missedAt),
    finishedAt: text(row.finishedAt),
  }));
}

type ItemRow = Row<ReviewItemView, 'decidedAt' | 'carriedOutAt'>;
export type GroupBy = 'person' | 'credential';

/** Up to so many items a campaign is grouped whole; of a larger one, part by part. */
export const GROUPED_WHOLE = 5000;

const NAME = `CASE t.subject_kind WHEN 'user' THEN n.name WHEN 'token' THEN a.name WHEN 'contact' THEN k.name WHEN 'party' THEN p.name ELSE c.name END`;
const GROUPS: Readonly<Record<GroupBy, string>> = {
  person: `lpad(array_position(ARRAY['user', 'token', 'contact', 'party', 'connection'], t.subject_kind)::text, 1, '0') || ' ' || left(coalesce(${NAME}, ''), 150) || ' ' || t.subject_id`,
  credential: `coalesce('1 ' || left(r.name, 150) || ' ' || r.id, '0')`,
};

const ITEM = `CASE WHEN i.id IS NOT NULL THEN jsonb_build_object('reference', i.reference, 'name', i.name) END AS integration,
              CASE WHEN r.id IS NOT NULL THEN jsonb_build_object('id', r.id, 'reference', r.reference, 'name', r.name, 'environment', r.environment) END AS credential,
              jsonb_build_object('kind', t.subject_kind, 'id', t.subject_id, 'name', coalesce(${NAME}, 'removed from the record'),
                                 'of', CASE t.subject_kind WHEN 'user' THEN u.email WHEN 'contact' THEN kp.name WHEN 'connection' THEN cp.name END,
                                 'active', CASE t.subject_kind WHEN 'user' THEN u.state = 'active' WHEN 'token' THEN a.revoked_at IS NULL WHEN 'contact' THEN k.active
                                                               WHEN 'party' THEN p.retired_at IS NULL ELSE c.retired_at IS NULL END,
                                 'personId', t.person_id) AS subject,
              t.basis, t.role, t.access, t.decision, t.reason, d.name AS "decidedBy", t.decided_at AS "decidedAt", t.work, t.work_note AS "workNote",
              t.run_id AS "runId", t.carried_out_at AS "carriedOutAt"
         FROM access_review_item t
         JOIN access_review_part x ON x.id = t.part_id
         LEFT JOIN integration i ON i.id = x.integration_id
         LEFT JOIN credential r ON r.id = t.credential_id
         LEFT JOIN user_account u ON t.subject_kind = 'user' AND u.id = t.subject_id LEFT JOIN person n ON n.id = u.person_id
         LEFT JOIN api_token a ON t.subject_kind = 'token' AND a.id = t.subject_id
         LEFT JOIN contact k ON t.subject_kind = 'contact' AND k.id = t.subject_id LEFT JOIN party kp ON kp.id = k.party_id
         LEFT JOIN party p ON t.subject_kind = 'party' AND p.id = t.subject_id
         LEFT JOIN connection c ON t.subject_kind = 'connection' AND c.id = t.subject_id LEFT JOIN party cp ON cp.id = c.party_id
         LEFT JOIN person d ON d.id = t.decided_by`;

function itemOf<T extends ItemRow>(row: T) {
  return {
    ...row,
    access: ACCESS.filter((one) => row.access.includes(one)),
    decidedAt: text(row.decidedAt),
    carriedOutAt: text(row.carriedOutAt),
  };
}

/** Items in groups: all of one person (or party, or connection) together, or all of one credential. For what is not too large. */
export async function itemsOf(
  db: Db,
  reviewId: Id,
  o: {
    by: GroupBy;
    limit: number;
    after?: { name: string; id: Id } | undefined;
    partId?: Id | undefined;
    open?: boolean | undefined;
  },
): Promise<(ReviewItemView & { group: string })[]> {
  const rows = await db.query<(ItemRow & { group: string })[]>(
    `SELECT * FROM (
       SELECT t.id, t.part_id AS "partId", t.number, ${GROUPS[o.by]} AS "group", ${ITEM}
        WHERE t.review_id = $1 AND ($2::uuid IS NULL OR t.part_id = $2) AND (NOT $3 OR t.decision IS NULL)) found
      WHERE $4::text IS NULL OR ("group" COLLATE "C", id) > ($4, $5::uuid)
      ORDER BY "group" COLLATE "C", id LIMIT $6`,
    [reviewId, o.partId ?? null, o.open ?? false, o.after?.name ?? null, o.after?.id ?? null, o.limit],
  );
  return rows.map(itemOf);
}

/** Items in the order of the record, part by part: each page costs the same, however large the campaign is. */
export async function itemsInOrder(
  db: Db,
  reviewId: Id,
  o: {
    limit: number;
    after?: { partId: Id; number: number } | undefined;
    partId?: Id | undefined;
    open?: boolean | undefined;
  },
): Promise<ReviewItemView[]> {
  const rows = await db.query<ItemRow[]>(
    `SELECT t.id, t.part_id AS "partId", t.number, ${ITEM}
      WHERE t.review_id = $1 AND ($2::uuid IS NULL OR t.part_id = $2) AND (NOT $3 OR t.decision IS NULL)
        AND ($4::uuid IS NULL OR (t.part_id, t.number) > ($4, $5::int))
      ORDER BY t.part_id, t.number LIMIT $6`,
    [reviewId, o.partId ?? null, o.open ?? false, o.after?.partId ?? null, o.after?.number ?? null, o.limit],
  );
  return rows.map(itemOf);
}

/** What of an integration is being reviewed, for its page: the first due first. */
export function openReviewsOf(
  db: Db,
  integrationId: Id,
): Promise<{ reference: string; dueAt: Date; items: number; decided: number }[]> {
  return db.query(
    `SELECT v.reference, x.due_at AS "dueAt", x.items, x.decided
       FROM access_review_part x JOIN access_review v ON v.id = x.review_id
      WHERE x.integration_id = $1 AND x.finished_at IS NULL AND (x.items > 0 OR x.listed_at IS NULL) ORDER BY x.due_at LIMIT 20`,
    [integrationId],
  );
}

/** What waits for one reviewer, the first due first: one line for each campaign. */
export function reviewsOf(
  db: Db,
  personId: Id,
): Promise<{ reference: string; dueAt: Date; open: number; parts: number }[]> {
  return db.query(
    `SELECT v.reference, min(x.due_at) AS "dueAt", sum(x.items - x.decided)::int AS open, count(*)::int AS parts
       FROM access_review_part x JOIN access_review v ON v.id = x.review_id
      WHERE x.reviewer_person_id = $1 AND x.finished_at IS NULL AND x.items > x.decided GROUP BY v.id ORDER BY 2, 1 LIMIT 50`,
    [personId],
  );
}

/** People who may be handed a part. */
export function possibleReviewers(
  db: Db,
  roles: readonly string[],
): Promise<{ id: Id; name: string; email: string }[]> {
  return db.query(
    `SELECT u.id, n.name, u.email FROM user_account u JOIN person n ON n.id = u.person_id
      WHERE u.state = 'active' AND u.party_id IS NULL
        AND EXISTS (SELECT FROM user_role r WHERE r.user_id = u.id AND r.role = ANY($1::text[])) ORDER BY n.name, u.id LIMIT 500`,
    [roles],
  );
}
