import type { Id } from '../../kernel/ids.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { KEEP_EVENTS } from './retention.rules.ts';
import { labelOf, lastLabelled, mixtureOf, type Declared, type UseGroup } from './usage.rules.ts';
import type { CredentialUsage, UsageFeedView } from './usage.schema.ts';
import { NOWHERE } from './write-usage.ts';

/** What is written down about a credential's rightful use. A copy that leaked is on record, and nobody's rightful place. */
export async function declaredOf(db: Db, credentialId: Id): Promise<Declared> {
  const [row] = await rowsOf<{ environment: string; actors: string[]; locations: Id[] }>(
    db,
    `SELECT c.environment, ARRAY(SELECT actor FROM known_actor a WHERE a.credential_id = c.id) AS actors,
            ARRAY(SELECT id FROM location l WHERE l.credential_id = c.id AND l.arrived_by <> 'leaked') AS locations
       FROM credential c WHERE c.id = $1`,
    [credentialId],
  );
  return {
    environment: row?.environment ?? '',
    actors: new Set(row?.actors),
    locations: new Set(row?.locations),
  };
}

/** Last use of a credential by version and location, and the locations from which none was reported. */
export async function usageOf(db: Db, credentialId: Id): Promise<CredentialUsage> {
  const declared = await declaredOf(db, credentialId);
  const rows = await rowsOf<{
    version: number;
    location_id: Id;
    location_name: string | null;
    last_at: Date;
    last_accepted_at: Date | null;
    last_actor: string | null;
    last_environment: string | null;
    uses: string;
  }>(
    db,
    `SELECT DISTINCT ON (v.number, s.location_id) v.number AS version, s.location_id, l.name AS location_name, s.last_at,
            max(s.last_accepted_at) OVER w AS last_accepted_at, s.last_actor, s.last_environment, sum(s.uses) OVER w AS uses
       FROM usage_seen s JOIN credential_version v ON v.id = s.version_id LEFT JOIN location l ON l.id = s.location_id
      WHERE s.credential_id = $1 WINDOW w AS (PARTITION BY v.number, s.location_id)
      ORDER BY v.number DESC, s.location_id, s.last_at DESC`,
    [credentialId],
  );
  const groups = await groupsOf(db, credentialId);
  const unseen = await rowsOf<{ id: Id; name: string }>(
    db,
    `SELECT l.id, l.name FROM location l WHERE l.credential_id = $1 AND l.retired_at IS NULL
        AND NOT EXISTS (SELECT FROM usage_seen s WHERE s.credential_id = $1 AND s.location_id = l.id) ORDER BY l.name, l.id LIMIT 200`,
    [credentialId],
  );
  return {
    seen: rows
      .toSorted((a, b) => b.last_at.getTime() - a.last_at.getTime())
      .map((row) => {
        const locationId = row.location_id === NOWHERE ? null : row.location_id;
        const last = { environment: row.last_environment, actor: row.last_actor };
        const used = groups.get(`${row.version} ${row.location_id}`) ?? [];
        const labels = mixtureOf(used, locationId, declared);
        const label = labels[0]?.label ?? labelOf({ ...last, locationId }, declared);
        // By whom and from where: of a use that is what the label says, though another may have come later.
        const { actor, environment } = lastLabelled(used, label, locationId, declared) ?? last;
        return {
          version: row.version,
          location:
            locationId === null
              ? null
              : { id: locationId, name: row.location_name ?? 'a location that was removed' },
          lastAt: iso(row.last_at.getTime()),
          lastAcceptedAt: row.last_accepted_at?.toISOString() ?? null,
          lastActor: actor,
          environment,
          label,
          labels,
          uses: Number(row.uses),
        };
      }),
    unseen,
    note:
      rows.length === 0
        ? 'No use was ever reported. That is not "never used": perhaps no feed tells of it.'
        : `What no feed reported is not "never used". Single uses are kept for ${KEEP_EVENTS / ELAPSED_DAY} days.`,
    actors: [...declared.actors].toSorted(),
  };
}

/** How many single uses of a version are looked at, the newest first. */
const LOOKED_AT = 20_000;

type DatedGroup = UseGroup & { lastAt: Millis };

/** Who used a credential, where and how often, by `<version> <location>`. */
async function groupsOf(db: Db, credentialId: Id): Promise<Map<string, DatedGroup[]>> {
  const rows = await rowsOf<UseGroup & { version: number; location_id: Id; last_at: Date }>(
    db,
    `SELECT v.number AS version, e.location_id, e.actor, e.environment, count(*)::int AS uses, max(e.at) AS last_at
       FROM credential_version v
      CROSS JOIN LATERAL (SELECT coalesce(u.location_id, $2) AS location_id, u.actor, u.environment, u.at FROM usage_event u
                           WHERE u.version_id = v.id ORDER BY u.at DESC LIMIT ${LOOKED_AT}) e
      WHERE v.credential_id = $1 GROUP BY v.number, e.location_id, e.actor, e.environment`,
    [credentialId, NOWHERE],
  );
  const groups = new Map<string, DatedGroup[]>();
  for (const { version, location_id: location, last_at: lastAt, ...uses } of rows) {
    const group = { ...uses, lastAt: lastAt.getTime() };
    const key = `${version} ${location}`;
    const known = groups.get(key);
    if (known) known.push(group);
    else groups.set(key, [group]);
  }
  return groups;
}

/** Every feed, by its key. */
export async function feedsOf(db: Db, now: Millis): Promise<UsageFeedView[]> {
  const rows = await rowsOf<{
    key: string;
    clock: 'unknown' | 'synchronised';
    quiet_after_minutes: number;
    ahead_ms: number;
    first_received_at: Date;
    last_received_at: Date;
  }>(
    db,
    `SELECT key, clock, quiet_after_minutes, ahead_ms, first_received_at, last_received_at FROM usage_feed ORDER BY key, id LIMIT 1000`,
  );
  return rows.map((row) => ({
    key: row.key,
    clock: row.clock,
    quietAfterMinutes: row.quiet_after_minutes,
    aheadMs: row.ahead_ms,
    firstReceivedAt: row.first_received_at.toISOString(),
    lastReceivedAt: row.last_received_at.toISOString(),
    quiet: now - row.last_received_at.getTime() > row.quiet_after_minutes * 60_000,
  }));
}
