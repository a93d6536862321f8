import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { hashOf } from './hash-of.ts';
import { loginWait } from './login.rules.ts';

/** What failures are counted by: an address, known here or not. */
export function addressSubject(email: string): string {
  return hashOf(`address ${email.toLowerCase()}`);
}

/** Until when a password is not even tried; 0: it may be. */
export async function lockedUntilOf(db: Db, subjects: readonly string[]): Promise<Millis> {
  const [lock] = await db.query<{ until: Date | null }[]>(
    'SELECT max(locked_until) AS until FROM login_throttle WHERE subject_hash = ANY($1)',
    [subjects],
  );
  return lock?.until?.getTime() ?? 0;
}

export async function forgetFailures(db: Db, subjects: readonly string[]): Promise<void> {
  await db.query('DELETE FROM login_throttle WHERE subject_hash = ANY($1)', [subjects]);
}

/** Counts one failure more, and lets the next one wait. */
export async function slowDown(db: Db, subjects: readonly string[], now: Millis): Promise<void> {
  for (const subject of subjects) {
    // Failures of more than a day ago no longer count.
    const [row] = await db.query<{ failures: number }[]>(
      `INSERT INTO login_throttle AS t (subject_hash, failures, last_at) VALUES ($1, 1, $2)
       ON CONFLICT (subject_hash) DO UPDATE
         SET failures = CASE WHEN t.last_at < $2::timestamptz - interval '1 day' THEN 1 ELSE t.failures + 1 END, last_at = $2
       RETURNING failures`,
      [subject, new Date(now)],
    );
    const wait = loginWait(row?.failures ?? 1);
    if (wait > 0)
      await db.query('UPDATE login_throttle SET locked_until = $2 WHERE subject_hash = $1', [
        subject,
        new Date(now + wait),
      ]);
  }
}
