import { holds } from '../credentials/holdings.queries.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ExposedCredentialView, ExposedLocationView } from './incident.schema.ts';
import { dated } from './incidents.queries.ts';

/** The exposed versions, riskiest first, with all four facets. The cursor is `risk:version`. */
export async function exposedCredentials(
  db: Db,
  incidentId: Id,
  now: Millis,
  o: { cursor?: string; limit: number },
): Promise<{ credentials: ExposedCredentialView[]; next: string | null }> {
  const [risk, after] = o.cursor?.split(':') ?? [null, null];
  const rows = await rowsOf<object>(
    db,
    `SELECT x.version_id AS "versionId", x.credential_id AS "credentialId", c.reference AS "credentialReference",
            x.integration_id AS "integrationId", n.name AS "integrationName", c.name, v.number, c.kind, c.environment,
            c.verifier_party_id AS "supplierPartyId", s.name AS "supplierName", v.supplier_id AS "supplierId", c.risk, c.revocability,
            x.match, x.authority, x.approve_within_minutes AS "approveWithinMinutes", x.approve_otherwise AS "approveOtherwise",
            x.may_act AS "mayAct", x.why, x.run_id AS "runId", x.joined_at AS "joinedAt",
            coalesce(d.revocation, 'none') AS revocation, d.revocation_at AS "revocationAt", d.liveness, d.liveness_at AS "livenessAt",
            coalesce(d.sessions, 'unknown') AS sessions, d.sessions_until AS "sessionsUntil",
            jsonb_build_object('total', l.total, 'gone', l.gone, 'present', l.present, 'unprovable', l.unprovable) AS copies,
            ARRAY(SELECT DISTINCT t.kind FROM statement t WHERE t.subject_id = x.version_id AND t.subject_kind = 'credential_version') AS statements,
            (SELECT max(r.until) FROM risk_acceptance r WHERE r.subject_id = x.version_id AND r.until > $5) AS "riskAcceptedUntil"
       FROM incident_credential x
       JOIN credential c ON c.id = x.credential_id
       JOIN credential_version v ON v.id = x.version_id
       JOIN integration n ON n.id = x.integration_id
       JOIN party s ON s.id = c.verifier_party_id
       LEFT JOIN version_death d ON d.version_id = x.version_id
       CROSS JOIN LATERAL (
         SELECT count(*) AS total, count(*) FILTER (WHERE g.verdict = 'gone') AS gone,
                count(*) FILTER (WHERE g.verdict = 'present') AS present,
                count(*) FILTER (WHERE g.verdict = 'cannot_be_proven') AS unprovable
           FROM location o
           LEFT JOIN LATERAL (SELECT p.verdict FROM location_proof p WHERE p.location_id = o.id AND p.version_id = x.version_id
                               ORDER BY p.at DESC, p.id DESC LIMIT 1) g ON true
          WHERE o.credential_id = x.credential_id AND o.retired_at IS NULL AND ${holds('o', 'x.version_id')}) l
      WHERE x.incident_id = $1 AND ($2::int IS NULL OR c.risk < $2 OR (c.risk = $2 AND x.version_id > $3::uuid))
      ORDER BY c.risk DESC, x.version_id LIMIT $4`,
    [incidentId, risk, after, o.limit, new Date(now)],
  );
  const credentials = rows.map((row) => dated(row) as ExposedCredentialView);
  const last = credentials.at(-1);
  return {
    credentials,
    next: last && credentials.length === o.limit ? `${last.risk}:${last.versionId}` : null,
  };
}

/** Every copy of the exposed versions with its last verdict. The cursor is `location:version`. */
export async function exposedLocations(
  db: Db,
  incidentId: Id,
  now: Millis,
  o: { cursor?: string; limit: number },
): Promise<{ locations: ExposedLocationView[]; next: string | null }> {
  const [location, version] = o.cursor?.split(':') ?? [null, null];
  const rows = await rowsOf<object>(
    db,
    `SELECT o.id AS "locationId", x.version_id AS "versionId", c.name AS "credentialName", o.integration_id AS "integrationId",
            o.kind, o.name, o.path, o.party_id AS "partyId", p.name AS "partyName", o.provable, g.verdict, g.method, g.at,
            (SELECT max(r.until) FROM risk_acceptance r WHERE r.subject_id = o.id AND r.until > $5) AS "riskAcceptedUntil"
       FROM incident_credential x
       JOIN credential c ON c.id = x.credential_id
       JOIN location o ON o.credential_id = x.credential_id AND o.retired_at IS NULL AND ${holds('o', 'x.version_id')}
       JOIN party p ON p.id = o.party_id
       LEFT JOIN LATERAL (SELECT l.verdict, l.method, l.at FROM location_proof l WHERE l.location_id = o.id AND l.version_id = x.version_id
                           ORDER BY l.at DESC, l.id DESC LIMIT 1) g ON true
      WHERE x.incident_id = $1 AND ($2::uuid IS NULL OR (o.id, x.version_id) > ($2, $3::uuid))
      ORDER BY o.id, x.version_id LIMIT $4`,
    [incidentId, location, version, o.limit, new Date(now)],
  );
  const locations = rows.map((row) => dated(row) as ExposedLocationView);
  const last = locations.at(-1);
  return {
    locations,
    next: last && locations.length === o.limit ? `${last.locationId}:${last.versionId}` : null,
  };
}
