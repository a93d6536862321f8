import type { Id } from '../../kernel/ids.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { holds } from '../credentials/holdings.queries.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { exposureWindow, type FeedStanding, type UseGroup } from '../usage/exposure-window.rules.ts';
import { KEEP_EVENTS } from '../usage/retention.rules.ts';
import { declaredOf } from '../usage/usage.queries.ts';
import type { ExposureWindowView } from './exposure-window.schema.ts';

interface VersionRow {
  version_id: Id;
  credential_id: Id;
  reference: string;
  name: string;
  number: number;
  risk: number;
  occurred_at: Date | null;
  leaked_at: Date | null;
  existed_at: Date;
  dead_at: Date | null;
}

/** Groups of like uses that one window shows at most; what is beyond is rare and old. */
const MOST_GROUPS = 500;

/** The window of each exposed version, riskiest first. The cursor is `risk:version`. */
export async function exposureWindows(
  db: Db,
  incidentId: Id,
  now: Millis,
  o: { cursor?: string | undefined; limit: number },
): Promise<{ windows: ExposureWindowView[]; next: string | null }> {
  const [risk, after] = o.cursor?.split(':') ?? [null, null];
  const rows = await rowsOf<VersionRow>(
    db,
    `SELECT x.version_id, x.credential_id, c.reference, c.name, v.number, c.risk,
            (SELECT min(t.at) FROM instant t WHERE t.incident_id = x.incident_id AND t.kind = 'occurred') AS occurred_at,
            (SELECT min(z.put_at) FROM (
                SELECT h.put_at FROM location_holding h WHERE h.version_id = x.version_id AND h.arrived_by = 'leaked'
                UNION ALL
                SELECT l.put_at FROM location l WHERE l.credential_id = x.credential_id AND l.version_id IS NULL AND l.arrived_by = 'leaked') z) AS leaked_at,
            coalesce(v.issued_at, v.activated_at, v.created_at) AS existed_at,
            CASE WHEN d.liveness = 'dead' THEN coalesce(d.dead_since, d.liveness_at) END AS dead_at
       FROM incident_credential x
       JOIN credential c ON c.id = x.credential_id
       JOIN credential_version v ON v.id = x.version_id
       LEFT JOIN version_death d ON d.version_id = x.version_id
      WHERE x.incident_id = $1 AND ($2::int IS NULL OR c.risk < $2 OR (c.risk = $2 AND x.version_id > $3::uuid))
      ORDER BY c.risk DESC, x.version_id LIMIT $4`,
    [incidentId, risk, after, o.limit],
  );
  const windows: ExposureWindowView[] = [];
  for (const row of rows) windows.push(await windowOf(db, row, now));
  const last = rows.at(-1);
  return {
    windows,
    next: last && rows.length === o.limit ? `${last.risk}:${last.version_id}` : null,
  };
}

async function windowOf(db: Db, row: VersionRow, now: Millis): Promise<ExposureWindowView> {
  const first = firstOf(row);
  const window = exposureWindow(
    {
      first,
      deadAt: row.dead_at?.getTime() ?? null,
      declared: await declaredOf(db, row.credential_id),
      uses: await usesOf(db, row.version_id, first.at),
      feeds: await feedsOf(db, row.version_id),
      locations: await locationsOf(db, row),
      keptSince: now - KEEP_EVENTS,
    },
    now,
  );
  const text = (at: Millis | null) => (at === null ? null : iso(at));
  return {
    versionId: row.version_id,
    credential: { id: row.credential_id, reference: row.reference, name: row.name },
    version: row.number,
    ...window,
    from: iso(window.from),
    lastAcceptedAt: text(window.lastAcceptedAt),
    deadAt: text(window.deadAt),
    uses: window.uses.map(({ locationId: _, firstAt, lastAt, ...use }) => ({
      ...use,
      firstAt: iso(firstAt),
      lastAt: iso(lastAt),
    })),
  };
}

