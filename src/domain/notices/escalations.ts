import type { Id } from '../../kernel/ids.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * Names on the latest escalation of a notice whom it went to: the first contact who was told after it. Earlier ones that
 * led to nobody stay without.
 */
export const nameEscalated = inOne(
  async (db: Db, told: readonly { noticeId: Id; contactId: Id }[]): Promise<void[]> => {
    await db.query(
      `UPDATE escalation e SET contact_id = r.contact_id FROM unnest($1::uuid[], $2::uuid[]) AS r(notice_id, contact_id)
        WHERE e.contact_id IS NULL AND e.subject_kind = 'notice' AND e.subject_id = r.notice_id
          AND e.id = (SELECT x.id FROM escalation x WHERE x.subject_kind = 'notice' AND x.subject_id = r.notice_id
                       ORDER BY x.at DESC, x.id DESC LIMIT 1)`,
      [told.map(({ noticeId }) => noticeId), told.map(({ contactId }) => contactId)],
    );
    return told.map(() => undefined);
  },
);
