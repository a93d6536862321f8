import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { provenDead } from '../../domain/revocation/deaths.queries.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { PAGE_SIZE } from '../shared/paging.tsx';
import { contains, ms } from '../shared/sql.ts';

/** How far the exposed credential versions of an incident are from being dead. They add up to `exposed`. */
export interface ExposedCounts {
  exposed: number;
  /** Proven, with a control. */
  dead: number;
  /** Seen accepted, or nothing was done about it yet. */
  alive: number;
  /** Something was done about it, and nothing shows that it is dead. */
  unproven: number;
}

/** Exclusive and complete: each version of `x` with its facets `d` is one of the three. */
export const DEAD = provenDead('d', 'x.joined_at');
export const UNPROVEN = `NOT ${DEAD} AND d.liveness IS DISTINCT FROM 'live'
  AND (d.liveness IN ('dead', 'indeterminate') OR d.revocation IN ('requested', 'accepted')
       OR EXISTS (SELECT 1 FROM statement s WHERE s.subject_id = x.version_id AND s.kind IN ('revoked', 'replaced', 'not_affected')))`;

export const EXPOSED_COUNTS = `
  SELECT count(*)::int AS exposed, count(*) FILTER (WHERE ${DEAD})::int AS dead, count(*) FILTER (WHERE ${UNPROVEN})::int AS unproven
    FROM incident_credential x LEFT JOIN version_death d ON d.version_id = x.version_id WHERE x.incident_id = i.id`;

export interface IncidentLine extends ExposedCounts {
  id: Id;
  reference: string;
  title: string;
  state: string;
  severity: string;
  openedAt: Millis;
  awarenessAt: Millis;
  containedAt: Millis | null;
  closedAt: Millis | null;
  cases: number;
  parked: number;
  /** The due time that comes first among its open notices. */
  nextDueAt: Millis | null;
  missed: number;
}

/** Incidents, the newest first; `open` alone for what still needs somebody. */
export async function listIncidents(
  db: Db,
  filter: {
    q?: string | undefined;
    state?: string | undefined;
    open?: boolean;
    after?: { at: Date; id: string } | undefined;
    limit?: number;
  },
): Promise<IncidentLine[]> {
  const rows = await db.query<Omit<IncidentLine, 'alive'>[]>(
    `WITH page AS (
       SELECT * FROM incident i
        WHERE ($1::text IS NULL OR i.title ILIKE $1 OR i.reference ILIKE $1)
          AND ($2::text IS NULL OR i.state = $2)
          AND (NOT $3::boolean OR i.state NOT IN ('closed', 'dismissed'))
          AND ($4::timestamptz IS NULL OR (i.opened_at, i.id) < ($4, $5::uuid))
        ORDER BY i.opened_at DESC, i.id DESC LIMIT $6)
     SELECT i.id, i.reference, i.title, i.state, i.severity, ${ms('i.opened_at')} AS "openedAt",
            ${ms('i.awareness_at')} AS "awarenessAt", ${ms('i.contained_at')} AS "containedAt", ${ms('i.closed_at')} AS "closedAt",
            counts.*, (SELECT count(*)::int FROM incident_case k WHERE k.incident_id = i.id) AS cases,
            (SELECT count(*)::int FROM run r JOIN step s ON s.run_id = r.id AND s.state = 'parked' WHERE r.subject_id = i.id) AS parked,
            clocks."nextDueAt", clocks.missed
       FROM page i
       CROSS JOIN LATERAL (${EXPOSED_COUNTS}) counts
       CROSS JOIN LATERAL (
         SELECT ${ms("min(n.due_at) FILTER (WHERE n.timeliness = 'open' AND n.obligation = 'required')")} AS "nextDueAt",
                count(*) FILTER (WHERE n.timeliness = 'missed')::int AS missed
           FROM notice n JOIN incident_case k ON k.id = n.subject_id WHERE k.incident_id = i.id) clocks
      ORDER BY i.opened_at DESC, i.id DESC`,
    [
      filter.q ? contains(filter.q) : null,
      filter.state ?? null,
      filter.open ?? false,
      filter.after?.at ?? null,
      filter.after?.id ?? null,
      filter.limit ?? PAGE_SIZE + 1,
    ],
  );
  return rows.map((row) => ({ ...row, alive: row.exposed - row.dead - row.unproven }));
}
