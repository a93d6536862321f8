import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { holds } from '../credentials/holdings.queries.ts';

/** Which entry of which store a copy is, for whoever looks at it. */
export interface StorePlace {
  connectionId: Id;
  connection: string;
  presetKey: string;
  /** Empty: the preset's. */
  baseUrl: string;
  retired: boolean;
  entry: string;
  field: string | null;
  /** A person by name, else what it was. */
  setBy: string;
  setAt: Millis;
}

export async function storePlaceOf(db: Db, locationId: Id): Promise<StorePlace | undefined> {
  const [row] = await rowsOf<StorePlace>(
    db,
    `SELECT n.id AS "connectionId", n.name AS connection, n.preset_key AS "presetKey", n.base_url AS "baseUrl",
            n.retired_at IS NOT NULL AS retired, s.entry, s.field, coalesce(p.name, s.set_by) AS "setBy",
            (extract(epoch FROM s.set_at) * 1000)::float8 AS "setAt"
       FROM location_store s
       JOIN location l ON l.id = s.location_id AND l.retired_at IS NULL
       JOIN connection n ON n.id = s.connection_id
       LEFT JOIN person p ON p.id::text = s.set_by
      WHERE s.location_id = $1`,
    [locationId],
  );
  return row;
}

/** Versions that a copy holds or has held, the newest first. */
export function heldVersions(db: Db, locationId: Id): Promise<{ id: Id }[]> {
  return rowsOf(
    db,
    `SELECT v.id FROM location l JOIN credential_version v ON v.credential_id = l.credential_id
      WHERE l.id = $1 AND ${holds('l', 'v.id')} ORDER BY v.number DESC`,
    [locationId],
  );
}

export async function newestVersion(db: Db, locationId: Id): Promise<{ id: Id } | undefined> {
  const [row] = await rowsOf<{ id: Id }>(
    db,
    `SELECT v.id FROM location l JOIN credential_version v ON v.credential_id = l.credential_id
      WHERE l.id = $1 ORDER BY v.number DESC LIMIT 1`,
    [locationId],
  );
  return row;
}
