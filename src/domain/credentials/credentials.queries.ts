import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { namedConditions, Parameters, where, type NamedFilter } from '../parties/named.queries.ts';
import type { CredentialCore, CredentialLine, LocationView, VersionView } from './credential.schema.ts';

export interface CredentialFilter extends NamedFilter {
  /** Used by, not only at home in. */
  integrationId?: Id;
  environment?: string;
  type?: string;
  verifierPartyId?: Id;
}

/** A party's name as the reader may know it: its own row, or what the integration says. */
const party = (column: string) => `jsonb_build_object('id', ${column}, 'name',
  coalesce((SELECT p.name FROM party p WHERE p.id = ${column}),
           (SELECT ip.party_name FROM integration_party ip WHERE ip.integration_id = t.integration_id AND ip.party_id = ${column} LIMIT 1)))`;

/** The later of what is stated and what was seen. A party sees no usage events, and is told what is stated. */
export const lastUse = (credential: string) =>
  `greatest(${credential}.last_used_at, (SELECT max(u.last_at) FROM usage_seen u WHERE u.credential_id = ${credential}.id))`;

const LINE = `t.id, t.reference, t.source, t.external_key AS key, t.name, t.kind AS type, t.environment,
  jsonb_build_object('id', t.integration_id, 'name', (SELECT i.name FROM integration i WHERE i.id = t.integration_id)) AS integration,
  ${party('t.issuer_party_id')} AS issuer, ${party('t.verifier_party_id')} AS verifier, t.authority, t.revocability, t.risk,
  (SELECT count(*)::int FROM credential_use u WHERE u.credential_id = t.id) AS uses,
  (SELECT jsonb_build_object('id', v.id, 'number', v.number, 'expiresAt', v.expires_at) FROM credential_version v WHERE v.credential_id = t.id AND v.phase = 'active') AS "activeVersion"`;

/** By name. Those whose home the reader may not see are left out: of them only their use is known. */
export function listCredentials(db: Db, filter: CredentialFilter): Promise<CredentialLine[]> {
  const parameters = new Parameters();
  const { $ } = parameters;
  const conditions = namedConditions(filter, parameters);
  if (filter.integrationId !== undefined) {
    conditions.push(
      `t.id IN (SELECT u.credential_id FROM credential_use u WHERE u.integration_id = ${$(filter.integrationId)})`,
    );
  }
  if (filter.environment !== undefined) conditions.push(`t.environment = ${$(filter.environment)}`);
  if (filter.type !== undefined) conditions.push(`t.kind = ${$(filter.type)}`);
  if (filter.verifierPartyId !== undefined)
    conditions.push(`t.verifier_party_id = ${$(filter.verifierPartyId)}`);
  return db.query<CredentialLine[]>(
    `SELECT ${LINE} FROM (SELECT * FROM credential t ${where(conditions)} ORDER BY t.name, t.id LIMIT ${$(filter.limit)}) t ORDER BY t.name, t.id`,
    parameters.values,
  );
}

