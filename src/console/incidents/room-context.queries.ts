import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { REPORTED_BY } from '../../domain/exposures/reported-by.queries.ts';
import { ms } from '../shared/sql.ts';

/** How many credentials, and how many of anything else, a room shows at once; the rest is counted and a page away. */
export const SHOWN = 50;

export interface Witness {
  reference: string;
  sourceName: string;
  state: string;
  match: string | null;
  place: string | null;
  credentialName: string | null;
  publiclyLeaked: boolean;
  receivedAt: Millis;
  detectedAt: Millis | null;
}

/** The newest first. */
export function witnessesOf(db: Db, incidentId: Id): Promise<Witness[]> {
  return db.query(
    `SELECT e.reference, ${REPORTED_BY} AS "sourceName", e.state, e.match, e.place, c.name AS "credentialName",
            e.publicly_leaked AS "publiclyLeaked", ${ms('e.received_at')} AS "receivedAt", ${ms('e.detected_at')} AS "detectedAt"
       FROM exposure e LEFT JOIN source s ON s.id = e.source_id LEFT JOIN credential c ON c.id = e.credential_id
      WHERE e.incident_id = $1 ORDER BY e.received_at DESC, e.id DESC LIMIT ${SHOWN}`,
    [incidentId],
  );
}

export interface RoomCase {
  id: Id;
  reference: string;
  state: string;
  integrationReference: string;
  integrationName: string;
  parties: string[];
  credentials: number;
  awarenessAt: Millis;
  /** Accountable for containment by the matrix in force at awareness. */
  accountable: string | null;
}

const CASE = `
  SELECT k.id, k.reference, k.state, i.reference AS "integrationReference", i.name AS "integrationName",
         ARRAY(SELECT DISTINCT p.party_name FROM integration_party p WHERE p.integration_id = i.id) AS parties,
         (SELECT count(*)::int FROM case_credential z WHERE z.case_id = k.id) AS credentials,
         ${ms('k.awareness_at')} AS "awarenessAt",
         (SELECT p.party_name FROM matrix_row m JOIN integration_party p ON p.party_id = m.accountable_party_id AND p.integration_id = i.id
           WHERE m.matrix_version_id = k.matrix_version_id AND m.duty = 'containment' AND m.credential_id IS NULL
           ORDER BY m.part LIMIT 1) AS accountable
    FROM incident_case k JOIN integration i ON i.id = k.integration_id`;

/** The open ones first. */
export function roomCasesOf(db: Db, incidentId: Id): Promise<RoomCase[]> {
  return db.query(
    `${CASE}
      WHERE k.incident_id = $1 ORDER BY k.state = 'open' DESC, i.name, k.id LIMIT ${SHOWN}`,
    [incidentId],
  );
}

/** All of them, a page at a time, in the order in which they came. */
export function casesAfter(
  db: Db,
  incidentId: Id,
  after: Id | undefined,
  limit: number,
): Promise<RoomCase[]> {
  return db.query(
    `${CASE} WHERE k.incident_id = $1 AND ($2::uuid IS NULL OR k.id > $2) ORDER BY k.id LIMIT $3`,
    [incidentId, after ?? null, limit],
  );
}

export interface RoomInstant {
  kind: string;
  at: Millis;
  assertedBy: string;
  /** The person behind it, where one is known. */
  assertedByName: string | null;
  basis: string;
  caseReference: string | null;
}

/** Those of the incident itself before those of its cases; the newest first. */
export function instantsOf(db: Db, incidentId: Id): Promise<RoomInstant[]> {
  return db.query(
    `SELECT t.kind, ${ms('t.at')} AS at, t.asserted_by_kind AS "assertedBy", p.name AS "assertedByName", t.basis, k.reference AS "caseReference"
       FROM instant t LEFT JOIN incident_case k ON k.id = t.case_id
       LEFT JOIN user_account u ON t.asserted_by_kind = 'user' AND u.id::text = t.asserted_by
       LEFT JOIN person p ON p.id = u.person_id
      WHERE t.incident_id = $1 ORDER BY t.case_id IS NOT NULL, t.at DESC, t.id DESC LIMIT ${4 * SHOWN}`,
    [incidentId],
  );
}

export interface RoomTotals {
  cases: number;
  reports: number;
  notices: number;
}

/** @param subjects  what its notices are about */
export async function totalsOf(db: Db, incidentId: Id, subjects: readonly Id[]): Promise<RoomTotals> {
  const [row] = await db.query<RoomTotals[]>(
    `SELECT (SELECT count(*)::int FROM incident_case WHERE incident_id = $1) AS cases,
            (SELECT count(*)::int FROM exposure WHERE incident_id = $1) AS reports,
            (SELECT count(*)::int FROM notice WHERE subject_id = ANY ($2::uuid[])) AS notices`,
    [incidentId, subjects],
  );
  return row ?? { cases: 0, reports: 0, notices: 0 };
}
