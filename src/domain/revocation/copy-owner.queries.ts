import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * Whether a copy is somebody's own: its owner is a contact of theirs. A contact that names no person is who signs in with
 * its address.
 */
export async function ownsCopy(db: Db, locationId: Id, personId: Id | undefined): Promise<boolean> {
  if (personId === undefined) return false;
  const rows = await db.query<unknown[]>(
    `SELECT FROM location l JOIN contact k ON k.id = l.owner_contact_id AND k.active
      WHERE l.id = $1 AND l.retired_at IS NULL
        AND coalesce(k.person_id, (SELECT a.person_id FROM user_account a WHERE a.email = lower(k.email))) = $2`,
    [locationId, personId],
  );
  return rows.length > 0;
}