/** What somebody says comes first; else it can have leaked from the moment that it existed. */
function firstOf(row: VersionRow) {
  const stated = [
    ...(row.occurred_at
      ? [{ at: row.occurred_at.getTime(), basis: 'when it is said to have happened' }]
      : []),
    ...(row.leaked_at
      ? [{ at: row.leaked_at.getTime(), basis: 'when a leaked copy was put where it was found' }]
      : []),
  ].toSorted((a, b) => a.at - b.at)[0];
  return stated
    ? { ...stated, stated: true }
    : {
        at: row.existed_at.getTime(),
        basis: 'since it exists: it can have leaked at any time',
        stated: false,
      };
}

/** Those before the window and those within it are never one group. */
async function usesOf(db: Db, versionId: Id, from: Millis): Promise<UseGroup[]> {
  const rows = await rowsOf<{
    outcome: 'accepted' | 'refused';
    environment: string | null;
    actor: string | null;
    location_id: Id | null;
    place: string | null;
    count: number;
    first_at: Date;
    last_at: Date;
  }>(
    db,
    `SELECT e.outcome, e.environment, e.actor, e.location_id, coalesce(l.name, e.location_key) AS place,
            count(*)::int AS count, min(e.at) AS first_at, max(e.at) AS last_at
       FROM usage_event e LEFT JOIN location l ON l.id = e.location_id
      WHERE e.version_id = $1 GROUP BY 1, 2, 3, 4, 5, e.at >= $2 ORDER BY max(e.at) DESC LIMIT ${MOST_GROUPS}`,
    [versionId, new Date(from)],
  );
  return rows.map((row) => ({
    outcome: row.outcome,
    environment: row.environment,
    actor: row.actor,
    locationId: row.location_id,
    place: row.place,
    count: row.count,
    firstAt: row.first_at.getTime(),
    lastAt: row.last_at.getTime(),
  }));
}

async function feedsOf(db: Db, versionId: Id): Promise<FeedStanding[]> {
  const rows = await rowsOf<{
    key: string;
    clock: 'unknown' | 'synchronised';
    ahead_ms: number;
    quiet_after_minutes: number;
    first_received_at: Date;
    last_received_at: Date;
    gaps: { from: string; until: string }[];
  }>(
    db,
    `SELECT f.key, f.clock, f.ahead_ms, f.quiet_after_minutes, f.first_received_at, f.last_received_at,
            coalesce((SELECT jsonb_agg(jsonb_build_object('from', g.from_at, 'until', g.until_at) ORDER BY g.from_at)
                        FROM (SELECT * FROM usage_gap g WHERE g.feed_id = f.id ORDER BY g.from_at DESC LIMIT 100) g), '[]') AS gaps
       FROM usage_feed f WHERE f.id IN (SELECT s.feed_key FROM usage_seen s WHERE s.version_id = $1) ORDER BY f.key, f.id LIMIT 50`,
    [versionId],
  );
  return rows.map((row) => ({
    key: row.key,
    clock: row.clock,
    aheadMs: row.ahead_ms,
    quietAfter: row.quiet_after_minutes * MINUTE,
    firstReceivedAt: row.first_received_at.getTime(),
    lastReceivedAt: row.last_received_at.getTime(),
    gaps: row.gaps.map(({ from, until }) => ({ from: Date.parse(from), until: Date.parse(until) })),
  }));
}

function locationsOf(db: Db, row: VersionRow): Promise<{ name: string; reported: boolean }[]> {
  return rowsOf(
    db,
    `SELECT l.name, EXISTS (SELECT FROM usage_seen s WHERE s.version_id = $2 AND s.location_id = l.id) AS reported
       FROM location l WHERE l.credential_id = $1 AND l.arrived_by <> 'leaked' AND l.retired_at IS NULL
        AND ${holds('l', '$2')} ORDER BY l.name, l.id LIMIT 500`,
    [row.credential_id, row.version_id],
  );
}
