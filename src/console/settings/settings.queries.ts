import type { MailLanguage } from '../../domain/access/mail-language.rules.ts';
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
  /** Turned away, today and the six days before it. */
  refused: number;
  exposures: number;
  inTriage: number;
  /** Why it could not be asked when it last was. */
  pollProblem: string | null;
}

/** Where reports come from, with what came; never a key. */
export function listSources(db: Db, now: Millis): Promise<SourceLine[]> {
  return db.query(
    `SELECT s.id, s.key, s.kind, s.name, s.trust, s.environment, p.name AS "partyName", k.name AS "ownerName", s.active,
            ${ms('s.last_seen_at')} AS "lastSeenAt",
            (SELECT count(*)::int FROM delivery d WHERE d.source_id = s.id) AS deliveries,
            (SELECT coalesce(sum(c.count), 0)::float8 FROM refused_delivery_count c WHERE c.source_id = s.id AND c.day > $1::date - 7) AS refused,
            s.poll_problem AS "pollProblem", coalesce(e.exposures, 0) AS exposures, coalesce(e.triage, 0) AS "inTriage"
       FROM source s
       LEFT JOIN party p ON p.id = s.party_id
       LEFT JOIN contact k ON k.id = s.owner_contact_id
       LEFT JOIN (SELECT source_id, count(*)::int AS exposures, count(*) FILTER (WHERE state = 'triage')::int AS triage
                    FROM exposure GROUP BY source_id) e ON e.source_id = s.id
      ORDER BY s.active DESC, s.name LIMIT 500`,
    [new Date(now).toISOString().slice(0, 10)],
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
  /** When our own token there ends by itself, and what is wrong with it, as was last seen. */
  tokenEndsAt: Millis | null;
  tokenProblem: string | null;
  retiredAt: Millis | null;
}

/** How suppliers are reached by machine. */
export function listConnections(db: Db): Promise<ConnectionLine[]> {
  return db.query(
    `SELECT n.id, n.name, p.name AS "partyName", n.preset_key AS "presetKey", t.title, t.connector, n.base_url AS "baseUrl",
            n.environment, n.control_ref IS NOT NULL AS "hasControl",
            ARRAY(SELECT jsonb_object_keys(n.auth_refs)) AS secrets, n.max_concurrent AS "maxConcurrent",
            (SELECT count(*)::int FROM credential c WHERE c.connection_id = n.id AND c.retired_at IS NULL) AS credentials,
            ${ms('a.ends_at')} AS "tokenEndsAt", a.problem AS "tokenProblem", ${ms('n.retired_at')} AS "retiredAt"
       FROM connection n JOIN party p ON p.id = n.party_id
       LEFT JOIN connection_access a ON a.connection_id = n.id AND n.retired_at IS NULL
       LEFT JOIN connector_preset t ON t.key = n.preset_key AND t.active
      ORDER BY n.retired_at IS NOT NULL, p.name, n.name LIMIT 500`,
  );
}

/** The account of whoever reads. */
export interface OwnAccount {
  name: string;
  email: string;
  roles: string[];
  partyName: string | null;
  language: MailLanguage | null;
}

export async function ownAccount(db: Db, userId: Id): Promise<OwnAccount> {
  const [row] = await db.query<OwnAccount[]>(
    `SELECT n.name, u.email, u.language, p.name AS "partyName",
            coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = u.id), '{}') AS roles
       FROM user_account u JOIN person n ON n.id = u.person_id LEFT JOIN party p ON p.id = u.party_id WHERE u.id = $1`,
    [userId],
  );
  return row!;
}
