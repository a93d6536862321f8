import { createHash } from 'node:crypto';
import { canonicalJson, type CanonicalValue } from '../../kernel/canonical-json.ts';
import type { Id } from '../../kernel/ids.ts';
import { iso } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

interface OutcomeItem {
  number: number;
  credential: Id | null;
  subjectKind: string;
  subject: Id;
  basis: string;
  basisId: Id | null;
  role: string;
  access: string[];
  decision: string;
  decidedBy: Id;
  decidedAt: Date;
}

/** SHA-256 over the canonical JSON (RFC 8785) of a value. */
function hashOf(value: CanonicalValue): Buffer {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest();
}

/**
 * What was decided in one part, as it is hashed: ids, words and instants, no name and no free text, so that it verifies
 * also after a name was erased. Reasons are committed in the ledger.
 */
export async function partHash(
  db: Db,
  part: { id: Id; reviewId: Id; integrationId: Id | null },
): Promise<Buffer> {
  const items = await db.query<OutcomeItem[]>(
    `SELECT number, credential_id AS credential, subject_kind AS "subjectKind", subject_id AS subject, basis, basis_id AS "basisId", role, access,
            decision, decided_by AS "decidedBy", decided_at AS "decidedAt"
       FROM access_review_item WHERE part_id = $1 ORDER BY number`,
    [part.id],
  );
  return hashOf({
    format: 1,
    review: part.reviewId,
    part: part.id,
    integration: part.integrationId,
    items: items.map(({ decidedAt, ...item }) => ({ ...item, decidedAt: iso(decidedAt.getTime()) })),
  });
}

/** The outcome of a campaign: the hashes of all its parts. */
export async function reviewHash(db: Db, reviewId: Id): Promise<Buffer> {
  const parts = await db.query<{ part: Id; hash: string }[]>(
    `SELECT id AS part, encode(content_hash, 'hex') AS hash FROM access_review_part WHERE review_id = $1 ORDER BY id`,
    [reviewId],
  );
  return hashOf({ format: 1, review: reviewId, parts });
}

/** Whether what is stored of a finished campaign still is what was hashed when it finished; the parts that are not. */
export async function checkOutcome(db: Db, reviewId: Id): Promise<{ holds: boolean; changed: Id[] }> {
  const parts = await db.query<{ id: Id; reviewId: Id; integrationId: Id | null; hash: Buffer }[]>(
    `SELECT id, review_id AS "reviewId", integration_id AS "integrationId", content_hash AS hash
       FROM access_review_part WHERE review_id = $1 AND content_hash IS NOT NULL ORDER BY id`,
    [reviewId],
  );
  const changed: Id[] = [];
  for (const part of parts) if (!(await partHash(db, part)).equals(part.hash)) changed.push(part.id);
  const [review] = await db.query<{ hash: Buffer | null }[]>(
    `SELECT content_hash AS hash FROM access_review WHERE id = $1`,
    [reviewId],
  );
  const whole = review?.hash == null || (await reviewHash(db, reviewId)).equals(review.hash);
  return { holds: changed.length === 0 && whole, changed };
}
