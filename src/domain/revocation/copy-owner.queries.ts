import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Ownership } from './own-word.rules.ts';

/**
 * By whose hands a copy is somebody's own: its owner is a contact of theirs. A contact that names no person is who signs in
 * with its address.
 *
 * @returns undefined where it is not theirs
 */
export async function ownershipOf(
  db: Db,
  locationId: Id,
  personId: Id | undefined,
): Promise<Ownership | undefined> {
  if (personId === undefined) return undefined;
  const [row] = await db.query<Ownership[]>(
    `SELECT l.owner_named_by AS "namedBy", CASE WHEN k.person_id IS NULL THEN k.addressed_by END AS "addressedBy"
       FROM location l JOIN contact k ON k.id = l.owner_contact_id AND k.active
      WHERE l.id = $1 AND l.retired_at IS NULL
        AND coalesce(k.person_id, (SELECT a.person_id FROM user_account a WHERE a.email = lower(k.email))) = $2`,
    [locationId, personId],
  );
  return row;
}
