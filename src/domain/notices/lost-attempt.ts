import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** An attempt that was begun and never ended belongs to a process that died: nobody knows what the peer did. */
export async function closeLostAttempt(db: Db, noticeId: Id, now: Millis): Promise<void> {
  await db.query(
    `UPDATE notice_attempt SET outcome = 'unknown', ended_at = $2, peer_answer = 'no answer was recorded: the sender stopped'
      WHERE notice_id = $1 AND outcome = 'started'`,
    [noticeId, iso(now)],
  );
}
