import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { HeldPlace, ShownBy } from './convergence.rules.ts';

/**
 * SQL: whether a place holds a version, or has held it: a copy that was put beside or over another one is no proof that the
 * other one is gone. A place of which nobody said what it holds counts for every version.
 *
 * @param location alias of a `location`
 * @param version expression of a version's id
 */
export const holds = (location: string, version: string): string =>
  `(${location}.version_id IS NULL OR ${location}.version_id = ${version}
    OR EXISTS (SELECT FROM location_holding held WHERE held.location_id = ${location}.id AND held.version_id = ${version}))`;

/**
 * SQL: whether a version is one that places may be to hold: neither asked to be revoked nor dead, and in use, or overlapping
 * with what is and never exposed.
 *
 * @param version alias of a `credential_version`
 */
export const isWanted = (version: string): string =>
  `((${version}.phase = 'active' OR ${version}.phase = 'overlap'
        AND NOT EXISTS (SELECT FROM incident_credential leaked WHERE leaked.version_id = ${version}.id)
        AND NOT EXISTS (SELECT FROM case_credential leaked WHERE leaked.version_id = ${version}.id))
     AND NOT EXISTS (SELECT FROM version_death ended WHERE ended.version_id = ${version}.id
      AND (ended.liveness = 'dead' OR ended.revocation IN ('requested', 'accepted'))))`;

/**
 * SQL: number of the version that the places of a credential are to hold: the new one of a rotation that is under way and
 * not on its way back, before it is in use; else the one in use; where that is dead or being revoked, the newest that still
 * overlaps with it. NULL: there is none.
 *
 * @param credential expression of a credential's id
 */
export const targetNumber = (credential: string): string =>
  `coalesce(
     (SELECT next.number FROM rotation r JOIN credential_version next ON next.id = r.new_version_id
       WHERE r.credential_id = ${credential} AND r.closed_at IS NULL AND r.state <> 'rolling_back' AND next.phase <> 'retired'
         AND NOT EXISTS (SELECT FROM version_death ended WHERE ended.version_id = next.id
                            AND (ended.liveness = 'dead' OR ended.revocation IN ('requested', 'accepted')))
       ORDER BY r.opened_at DESC LIMIT 1),
     (SELECT wanted.number FROM credential_version wanted WHERE wanted.credential_id = ${credential} AND ${isWanted('wanted')}
       ORDER BY wanted.phase = 'active' DESC, wanted.number DESC LIMIT 1))`;

/** Number of the version that the places of a credential are to hold; null: there is none. */
export async function targetOf(db: Db, credentialId: Id): Promise<number | null> {
  const [row] = await db.query<{ number: number | null }[]>(`SELECT ${targetNumber('$1::uuid')} AS number`, [
    credentialId,
  ]);
  return row?.number ?? null;
}

/**
 * The places of each of these credentials, for `convergenceOf`. Where the newest look saw a value that is no known version,
 * no record of before counts.
 */
export async function placesOf(db: Db, credentialIds: readonly Id[]): Promise<Map<Id, HeldPlace[]>> {
  const rows = await db.query<(Omit<HeldPlace, 'at'> & { credentialId: Id; at: Date | null })[]>(
    `SELECT l.credential_id AS "credentialId", l.id AS "locationId", l.name, l.kind, l.path,
            CASE WHEN NOT strange.is THEN v.number END AS version,
            CASE WHEN strange.is THEN 'fingerprint' ELSE h.shown_by END AS "shownBy",
            CASE WHEN strange.is THEN look.recorded_at ELSE h.recorded_at END AS at,
            coalesce(p.name, (SELECT x.party_name FROM integration_party x
                               WHERE x.integration_id = l.integration_id AND x.party_id = l.party_id LIMIT 1)) AS "partyName",
            ARRAY(SELECT DISTINCT o.number FROM location_holding e JOIN credential_version o ON o.id = e.version_id
                   WHERE e.location_id = l.id AND (strange.is OR e.version_id IS DISTINCT FROM l.version_id)
                     AND (SELECT q.verdict FROM location_proof q WHERE q.location_id = l.id AND q.version_id = e.version_id
                           ORDER BY q.at DESC, q.id DESC LIMIT 1) IS DISTINCT FROM 'gone' ORDER BY 1) AS left
       FROM location l
       LEFT JOIN credential_version v ON v.id = l.version_id
       LEFT JOIN party p ON p.id = l.party_id
       LEFT JOIN LATERAL (SELECT n.shown_by, n.recorded_at FROM location_holding n WHERE n.location_id = l.id AND n.version_id = l.version_id
                           ORDER BY n.seq DESC LIMIT 1) h ON true
       LEFT JOIN LATERAL (SELECT k.verdict, k.recorded_at FROM copy_look k
                           WHERE k.location_id = l.id AND k.version_id = l.version_id AND k.method = 'fingerprint'
                           ORDER BY k.looked_at DESC, k.id DESC LIMIT 1) look ON true
       CROSS JOIN LATERAL (SELECT coalesce(look.verdict = 'indeterminate' AND look.recorded_at >= h.recorded_at, false) AS is) strange
      WHERE l.credential_id = ANY($1::uuid[]) AND l.retired_at IS NULL ORDER BY l.name, l.id LIMIT 5000`,
    [credentialIds],
  );
  const places = new Map<Id, HeldPlace[]>();
  for (const { credentialId, at, ...place } of rows) {
    const known = places.get(credentialId);
    const held = { ...place, at: at?.getTime() ?? null };
    if (known) known.push(held);
    else places.set(credentialId, [held]);
  }
  return places;
}

/** One line of what a place has held. */
export interface Holding {
  locationId: Id;
  locationName: string;
  version: number;
  versionId: Id;
  arrivedBy: string;
  putBy: string | null;
  putAt: Millis | null;
  shownBy: ShownBy;
  recordedAt: Millis;
}

/** What the places of a credential, or one of them, have held, newest first. */
export async function holdingsOf(
  db: Db,
  of: { credentialId: Id; locationId?: Id },
  limit = 200,
): Promise<Holding[]> {
  const rows = await db.query<
    (Omit<Holding, 'putAt' | 'recordedAt'> & { putAt: Date | null; recordedAt: Date })[]
  >(
    `SELECT h.location_id AS "locationId", l.name AS "locationName", v.number AS version, h.version_id AS "versionId",
            h.arrived_by AS "arrivedBy", h.put_by AS "putBy", h.put_at AS "putAt", h.shown_by AS "shownBy", h.recorded_at AS "recordedAt"
       FROM location l JOIN location_holding h ON h.location_id = l.id JOIN credential_version v ON v.id = h.version_id
      WHERE l.credential_id = $1 AND ($2::uuid IS NULL OR l.id = $2) ORDER BY h.seq DESC LIMIT $3`,
    [of.credentialId, of.locationId ?? null, limit],
  );
  return rows.map((row) => ({
    ...row,
    putAt: row.putAt?.getTime() ?? null,
    recordedAt: row.recordedAt.getTime(),
  }));
}