export async function findCredential(db: Db, id: Id): Promise<CredentialCore | undefined> {
  const [core] = await db.query<
    (Omit<CredentialCore, 'versions' | 'locations' | 'lastUsedAt'> & { lastUsedAt: Date | null })[]
  >(
    `SELECT ${LINE}, t.store, t.rotate_every_days AS "rotateEveryDays", ${lastUse('t')} AS "lastUsedAt", t.purpose, t.direction, t.approve_within_minutes AS "approveWithinMinutes", t.approve_otherwise AS "approveOtherwise", t.row_version AS "rowVersion",
            CASE WHEN cs_installation() THEN t.connection_id END AS "connectionId",
            CASE WHEN t.owner_contact_id IS NOT NULL THEN jsonb_build_object('id', t.owner_contact_id, 'name', (SELECT k.name FROM contact k WHERE k.id = t.owner_contact_id)) END AS owner,
            CASE WHEN t.beneficiary_party_id IS NOT NULL THEN ${party('t.beneficiary_party_id')} END AS beneficiary,
            coalesce((SELECT jsonb_agg(DISTINCT ${party('h.party_id')}) FROM credential_holder h WHERE h.credential_id = t.id), '[]') AS holders,
            coalesce((SELECT jsonb_agg(jsonb_build_object('name', s.name, 'description', s.description, 'justification', s.justification,
                        'consent', (SELECT jsonb_build_object('by', p.name, 'at', n.at, 'statement', n.statement) FROM scope_consent n
                                      JOIN person p ON p.id = n.person_id
                                     WHERE n.credential_id = s.credential_id AND n.scope = s.name AND n.withdrawn_at IS NULL)) ORDER BY s.name)
                        FROM credential_scope s WHERE s.credential_id = t.id), '[]') AS scopes,
            coalesce((SELECT jsonb_agg(jsonb_build_object('integrationId', u.integration_id, 'name', (SELECT i.name FROM integration i WHERE i.id = u.integration_id), 'label', u.label) ORDER BY u.label)
                        FROM credential_use u WHERE u.credential_id = t.id), '[]') AS "usedBy"
       FROM credential t WHERE t.id = $1`,
    [id],
  );
  if (!core) return undefined;
  return {
    ...core,
    lastUsedAt: core.lastUsedAt?.toISOString() ?? null,
    versions: await versionsOf(db, id),
    locations: await locationsOf(db, { credentialId: id }),
  };
}

type Dates<T, K extends keyof T> = Omit<T, K> & Record<K, Date | null>;

/** Newest first. A party's own people are not told what would be recognised: that list is the operator's. */
export async function versionsOf(db: Db, credentialId: Id): Promise<VersionView[]> {
  const rows = await db.query<Dates<VersionView, 'issuedAt' | 'expiresAt' | 'activatedAt' | 'retiredAt'>[]>(
    `SELECT v.id, v.number, v.supplier_id AS "supplierId", v.phase, v.issued_at AS "issuedAt", v.expires_at AS "expiresAt", v.activated_at AS "activatedAt",
            v.retired_at AS "retiredAt", v.row_version AS "rowVersion",
            ARRAY(SELECT DISTINCT f.part FROM fingerprint f WHERE f.version_id = v.id ORDER BY 1) AS recognisable
       FROM credential_version v WHERE v.credential_id = $1 ORDER BY v.number DESC LIMIT 200`,
    [credentialId],
  );
  return rows.map((row) => ({
    ...row,
    issuedAt: row.issuedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    activatedAt: row.activatedAt?.toISOString() ?? null,
    retiredAt: row.retiredAt?.toISOString() ?? null,
  }));
}

/** Copies of one credential, or in one integration. */
export async function locationsOf(
  db: Db,
  of: { credentialId: Id } | { integrationId: Id },
  limit = 1000,
): Promise<LocationView[]> {
  const [column, id] =
    'credentialId' in of ? ['credential_id', of.credentialId] : ['integration_id', of.integrationId];
  const rows = await db.query<Dates<LocationView, 'putAt' | 'retiredAt'>[]>(
    `SELECT t.id, t.external_key AS key, t.kind AS type, t.name, t.path, t.integration_id AS "integrationId", t.version_id AS "versionId", ${party('t.party_id')} AS party,
            CASE WHEN t.owner_contact_id IS NOT NULL THEN jsonb_build_object('id', t.owner_contact_id, 'name', (SELECT k.name FROM contact k WHERE k.id = t.owner_contact_id)) END AS owner,
            t.arrived_by AS "arrivedBy", t.put_by AS "putBy", t.put_at AS "putAt", t.provable, t.retired_at AS "retiredAt", t.row_version AS "rowVersion"
       FROM location t WHERE t.${column} = $1 ORDER BY t.id LIMIT $2`,
    [id, limit],
  );
  return rows.map((row) => ({
    ...row,
    putAt: row.putAt?.toISOString() ?? null,
    retiredAt: row.retiredAt?.toISOString() ?? null,
  }));
}
