import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { DownstreamBasis, DownstreamState } from './downstream.rules.ts';
import type { DownstreamItemView } from './downstream.schema.ts';

/** One way in which an exposed version reaches a system, with whoever has to look there. */
export interface ReachRow {
  version_id: Id;
  credential_id: Id;
  case_id: Id | null;
  system_id: Id;
  system_name: string;
  system_kind: string;
  basis: DownstreamBasis;
  scope: string;
  party_id: Id;
  contact_id: Id | null;
}

/** The exposed versions of an incident, after a version, that reach anything at all; of the certain ones among them, see `reachOf`. */
export async function versionsThatReach(
  db: Db,
  incidentId: Id,
  after: Id | null,
  limit: number,
): Promise<Id[]> {
  const rows = await rowsOf<{ id: Id }>(
    db,
    `SELECT x.version_id AS id FROM incident_credential x
      WHERE x.incident_id = $1 AND ($2::uuid IS NULL OR x.version_id > $2)
        AND (x.credential_id IN (SELECT credential_id FROM credential_system)
             OR x.credential_id IN (SELECT l.credential_id FROM location l JOIN location_system ls ON ls.location_id = l.id
                                     WHERE l.retired_at IS NULL))
      ORDER BY x.version_id LIMIT $3`,
    [incidentId, after, limit],
  );
  return rows.map(({ id }) => id);
}

/**
 * What these versions of an incident reach, as far as they are confirmed. Whoever the matrix at awareness makes accountable for
 * downstream impact looks; without one, whoever owns the system.
 */
export function reachOf(db: Db, incidentId: Id, versionIds: readonly Id[]): Promise<ReachRow[]> {
  return rowsOf<ReachRow>(
    db,
    `WITH exposed AS (
       SELECT x.version_id, x.credential_id,
              (SELECT c.id FROM incident_case c JOIN case_credential k ON k.case_id = c.id AND k.version_id = x.version_id
                WHERE c.incident_id = x.incident_id ORDER BY c.integration_id = x.integration_id DESC, c.id LIMIT 1) AS case_id
         FROM incident_credential x
        WHERE x.incident_id = $1 AND x.version_id = ANY($2::uuid[])
          AND (x.match = 'value' OR EXISTS (
                SELECT FROM instant t JOIN case_credential k ON k.case_id = t.case_id AND k.version_id = x.version_id
                 WHERE t.incident_id = x.incident_id AND t.kind = 'confirmed')))
     SELECT e.version_id, e.credential_id, e.case_id, s.id AS system_id, s.name AS system_name, s.kind AS system_kind, r.basis, r.scope,
            coalesce(m.accountable_party_id, s.party_id) AS party_id, coalesce(m.contact_id, o.id) AS contact_id
       FROM exposed e
       JOIN LATERAL (
         SELECT system_id, basis, scope FROM credential_system WHERE credential_id = e.credential_id
         UNION ALL
         SELECT ls.system_id, 'copy', l.name FROM location l JOIN location_system ls ON ls.location_id = l.id
          WHERE l.credential_id = e.credential_id AND l.retired_at IS NULL) r ON true
       JOIN system s ON s.id = r.system_id
       LEFT JOIN incident_case c ON c.id = e.case_id
       LEFT JOIN LATERAL (
         SELECT w.accountable_party_id, w.contact_id FROM matrix_row w
          WHERE w.matrix_version_id = c.matrix_version_id AND w.duty = 'downstream_impact'
            AND (w.credential_id = e.credential_id OR w.credential_id IS NULL)
          ORDER BY w.credential_id IS NULL, w.part LIMIT 1) m ON true
       LEFT JOIN LATERAL (
         SELECT k.id FROM contact k WHERE k.party_id = coalesce(m.accountable_party_id, s.party_id) AND k.active
          ORDER BY k.role = 'security' DESC, k.created_at LIMIT 1) o ON true
      ORDER BY e.version_id, s.id`,
    [incidentId, versionIds],
  );
}

export interface DownstreamFilter {
  incidentId?: Id;
  /** `settled`: done, or not to be done. */
  state?: DownstreamState | 'settled';
  id?: Id;
  /** What ends after this, in the order of the list. */
  after?: { at: Millis; id: Id };
  limit: number;
}

const ITEM = `SELECT d.id, CASE WHEN (SELECT cs_installation()) THEN d.incident_id END AS "incidentId",
    d.case_id AS "caseId", CASE WHEN c.id IS NOT NULL THEN jsonb_build_object('reference', c.reference, 'name', c.name, 'version', v.number) END AS credential,
    d.system_name AS system, d.kind, d.basis, d.why, jsonb_build_object('id', d.party_id, 'name', p.name) AS owner,
    CASE WHEN d.owner_contact_id IS NOT NULL THEN jsonb_build_object('id', d.owner_contact_id, 'name', k.name) END AS contact,
    d.due_at AS "dueAt", d.state, d.state = 'open' AND d.due_at < $1 AS overdue, d.note, d.settled_at AS "settledAt", d.row_version AS "rowVersion"
  FROM downstream_item d
  LEFT JOIN credential c ON c.id = d.credential_id
  LEFT JOIN credential_version v ON v.id = d.version_id
  LEFT JOIN party p ON p.id = d.party_id
  LEFT JOIN contact k ON k.id = d.owner_contact_id`;

/** What ends first comes first. Row-level security leaves a party what is its own to do. */
export async function downstreamItems(
  db: Db,
  filter: DownstreamFilter,
  now: Millis,
): Promise<DownstreamItemView[]> {
  const rows = await rowsOf<
    Omit<DownstreamItemView, 'dueAt' | 'settledAt'> & { dueAt: Date; settledAt: Date | null }
  >(
    db,
    `${ITEM}
      WHERE ($2::uuid IS NULL OR d.incident_id = $2) AND ($3::text IS NULL OR d.state = $3 OR $3 = 'settled' AND d.state <> 'open') AND ($4::uuid IS NULL OR d.id = $4)
        AND ($5::timestamptz IS NULL OR (d.due_at, d.id) > ($5, $6::uuid))
      ORDER BY d.due_at, d.id LIMIT $7`,
    [
      new Date(now),
      filter.incidentId ?? null,
      filter.state ?? null,
      filter.id ?? null,
      filter.after ? iso(filter.after.at) : null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  return rows.map((row) => ({
    ...row,
    dueAt: row.dueAt.toISOString(),
    settledAt: row.settledAt?.toISOString() ?? null,
  }));
}

/** How many of an incident's items are in which state, and how many of the open ones are late. */
export async function downstreamCounts(
  db: Db,
  incidentId: Id,
  now: Millis,
): Promise<Record<DownstreamState | 'overdue', number>> {
  const [row] = await rowsOf<Record<DownstreamState | 'overdue', number>>(
    db,
    `SELECT count(*) FILTER (WHERE state = 'open')::int AS open, count(*) FILTER (WHERE state = 'done')::int AS done,
            count(*) FILTER (WHERE state = 'not_doing')::int AS not_doing,
            count(*) FILTER (WHERE state = 'open' AND due_at < $2)::int AS overdue
       FROM downstream_item WHERE incident_id = $1`,
    [incidentId, new Date(now)],
  );
  return row ?? { open: 0, done: 0, not_doing: 0, overdue: 0 };
}
