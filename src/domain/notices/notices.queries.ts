import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { STRENGTHS, type Strength } from './acknowledgement.rules.ts';
import type { Dispatch, FulfilledBy, Obligation, Receipt, Timeliness } from './notice.rules.ts';

/** A notice as pages and the API show it. Instants in UTC milliseconds. */
export interface NoticeView {
  id: Id;
  reference: string;
  integrationId: Id;
  integrationName: string;
  partyId: Id;
  partyName: string;
  contactName: string | null;
  subjectId: Id;
  category: string;
  trigger: string;
  startAt: Millis;
  dueAt: Millis | null;
  dueWhy: string;
  warnAt: Millis | null;
  escalateAt: Millis | null;
  warnedAt: Millis | null;
  escalatedAt: Millis | null;
  fulfilledBy: FulfilledBy;
  obligation: Obligation;
  dispatch: Dispatch;
  receipt: Receipt;
  timeliness: Timeliness;
  attempts: number;
  acceptedAt: Millis | null;
  fulfilledAt: Millis | null;
  acknowledgedAt: Millis | null;
  acknowledgementStrength: Strength | null;
  leastStrength: Strength;
  weakerAcknowledgement: Strength | null;
  nextAttemptAt: Millis | null;
  lastAnswer: string | null;
  messageId: string;
  text: string | null;
  textHash: string | null;
  told: number;
  createdAt: Millis;
}

const ORDERED = `ARRAY[${STRENGTHS.map((one) => `'${one}'`).join(', ')}]`;

const VIEW = `
  SELECT n.id, n.reference, n.integration_id AS "integrationId", i.name AS "integrationName", n.party_id AS "partyId",
         coalesce(ip.party_name, pt.name, '') AS "partyName", c.name AS "contactName", n.subject_id AS "subjectId", n.category,
         n.trigger, ms(n.start_at) AS "startAt", ms(n.due_at) AS "dueAt", n.due_why AS "dueWhy", ms(n.warn_at) AS "warnAt",
         ms(n.escalate_at) AS "escalateAt", ms(n.warned_at) AS "warnedAt", ms(n.escalated_at) AS "escalatedAt",
         n.fulfilled_by AS "fulfilledBy", n.obligation, n.dispatch, n.receipt, n.timeliness, n.attempts,
         ms(n.accepted_at) AS "acceptedAt", ms(n.fulfilled_at) AS "fulfilledAt", ms(n.acknowledged_at) AS "acknowledgedAt",
         (SELECT a.strength FROM acknowledgement a WHERE a.notice_id = n.id AND a.effective) AS "acknowledgementStrength",
         n.least_strength AS "leastStrength",
         (SELECT w.strength FROM acknowledgement w
           WHERE w.notice_id = n.id AND NOT w.effective AND n.receipt <> 'acknowledged'
             AND array_position(${ORDERED}, w.strength) < array_position(${ORDERED}, n.least_strength) ORDER BY w.at DESC LIMIT 1) AS "weakerAcknowledgement",
         ms(n.next_attempt_at) AS "nextAttemptAt",
         (SELECT t.peer_answer FROM notice_attempt t WHERE t.notice_id = n.id ORDER BY t.number DESC LIMIT 1) AS "lastAnswer",
         n.message_id AS "messageId", n.sent_text AS text, encode(n.text_hash, 'hex') AS "textHash", n.told, ms(n.created_at) AS "createdAt"
  FROM notice n
  LEFT JOIN integration i ON i.id = n.integration_id
  LEFT JOIN contact c ON c.id = n.contact_id
  LEFT JOIN party pt ON pt.id = n.party_id
  LEFT JOIN LATERAL (SELECT p.party_name FROM integration_party p
                     WHERE p.integration_id = n.integration_id AND p.party_id = n.party_id LIMIT 1) ip ON true`.replaceAll(
  /\bms\(([a-z._]+)\)/g,
  '(extract(epoch FROM $1) * 1000)::float8',
);

export interface NoticeFilter {
  subjectIds?: readonly Id[];
  partyId?: Id;
  timeliness?: Timeliness;
  /** The last row of the page before. */
  after?: { createdAt: Millis; id: Id };
  limit: number;
}

/** Newest first, by keyset. */
export async function listNotices(db: Db, filter: NoticeFilter): Promise<NoticeView[]> {
  return db.query(
    `${VIEW}
     WHERE ($1::uuid[] IS NULL OR n.subject_id = ANY ($1))
       AND ($2::uuid IS NULL OR n.party_id = $2)
       AND ($3::text IS NULL OR n.timeliness = $3)
       AND ($4::timestamptz IS NULL OR (n.created_at, n.id) < ($4, $5::uuid))
     ORDER BY n.created_at DESC, n.id DESC
     LIMIT $6`,
    [
      filter.subjectIds ?? null,
      filter.partyId ?? null,
      filter.timeliness ?? null,
      filter.after ? new Date(filter.after.createdAt) : null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
}

export async function findNotice(db: Db, id: Id): Promise<NoticeView | undefined> {
  const rows: NoticeView[] = await db.query(`${VIEW} WHERE n.id = $1`, [id]);
  return rows[0];
}

export interface AttemptView {
  number: number;
  channel: string;
  address: string;
  startedAt: Millis;
  endedAt: Millis | null;
  outcome: string;
  peerAnswer: string;
  possiblyTwice: boolean;
  /** What the peer said after it had taken the message. */
  bounce: string | null;
  bouncedAt: Millis | null;
}

export async function attemptsOf(db: Db, noticeId: Id): Promise<AttemptView[]> {
  return db.query(
    `SELECT number, channel, address, (extract(epoch FROM started_at) * 1000)::float8 AS "startedAt",
            (extract(epoch FROM ended_at) * 1000)::float8 AS "endedAt", outcome, peer_answer AS "peerAnswer",
            possibly_twice AS "possiblyTwice", bounce,
            (extract(epoch FROM bounced_at) * 1000)::float8 AS "bouncedAt"
     FROM notice_attempt WHERE notice_id = $1 ORDER BY number`,
    [noticeId],
  );
}
