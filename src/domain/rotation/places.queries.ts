import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { RotationRow } from './rotation-records.service.ts';

export type PlaceState = 'holds_new' | 'left' | 'taken_back';

/** A copy of the credential, as a rotation sees it. */
export interface PlaceRow {
  id: Id;
  integrationId: Id;
  versionId: Id | null;
  name: string;
  kind: string;
  path: string;
  ownerContactId: Id | null;
  state: PlaceState | null;
}

export async function findPlace(db: Db, row: RotationRow, locationId: Id): Promise<PlaceRow | undefined> {
  const [place] = await db.query<PlaceRow[]>(
    `SELECT l.id, l.integration_id AS "integrationId", l.version_id AS "versionId", l.name, l.kind, l.path,
            l.owner_contact_id AS "ownerContactId", p.state
       FROM location l LEFT JOIN rotation_place p ON p.location_id = l.id AND p.rotation_id = $1
      WHERE l.id = $2 AND l.credential_id = $3 AND l.retired_at IS NULL
        AND (l.version_id IS NULL OR l.version_id IN ($4, $5))`,
    [row.id, locationId, row.credentialId, row.oldVersionId, row.newVersionId],
  );
  return place;
}
