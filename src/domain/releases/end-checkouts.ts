import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** Ends what a machine, or one of its grants, holds or waits for. The value that it has seen it has seen. @returns how many */
export async function endCheckouts(
  db: Db,
  of: { identityId: Id } | { grantId: Id },
  hand: string,
  now: Millis,
): Promise<number> {
  const [column, id] = 'grantId' in of ? ['grant_id', of.grantId] : ['identity_id', of.identityId];
  const rows = await rowsOf<unknown>(
    db,
    `UPDATE checkout SET state = 'revoked', ended_by = $2, ended_at = $3
      WHERE ${column} = $1 AND state IN ('open', 'waiting', 'consented') RETURNING id`,
    [id, hand, iso(now)],
  );
  return rows.length;
}
