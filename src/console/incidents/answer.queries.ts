import { holds } from '../../domain/credentials/holdings.queries.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export type ItemKind = 'version' | 'copy';

/** One thing of an incident that somebody may have to answer for: an exposed version, or a copy of one. */
export interface IncidentItem {
  id: Id;
  kind: ItemKind;
  credentialReference: string;
  credentialName: string;
  /** The exposed versions that it is, or that it is a copy of. */
  versions: { id: Id; number: number }[];
  /** Of a copy: what, of which kind, where, and how its end can be shown. */
  copy: {
    name: string;
    kind: string;
    path: string;
    partyName: string;
    provable: string;
    /** What the newest proof of it rests on; null: there is none. */
    method: string | null;
  } | null;
  integrationName: string;
}

/** @returns undefined for what is nothing of this incident */
export async function itemOf(
  db: Db,
  incidentId: Id,
  kind: ItemKind,
  id: Id,
): Promise<IncidentItem | undefined> {
  const [row] = await db.query<IncidentItem[]>(
    kind === 'version'
      ? `SELECT x.version_id AS id, $3::text AS kind, c.reference AS "credentialReference", c.name AS "credentialName",
                jsonb_build_array(jsonb_build_object('id', v.id, 'number', v.number)) AS versions, NULL AS copy,
                n.name AS "integrationName"
           FROM incident_credential x
           JOIN credential c ON c.id = x.credential_id
           JOIN credential_version v ON v.id = x.version_id
           JOIN integration n ON n.id = x.integration_id
          WHERE x.incident_id = $1 AND x.version_id = $2`
      : `SELECT l.id, $3::text AS kind, c.reference AS "credentialReference", c.name AS "credentialName",
                jsonb_agg(jsonb_build_object('id', v.id, 'number', v.number) ORDER BY v.number) AS versions,
                jsonb_build_object('name', l.name, 'kind', l.kind, 'path', l.path, 'partyName', p.name, 'provable', l.provable,
                  'method', (SELECT q.method FROM location_proof q WHERE q.location_id = l.id ORDER BY q.at DESC, q.id DESC LIMIT 1)) AS copy,
                n.name AS "integrationName"
           FROM location l
           JOIN incident_credential x ON x.credential_id = l.credential_id AND ${holds('l', 'x.version_id')}
           JOIN credential c ON c.id = l.credential_id
           JOIN credential_version v ON v.id = x.version_id
           JOIN integration n ON n.id = l.integration_id
           JOIN party p ON p.id = l.party_id
          WHERE x.incident_id = $1 AND l.id = $2 AND l.retired_at IS NULL
          GROUP BY l.id, c.id, n.id, p.id`,
    [incidentId, id, kind],
  );
  return row;
}

export interface SignedStatement {
  kind: string;
  signsFor: string;
  at: Millis;
}

export function statementsOn(db: Db, subjectId: Id): Promise<SignedStatement[]> {
  return db.query(
    `SELECT kind, signs_for AS "signsFor", ${ms('at')} AS at FROM statement WHERE subject_id = $1 ORDER BY statement.at DESC LIMIT 20`,
    [subjectId],
  );
}

export interface ShownLook {
  method: string;
  verdict: 'gone' | 'present' | 'indeterminate';
  why: string;
  tool: string;
  version: number;
  lookedAt: Millis;
}

/** What looks at a copy by machine told, newest first; also those that told nothing. */
export function looksAt(db: Db, locationId: Id): Promise<ShownLook[]> {
  return db.query(
    `SELECT k.method, k.verdict, k.why, k.tool, v.number AS version, ${ms('k.looked_at')} AS "lookedAt"
       FROM copy_look k JOIN credential_version v ON v.id = k.version_id
      WHERE k.location_id = $1 ORDER BY k.recorded_at DESC, k.id DESC LIMIT 20`,
    [locationId],
  );
}

export interface CarriedRisk {
  /** Of the request that nobody answered yet; null: it is accepted. */
  requestId: Id | null;
  /** Who asked. */
  askedBy: string;
  userId: Id;
  /** null: nobody has yet. */
  acceptedBy: string | null;
  reason: string;
  until: Millis;
}

/** Who carries the risk, and who has asked for it, now. */
export function risksOf(db: Db, subjectId: Id, now: Millis): Promise<CarriedRisk[]> {
  return db.query(
    `SELECT r.request_id AS "requestId", p.name AS "askedBy", u.id AS "userId", b.name AS "acceptedBy", r.reason, ${ms('r.until')} AS until
       FROM (SELECT NULL::uuid AS request_id, requested_by, accepted_by, reason, until, created_at FROM risk_acceptance WHERE subject_id = $1 AND until > $2
             UNION ALL
             SELECT id, requested_by, NULL, reason, until, created_at FROM risk_request
              WHERE subject_id = $1 AND until > $2 AND answered_at IS NULL) r
       JOIN user_account u ON u.id = r.requested_by JOIN person p ON p.id = u.person_id
       LEFT JOIN user_account a ON a.id = r.accepted_by LEFT JOIN person b ON b.id = a.person_id
      ORDER BY r.created_at DESC LIMIT 20`,
    [subjectId, new Date(now)],
  );
}
