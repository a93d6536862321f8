import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { holds } from '../credentials/holdings.queries.ts';
import { provenDead } from '../revocation/deaths.queries.ts';
import type { DoneAbout } from './incident.rules.ts';
import type { CaseDetail, CaseView, IncidentView, InstantView } from './incident.schema.ts';

const CLEARED = `SELECT DISTINCT ON (p.location_id, p.version_id) p.location_id, p.version_id, p.verdict FROM location_proof p`;

const INCIDENT = `SELECT i.id, i.reference, i.title, i.state, i.severity, i.previous_incident_id AS "previousIncidentId",
    i.awareness_at AS "awarenessAt", i.opened_at AS "openedAt", i.contained_at AS "containedAt", i.closed_at AS "closedAt",
    i.dismiss_requested_by AS "dismissRequestedBy", i.acknowledged_at AS "acknowledgedAt", i.row_version AS "rowVersion",
    jsonb_build_object(
      'exposures', (SELECT count(*) FROM exposure e WHERE e.incident_id = i.id),
      'credentials', (SELECT count(*) FROM incident_credential x WHERE x.incident_id = i.id),
      'verifiedDead', (SELECT count(*) FROM incident_credential x JOIN version_death d ON d.version_id = x.version_id
                        WHERE x.incident_id = i.id AND ${provenDead('d', 'x.joined_at')}),
      'cases', (SELECT count(*) FROM incident_case c WHERE c.incident_id = i.id),
      'locations', l.total, 'locationsCleared', l.cleared) AS counts
  FROM incident i
  CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE g.verdict = 'gone') AS cleared
      FROM incident_credential x
      JOIN location o ON o.credential_id = x.credential_id AND o.retired_at IS NULL AND ${holds('o', 'x.version_id')}
      LEFT JOIN LATERAL (${CLEARED} WHERE p.location_id = o.id AND p.version_id = x.version_id
                          ORDER BY p.location_id, p.version_id, p.at DESC, p.id DESC) g ON true
     WHERE x.incident_id = i.id) l`;

/** Newest first, by keyset. For the installation: outsiders see cases. */
export async function incidentsPage(
  db: Db,
  o: { state?: string; after?: { at: Millis; id: Id }; limit: number },
): Promise<IncidentView[]> {
  const rows = await rowsOf<object>(
    db,
    `${INCIDENT} WHERE ($1::text IS NULL OR i.state = $1)
        AND ($2::timestamptz IS NULL OR (i.opened_at, i.id) < ($2, $3::uuid))
      ORDER BY i.opened_at DESC, i.id DESC LIMIT $4`,
    [o.state ?? null, o.after ? iso(o.after.at) : null, o.after?.id ?? null, o.limit],
  );
  return rows.map((row) => dated(row) as IncidentView);
}

export async function incidentOf(db: Db, id: Id): Promise<IncidentView | undefined> {
  const [row] = await rowsOf<object>(db, `${INCIDENT} WHERE i.id = $1`, [id]);
  return row && (dated(row) as IncidentView);
}

// What ties a case to the others of its incident is nothing to an outsider.
const CASE = `SELECT c.id, c.reference, CASE WHEN (SELECT cs_installation()) THEN c.incident_id END AS "incidentId",
    c.integration_id AS "integrationId", n.name AS "integrationName", c.state, c.awareness_at AS "awarenessAt",
    c.opened_at AS "openedAt", c.contained_at AS "containedAt", c.closed_at AS "closedAt", c.outside_summary AS summary,
    c.matrix_version_id AS "matrixVersionId", c.agreement_version_id AS "agreementVersionId", c.row_version AS "rowVersion"
  FROM incident_case c JOIN integration n ON n.id = c.integration_id`;

