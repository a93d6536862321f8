import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import type { Dispatch, FulfilledBy, Receipt } from './notice.rules.ts';

/**
 * The statements of one delivery. A fan-out makes thousands of deliveries, and those that come together share them: each
 * answers for one notice, and goes out once for as many as ask in the same moment.
 */

export interface NoticeRow {
  id: Id;
  reference: string;
  integration_id: Id;
  party_id: Id;
  contact_id: Id | null;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  message_id: string;
  term_id: Id | null;
  told: number;
  template_id: Id | null;
  sent_text: string | null;
  start_at: Date;
  warn_at: Date | null;
  due_at: Date | null;
  created_at: Date;
  fulfilled_by: FulfilledBy;
  obligation: string;
  dispatch: Dispatch;
  receipt: Receipt;
  attempts: number;
  next_attempt_at: Date | null;
  /** Somebody is telling it at this moment. */
  held: boolean;
  correlation_id: string;
}

/** Held until the transaction ends; in the order of their ids, so that two who hold several never wait for each other. */
export const heldNotice = inOne(async (db: Db, ids: readonly Id[]): Promise<(NoticeRow | undefined)[]> => {
  const rows: NoticeRow[] = await db.query(
    `SELECT id, reference, integration_id, party_id, contact_id, category, language, facts, message_id, term_id, told, template_id, sent_text, start_at, warn_at, due_at,
            created_at, fulfilled_by, obligation, dispatch, receipt, attempts, next_attempt_at, coalesce(held_until > clock_timestamp(), false) AS held, correlation_id
       FROM notice WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
});

/** The newest signed checkpoint: the same for all who ask at once. */
export const headOf = inOne(async (db: Db, all: readonly LedgerService[]): Promise<string[]> => {
  const newest = await all[0]!.latestCheckpoint(db);
  return all.map(() => newest?.note ?? 'none yet');
});

export interface BegunAttempt {
  id: Id;
  noticeId: Id;
  partyId: Id;
  number: number;
  channel: string;
  contactId: Id;
  address: string;
  possiblyTwice: boolean;
  messageId: string;
  at: Millis;
  /** For so long nobody else makes one, by the one clock that all processes share; then whoever made it is gone. */
  lease: Millis;
  templateId: Id | null;
  textHash: Buffer;
  subject: string;
  text: string;
}

/** The attempt is a row before its first byte leaves, and the notice says that it is under way, and with which text. */
export const beginAttempt = inOne(async (db: Db, all: readonly BegunAttempt[]): Promise<void[]> => {
  await db.query(
    `INSERT INTO notice_attempt (id, notice_id, party_id, number, channel, contact_id, address, started_at, possibly_twice, message_id)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::text[], $8::timestamptz[], $9::boolean[], $10::text[])`,
    [
      all.map((one) => one.id),
      all.map((one) => one.noticeId),
      all.map((one) => one.partyId),
      all.map((one) => one.number),
      all.map((one) => one.channel),
      all.map((one) => one.contactId),
      all.map((one) => one.address),
      all.map((one) => iso(one.at)),
      all.map((one) => one.possiblyTwice),
      all.map((one) => one.messageId),
    ],
  );
  await db.query(
    `UPDATE notice n SET dispatch = 'attempting', attempts = r.number, next_attempt_at = r.at + r.lease * interval '1 ms',
            held_until = clock_timestamp() + r.lease * interval '1 ms', updated_at = r.at, row_version = n.row_version + 1, template_id = coalesce(n.template_id, r.template_id), text_hash = decode(r.hash, 'hex'),
            sent_subject = CASE WHEN n.sent_text IS NULL THEN r.subject ELSE n.sent_subject END,
            sent_text = coalesce(n.sent_text, r.text)
       FROM unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[])
         AS r(id, number, lease, at, template_id, hash, subject, text)
      WHERE n.id = r.id`,
    [
      all.map((one) => one.noticeId),
      all.map((one) => one.number),
      all.map((one) => one.lease),
      all.map((one) => iso(one.at)),
      all.map((one) => one.templateId),
      all.map((one) => one.textHash.toString('hex')),
      all.map((one) => one.subject),
      all.map((one) => one.text),
    ],
  );
  return all.map(() => undefined);
});

export interface EndedAttempt {
  id: Id;
  noticeId: Id;
  number: number;
  outcome: string;
  peerAnswer: string;
  at: Millis;
  next: Millis | null;
  accepted: boolean;
  fulfilled: boolean;
}

/**
 * What became of an attempt. Somebody may have taken the notice over while the peer was waited for: an acceptance counts
 * all the same, and never un-accepts; anything else belongs to the newer attempt then.
 */
export const endAttempt = inOne(async (db: Db, all: readonly EndedAttempt[]): Promise<void[]> => {
  await db.query(
    `UPDATE notice_attempt a SET outcome = r.outcome, peer_answer = r.said, ended_at = r.at, next_at = r.next
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS r(id, outcome, said, at, next)
      WHERE a.id = r.id`,
    [
      all.map((one) => one.id),
      all.map((one) => one.outcome),
      all.map((one) => one.peerAnswer),
      all.map((one) => iso(one.at)),
      all.map((one) => orNull(one.next)),
    ],
  );
  await db.query(
    `UPDATE notice n SET dispatch = CASE WHEN r.accepted THEN 'accepted' ELSE 'attempting' END, next_attempt_at = r.next, updated_at = r.at,
            row_version = n.row_version + 1, held_until = CASE WHEN n.attempts = r.number THEN NULL ELSE n.held_until END,
            receipt = CASE WHEN r.accepted AND n.receipt = 'bounced' THEN 'none' ELSE n.receipt END,
            accepted_at = CASE WHEN r.accepted THEN coalesce(n.accepted_at, r.at) ELSE n.accepted_at END,
            fulfilled_at = CASE WHEN r.fulfilled THEN coalesce(n.fulfilled_at, r.at) ELSE n.fulfilled_at END,
            next_clock_at = CASE WHEN r.fulfilled THEN r.at ELSE n.next_clock_at END
       FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::boolean[])
         AS r(id, number, at, next, accepted, fulfilled)
      WHERE n.id = r.id AND (r.accepted OR (n.attempts = r.number AND n.dispatch <> 'accepted'))`,
    [
      all.map((one) => one.noticeId),
      all.map((one) => one.number),
      all.map((one) => iso(one.at)),
      all.map((one) => orNull(one.next)),
      all.map((one) => one.accepted),
      all.map((one) => one.fulfilled),
    ],
  );
  return all.map(() => undefined);
});

function orNull(at: Millis | null): string | null {
  return at === null ? null : iso(at);
}
