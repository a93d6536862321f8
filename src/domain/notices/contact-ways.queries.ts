import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { WAY_STATES } from './contact-ways.schema.ts';

/** One way to a contact beside their mail. */
export interface ContactWay {
  id: Id;
  channel: string;
  /** What may be seen of it: of an address that is a secret itself its form alone. */
  address: string;
  /** The place in which it is tried, after their mail. */
  order: number;
  addedAt: Millis;
  /**
   * What the newest attempt there says: `bounced` was refused or came back, `failing` was not taken yet; `confirmed`:
   * somebody typed a code that went out by it. null: whoever asks may not see what was sent.
   */
  state: (typeof WAY_STATES)[number] | null;
}

/** Those in use, in the order in which they are tried. */
export function contactWays(db: Db, contactId: Id, now: Millis): Promise<ContactWay[]> {
  return db.query(
    `SELECT r.id, r.channel, r.address, row_number() OVER (ORDER BY r.valid_from, r.id)::int AS "order",
            (extract(epoch FROM r.valid_from) * 1000)::float8 AS "addedAt",
            CASE WHEN NOT cs_installation() THEN NULL
                 WHEN t.outcome = 'refused' OR t.bounced_at IS NOT NULL THEN 'bounced'
                 WHEN r.verified_at IS NOT NULL OR EXISTS (SELECT FROM acknowledgement_code k
                        WHERE k.contact_id = r.contact_id AND k.channel = r.channel AND k.created_at >= r.valid_from AND k.used_at IS NOT NULL)
                   THEN 'confirmed'
                 WHEN t.outcome = 'accepted' THEN 'taken'
                 WHEN t.outcome IS NULL THEN 'untried'
                 ELSE 'failing' END AS state
       FROM address_of_record r
       LEFT JOIN LATERAL (SELECT a.outcome, a.bounced_at FROM notice_attempt a
                           WHERE a.contact_id = r.contact_id AND a.channel = r.channel AND a.address = r.address
                             AND a.started_at >= r.valid_from AND a.outcome <> 'started'
                           ORDER BY a.started_at DESC, a.number DESC LIMIT 1) t ON true
      WHERE r.contact_id = $1 AND r.valid_from <= $2 AND (r.valid_until IS NULL OR r.valid_until > $2)
      ORDER BY r.valid_from, r.id`,
    [contactId, iso(now)],
  );
}
