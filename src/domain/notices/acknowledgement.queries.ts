import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { actedFor } from '../access/acted-for.ts';
import type { Strength } from './acknowledgement.rules.ts';
import type { FulfilledBy } from './notice.rules.ts';

/** A notice with the acknowledgement that stands, and the newest of those that were too weak. */
export interface AnswerableNotice {
  id: Id;
  reference: string;
  integration_id: Id;
  party_id: Id;
  contact_id: Id | null;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  start_at: Date;
  due_at: Date | null;
  created_at: Date;
  fulfilled_by: FulfilledBy;
  fulfilled_at: Date | null;
  timeliness: string;
  receipt: string;
  obligation: string;
  least_strength: Strength;
  acknowledged_at: Date | null;
  acknowledgement_lapses_at: Date | null;
  sent_subject: string | null;
  sent_text: string | null;
  zone: string;
  next_action: string | null;
  term_id: Id | null;
  typed_name: string | null;
  strength: Strength | null;
  weaker: { at: Millis; strength: Strength; name: string | null } | null;
}

const FIND = `
  SELECT n.id, n.reference, n.integration_id, n.party_id, n.contact_id, n.category, n.language, n.facts, n.start_at, n.due_at, n.created_at, n.fulfilled_by,
         n.fulfilled_at, n.timeliness, n.receipt, n.obligation, n.least_strength, n.acknowledged_at, n.acknowledgement_lapses_at, n.term_id,
         n.sent_subject, n.sent_text, coalesce((SELECT p.zone FROM party p WHERE p.id = n.party_id), 'UTC') AS zone, a.typed_name, a.next_action, a.strength,
         (SELECT json_build_object('at', (extract(epoch FROM w.at) * 1000)::float8, 'strength', w.strength, 'name', w.typed_name)
            FROM acknowledgement w
           WHERE w.notice_id = n.id AND NOT w.effective
             AND array_position($2::text[], w.strength) < array_position($2::text[], n.least_strength)
           ORDER BY w.at DESC LIMIT 1) AS weaker
  FROM notice n LEFT JOIN acknowledgement a ON a.notice_id = n.id AND a.effective WHERE n.id = $1`;

export async function findAnswerable(
  db: Db,
  noticeId: Id,
  strengths: readonly Strength[],
  o: { locked: boolean } = { locked: false },
): Promise<AnswerableNotice | undefined> {
  const rows: AnswerableNotice[] = await db.query(`${FIND}${o.locked ? ' FOR UPDATE OF n' : ''}`, [
    noticeId,
    strengths,
  ]);
  return rows[0];
}

/** Whether a link still speaks for somebody: its contact is one of the party's, and active. */
export async function isContactOf(db: Db, contactId: Id, partyId: Id): Promise<boolean> {
  const rows: unknown[] = await db.query(`SELECT 1 FROM contact WHERE id = $1 AND party_id = $2 AND active`, [
    contactId,
    partyId,
  ]);
  return rows.length > 0;
}

/** Of a party, or the one of a link: whose codes and keys count. */
export async function contactsOf(db: Db, partyId: Id): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(`SELECT id FROM contact WHERE party_id = $1 AND active`, [
    partyId,
  ]);
  return rows.map(({ id }) => id);
}

/**
 * Keys that the contact's own side registered before the notice was owed: nobody adds one to answer for another. Asked in the
 * scope of the installation, which alone knows who registered them.
 */
export function keysFor(
  db: Db,
  contactIds: readonly Id[],
  noticeId: Id,
): Promise<{ id: Id; publicKey: string }[]> {
  return db.query(
    `SELECT k.id, k.public_key AS "publicKey" FROM signing_key k, notice n
      WHERE n.id = $2 AND k.contact_id = ANY ($1) AND k.revoked_at IS NULL AND k.registered_at < n.created_at
        AND ${actedFor('k.registered_by', 'k.party_id')}
      ORDER BY k.registered_at DESC, k.id LIMIT 20`,
    [contactIds, noticeId],
  );
}

/** One more way to a contact. */
export interface OtherWay {
  channel: string;
  address: string;
  sealed: { id: Id; ref: string } | null;
}

/** Ways to a contact by which no message of this notice went to them; none while no message did, by any way. */
export function otherWays(db: Db, noticeId: Id, contactId: Id, at: string): Promise<OtherWay[]> {
  return db.query(
    `SELECT w.channel, w.address, w.sealed FROM (
       SELECT 'mail' AS channel, c.email AS address, NULL::json AS sealed, 0 AS ordinal FROM contact c WHERE c.id = $2 AND c.active AND c.email IS NOT NULL
       UNION ALL
       SELECT r.channel, r.address,
              CASE WHEN r.address_ref IS NULL THEN NULL ELSE json_build_object('id', r.id, 'ref', r.address_ref) END, 1
         FROM address_of_record r JOIN contact c ON c.id = r.contact_id AND c.active
        WHERE r.contact_id = $2 AND r.valid_from <= $3 AND (r.valid_until IS NULL OR r.valid_until > $3)) w
      WHERE EXISTS (SELECT 1 FROM notice_attempt t WHERE t.notice_id = $1 AND t.contact_id = $2)
        AND w.channel NOT IN (SELECT t.channel FROM notice_attempt t
                               WHERE t.notice_id = $1 AND t.contact_id = $2 AND t.outcome IN ('accepted', 'unknown', 'started'))
      ORDER BY w.ordinal, w.channel LIMIT 20`,
    [noticeId, contactId, at],
  );
}
