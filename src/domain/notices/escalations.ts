import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * Names on the latest escalation of a notice whom it went to: the first contact who was told after it. Earlier ones that
 * led to nobody stay without.
 */
export async function nameEscalated(db: Db, noticeId: Id, contactId: Id): Promise<void> {
  await db.query(
    `UPDATE escalation e SET contact_id = $2
      WHERE e.contact_id IS NULL AND e.subject_kind = 'notice' AND e.subject_id = $1
        AND e.id = (SELECT x.id FROM escalation x WHERE x.subject_kind = 'notice' AND x.subject_id = $1 ORDER BY x.at DESC, x.id DESC LIMIT 1)`,
    [noticeId, contactId],
  );
}