/** Newest first. Row-level security leaves a party the cases of its own integrations. */
export async function casesPage(
  db: Db,
  o: { incidentId?: Id; state?: string; integrationId?: Id; after?: { at: Millis; id: Id }; limit: number },
): Promise<CaseView[]> {
  const rows = await rowsOf<object>(
    db,
    `${CASE} WHERE ($1::uuid IS NULL OR c.incident_id = $1) AND ($2::text IS NULL OR c.state = $2)
        AND ($3::uuid IS NULL OR c.integration_id = $3)
        AND ($4::timestamptz IS NULL OR (c.opened_at, c.id) < ($4, $5::uuid))
      ORDER BY c.opened_at DESC, c.id DESC LIMIT $6`,
    [
      o.incidentId ?? null,
      o.state ?? null,
      o.integrationId ?? null,
      o.after ? iso(o.after.at) : null,
      o.after?.id ?? null,
      o.limit,
    ],
  );
  return rows.map((row) => dated(row) as CaseView);
}

/**
 * One case with its credentials as this integration calls them. A shared credential's death stands with its home
 * integration; a party that is not in it is told the verdict through the case alone.
 */
export async function caseOf(db: Db, id: Id): Promise<CaseDetail | undefined> {
  const [row] = await rowsOf<object>(db, `${CASE} WHERE c.id = $1`, [id]);
  if (!row) return undefined;
  const credentials = await rowsOf<object>(
    db,
    `SELECT u.label, k.joined_at AS "joinedAt", d.liveness, d.revocation
       FROM case_credential k
       JOIN credential_use u ON u.credential_id = k.credential_id AND u.integration_id = k.integration_id
       LEFT JOIN version_death d ON d.version_id = k.version_id
      WHERE k.case_id = $1 ORDER BY u.label, k.version_id LIMIT 1000`,
    [id],
  );
  const [copies] = await rowsOf<{ total: number; gone: number }>(
    db,
    `SELECT count(*)::int AS total, count(*) FILTER (WHERE g.verdict = 'gone')::int AS gone
       FROM case_credential k
       JOIN location o ON o.credential_id = k.credential_id AND o.integration_id = k.integration_id AND o.retired_at IS NULL
                      AND ${holds('o', 'k.version_id')}
       LEFT JOIN LATERAL (${CLEARED} WHERE p.location_id = o.id AND p.version_id = k.version_id
                           ORDER BY p.location_id, p.version_id, p.at DESC, p.id DESC) g ON true
      WHERE k.case_id = $1`,
    [id],
  );
  return {
    ...(dated(row) as CaseView),
    credentials: credentials.map((one) => dated(one) as CaseDetail['credentials'][number]),
    copies: copies ?? { total: 0, gone: 0 },
  };
}

export async function instantsOf(db: Db, incidentId: Id): Promise<InstantView[]> {
  const rows = await rowsOf<object>(
    db,
    `SELECT id, case_id AS "caseId", kind, at, zone, asserted_by_kind AS "assertedByKind", asserted_by AS "assertedBy", basis,
            disputes_id AS "disputesId", recorded_at AS "recordedAt"
       FROM instant WHERE incident_id = $1 ORDER BY recorded_at, id LIMIT 5000`,
    [incidentId],
  );
  return rows.map((row) => dated(row) as InstantView);
}

/** Of the exposed versions those about which anything was begun, the riskiest first. */
export function doneIn(db: Db, incidentId: Id): Promise<DoneAbout[]> {
  return rowsOf<DoneAbout>(
    db,
    `SELECT c.name || ', version ' || v.number AS label, coalesce(d.revocation, 'none') AS revocation,
            d.revoke_sent_at IS NOT NULL AS sent, s.kind AS signed
       FROM incident_credential x
       JOIN credential_version v ON v.id = x.version_id
       JOIN credential c ON c.id = x.credential_id
       LEFT JOIN version_death d ON d.version_id = x.version_id
       LEFT JOIN LATERAL (SELECT t.kind FROM statement t WHERE t.subject_kind = 'credential_version' AND t.subject_id = x.version_id
                             AND t.kind IN ('revoked', 'replaced') ORDER BY t.at DESC LIMIT 1) s ON true
      WHERE x.incident_id = $1 AND (d.revocation <> 'none' OR s.kind IS NOT NULL)
      ORDER BY c.risk DESC, x.version_id`,
    [incidentId],
  );
}

/** Instants as RFC 3339 text, as every view has them. */
export function dated(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString() : (value as unknown),
    ]),
  );
}
