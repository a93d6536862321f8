import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ExposureDetail, ExposureView, OwnReport } from './exposure.schema.ts';

const VIEW = `SELECT e.id, e.reference, e.state, e.triage_reason AS "triageReason", e.dismiss_requested_by AS "dismissRequestedBy",
    e.match, e.trust, e.version_id AS "versionId", e.credential_id AS "credentialId", c.name AS "credentialName",
    e.integration_id AS "integrationId", e.incident_id AS "incidentId", i.reference AS "incidentReference",
    e.source_id AS "sourceId", s.name AS "sourceName", e.reporter_kind AS "reporterKind", e.reporter_party_id AS "reporterPartyId",
    e.external_ref AS "externalRef", e.place, e.kind, e.supplier_id AS "supplierId", e.source_says AS "sourceSays",
    e.publicly_leaked AS "publiclyLeaked", e.occurred_at AS "occurredAt", e.detected_at AS "detectedAt", e.received_at AS "receivedAt",
    e.matched_at AS "matchedAt", e.resolution, e.resolved_at AS "resolvedAt", e.row_version AS "rowVersion"
  FROM exposure e
  LEFT JOIN credential c ON c.id = e.credential_id
  LEFT JOIN incident i ON i.id = e.incident_id
  LEFT JOIN source s ON s.id = e.source_id`;

type Raw<T> = { [K in keyof T]: T[K] extends string | null ? T[K] | Date : T[K] };

/** Newest first, a page at a time. For the installation: a party's scope sees no row of it. */
export async function exposuresPage(
  db: Db,
  o: { state?: string; incidentId?: Id; cursor?: Id; limit: number },
): Promise<ExposureView[]> {
  const rows = await rowsOf<Raw<ExposureView>>(
    db,
    `${VIEW} WHERE ($1::text IS NULL OR e.state = $1) AND ($2::uuid IS NULL OR e.id < $2) AND ($3::uuid IS NULL OR e.incident_id = $3)
      ORDER BY e.id DESC LIMIT $4`,
    [o.state ?? null, o.cursor ?? null, o.incidentId ?? null, o.limit],
  );
  return rows.map((row) => dated(row) as ExposureView);
}

export async function exposureOf(db: Db, id: Id): Promise<ExposureDetail | undefined> {
  const [row] = await rowsOf<Raw<ExposureView>>(db, `${VIEW} WHERE e.id = $1`, [id]);
  if (!row) return undefined;
  const places = await rowsOf<object>(
    db,
    `SELECT type, url, path, line, seen_at AS "seenAt" FROM exposure_found_at WHERE exposure_id = $1 ORDER BY seen_at, id LIMIT 500`,
    [id],
  );
  return {
    ...(dated(row) as ExposureView),
    foundAt: places.map((place) => dated(place) as ExposureDetail['foundAt'][number]),
  };
}

/** What the asking party itself reported; the function in the database knows the party from the session. */
export async function ownReports(db: Db, o: { cursor?: Id; limit: number }): Promise<OwnReport[]> {
  const rows = await rowsOf<object>(
    db,
    `SELECT id, reference, external_ref AS "externalRef", kind, place, detected_at AS "detectedAt", received_at AS "receivedAt"
       FROM cs_own_exposure_reports($1, $2)`,
    [o.cursor ?? null, o.limit],
  );
  return rows.map((row) => dated(row) as OwnReport);
}

function dated(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString() : (value as unknown),
    ]),
  );
}
