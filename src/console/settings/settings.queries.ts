import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface SourceLine {
  id: Id;
  key: string;
  kind: string;
  name: string;
  trust: string;
  environment: string;
  partyName: string | null;
  ownerName: string | null;
  active: boolean;
  lastSeenAt: Millis | null;
  deliveries: number;
  exposures: number;
  inTriage: number;
}

/** Where reports come from, with what came; never a key. */
export function listSources(db: Db): Promise<SourceLine[]> {
  return db.query(
    `SELECT s.id, s.key, s.kind, s.name, s.trust, s.environment, p.name AS "partyName", k.name AS "ownerName", s.active,
            ${ms('s.last_seen_at')} AS "lastSeenAt",
            (SELECT count(*)::int FROM delivery d WHERE d.source_id = s.id) AS deliveries,
            coalesce(e.exposures, 0) AS exposures, coalesce(e.triage, 0) AS "inTriage"
       FROM source s
       LEFT JOIN party p ON p.id = s.party_id
       LEFT JOIN contact k ON k.id = s.owner_contact_id
       LEFT JOIN (SELECT source_id, count(*)::int AS exposures, count(*) FILTER (WHERE state = 'triage')::int AS triage
                    FROM exposure GROUP BY source_id) e ON e.source_id = s.id
      ORDER BY s.active DESC, s.name LIMIT 500`,
  );
}

export interface StoreUse {
  store: string;
  /** Values that are kept there. */
  values: number;
  /** Of those outside: still sealed here, or destroyed here and still there. */
  waiting: number;
  problem: string | null;
}

/** How many secrets each store keeps, and what is on its way; never a secret, nor what it belongs to. */
export function listStoreUses(db: Db): Promise<StoreUse[]> {
  return db.query(
    `SELECT 'sealed' AS store, count(*)::int AS values, 0 AS waiting, NULL::text AS problem
       FROM sealed_secret WHERE destroyed_at IS NULL AND NOT starts_with(bound_to, 'outside_secret:')
     UNION ALL
     SELECT store, count(*) FILTER (WHERE destroy_at IS NULL)::int,
            count(*) FILTER (WHERE sealed_ref IS NOT NULL OR (destroy_at IS NOT NULL AND destroyed_at IS NULL))::int,
            max(problem)
       FROM outside_secret GROUP BY store`,
  );
}

export interface ConnectionLine {
  id: Id;
  name: string;
  partyName: string;
  presetKey: string;
  title: string | null;
  connector: string | null;
  baseUrl: string;
  environment: string;
  hasControl: boolean;
  /** Names of the secrets it authenticates with, never their values. */
  secrets: string[];
  maxConcurrent: number;
  credentials: number;
  retiredAt: Millis | null;
}

/** How suppliers are reached by machine. */
export function listConnections(db: Db): Promise<ConnectionLine[]> {
  return db.query(
    `SELECT n.id, n.name, p.name AS "partyName", n.preset_key AS "presetKey", t.title, t.connector, n.base_url AS "baseUrl",
            n.environment, n.control_ref IS NOT NULL AS "hasControl",
            ARRAY(SELECT jsonb_object_keys(n.auth_refs)) AS secrets, n.max_concurrent AS "maxConcurrent",
            (SELECT count(*)::int FROM credential c WHERE c.connection_id = n.id AND c.retired_at IS NULL) AS credentials,
            ${ms('n.retired_at')} AS "retiredAt"
       FROM connection n JOIN party p ON p.id = n.party_id
       LEFT JOIN connector_preset t ON t.key = n.preset_key AND t.active
      ORDER BY n.retired_at IS NOT NULL, p.name, n.name LIMIT 500`,
  );
}

export interface SourceFacts {
  id: Id;
  key: string;
  kind: string;
  name: string;
  environment: string;
  trust: string;
  partyName: string | null;
  ownerName: string | null;
  active: boolean;
  keys: { id: Id; addedAt: string }[];
  settings: Record<string, string | boolean>;
  bodyLimit: number | null;
  quotaPerHour: number;
  publishedAt: Millis | null;
  lastSeenAt: Millis | null;
  rowVersion: number;
}

/** One source with what is set up for it; of its keys only that there are some. */
export async function findSource(db: Db, key: string): Promise<SourceFacts | undefined> {
  const [row] = await db.query<SourceFacts[]>(
    `SELECT s.id, s.key, s.kind, s.name, s.environment, s.trust, p.name AS "partyName", k.name AS "ownerName", s.active,
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', r->'id', 'addedAt', r->'addedAt') ORDER BY n)
                        FROM jsonb_array_elements(s.key_refs) WITH ORDINALITY AS r(r, n)), '[]') AS keys,
            s.settings, s.body_limit AS "bodyLimit", s.quota_per_hour AS "quotaPerHour", ${ms('s.published_at')} AS "publishedAt",
            ${ms('s.last_seen_at')} AS "lastSeenAt", s.row_version AS "rowVersion"
       FROM source s
       LEFT JOIN party p ON p.id = s.party_id
       LEFT JOIN contact k ON k.id = s.owner_contact_id
      WHERE s.key = $1`,
    [key],
  );
  return row;
}

/** Who may answer for a source: the operator's own people. */
export function listOwners(db: Db): Promise<{ value: string; word: string }[]> {
  return db.query(
    `SELECT k.id AS value, k.name AS word FROM contact k JOIN party p ON p.id = k.party_id
      WHERE p.is_operator AND k.active ORDER BY k.name, k.id LIMIT 500`,
  );
}
