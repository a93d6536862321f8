import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import type { VersionState } from './release.rules.ts';

/** A version with what decides whether its value may be handed out. */
export interface KnownVersion extends VersionState {
  id: Id;
  credentialId: Id;
  /** The credential's home. */
  integrationId: Id;
  number: number;
  ref: StoredRef | null;
  /** The number of the version that waits to take over. */
  successor: number | null;
}

/** Of a version `v`: it was reported as leaked, and nobody dismissed that; by its fingerprint, though no match was made yet. */
export const EXPOSED = `(
  EXISTS (SELECT FROM incident_credential x JOIN incident n ON n.id = x.incident_id WHERE x.version_id = v.id AND n.state <> 'dismissed')
  OR EXISTS (SELECT FROM exposure e WHERE e.version_id = v.id AND e.state <> 'dismissed')
  OR EXISTS (SELECT FROM fingerprint f JOIN exposure_digest g ON g.digest = f.digest JOIN exposure e ON e.id = g.exposure_id
              WHERE f.version_id = v.id AND e.state <> 'dismissed'))`;

/** Of a death `d`: somebody asked for its end. */
export const BEING_REVOKED = `coalesce(d.revocation <> 'none' OR d.revoke_sent_at IS NOT NULL, false)`;

const VERSION = `SELECT v.id, v.credential_id AS "credentialId", v.integration_id AS "integrationId", v.number, v.phase, v.store_ref AS ref,
    (extract(epoch FROM v.expires_at) * 1000)::float8 AS "expiresAt", v.store_ref IS NOT NULL AS kept, ${EXPOSED} AS exposed,
    ${BEING_REVOKED} AS "beingRevoked", coalesce(d.liveness = 'dead', false) AS dead,
    (SELECT min(s.number) FROM credential_version s WHERE s.credential_id = v.credential_id AND s.phase = 'pending' AND s.number > v.number) AS successor
  FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id`;

export async function findVersionState(db: Db, versionId: Id): Promise<KnownVersion | undefined> {
  const [row] = await db.query<KnownVersion[]>(`${VERSION} WHERE v.id = $1`, [versionId]);
  return row;
}

/** The version that is in use. */
export async function activeVersionState(db: Db, credentialId: Id): Promise<KnownVersion | undefined> {
  const [row] = await db.query<KnownVersion[]>(
    `${VERSION} WHERE v.credential_id = $1 AND v.phase = 'active'`,
    [credentialId],
  );
  return row;
}

export interface Inherits {
  riskTier: number;
  dataClass: string;
}

/** Every integration that uses a credential, as far as its policy depends on it. */
export function usersOf(db: Db, credentialId: Id): Promise<Inherits[]> {
  return db.query(
    `SELECT DISTINCT i.risk_tier AS "riskTier", i.data_class AS "dataClass"
       FROM credential_use u JOIN integration i ON i.id = u.integration_id WHERE u.credential_id = $1`,
    [credentialId],
  );
}

/** A row's instant as UTC milliseconds; null stays null. */
export function millisOf(at: Date | null): Millis | null {
  return at?.getTime() ?? null;
}
