import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { HOUR, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { NOWHERE } from '../usage/write-usage.ts';
import { overlapEnd } from './cadence.rules.ts';
import { dueOfPage } from './due.queries.ts';
import { RotationIntervals } from './intervals.ts';
import { Recipes } from './recipes.ts';
import { RotationsService } from './rotations.service.ts';
import { settingOf } from './settings.queries.ts';
import { countsOf, elsewhereSays, fateOf, obstaclesOf, type UsedElsewhere } from './simulation.rules.ts';
import type { SimulationView } from './simulation.schema.ts';

interface Head {
  id: Id;
  reference: string;
  name: string;
  kind: string;
  integrationId: Id;
  versionId: Id | null;
  open: string | null;
  deadSince: Date | null;
  reportedSince: Date | null;
  /** A connection to its supplier is agreed. */
  byMachine: boolean;
}

interface PlaceRow {
  locationId: Id;
  name: string;
  kind: string;
  path: string;
  arrivedBy: string;
  integrationId: Id;
  integration: string | null;
  owner: string | null;
  number: number | null;
  active: boolean | null;
  lastUsedAt: Date | null;
  systems: string[];
}

/** Says what a rotation would break, what would change over by itself, and what nobody knows. Reads, and changes nothing. */
@Injectable()
export class Simulation {
  constructor(
    private readonly rotations: RotationsService,
    private readonly recipes: Recipes,
    private readonly intervals: RotationIntervals,
    private readonly clock: Clock,
  ) {}

  /** @returns null when there is no such credential in use */
  async of(db: Db, credentialId: Id): Promise<SimulationView | null> {
    const [head] = await db.query<Head[]>(
      `SELECT c.id, c.reference, c.name, c.kind, c.integration_id AS "integrationId",
              (SELECT v.id FROM credential_version v WHERE v.credential_id = c.id AND v.phase = 'active') AS "versionId",
              (SELECT r.reference FROM rotation r WHERE r.credential_id = c.id AND r.closed_at IS NULL) AS open,
              (SELECT d.dead_since FROM credential_version v JOIN version_death d ON d.version_id = v.id
                WHERE v.credential_id = c.id AND v.phase = 'active' AND d.liveness = 'dead') AS "deadSince",
              (SELECT min(e.at) FROM usage_event e WHERE e.credential_id = c.id) AS "reportedSince",
              c.connection_id IS NOT NULL OR EXISTS (SELECT FROM revocation_path p WHERE p.credential_id = c.id AND p.connection_id IS NOT NULL) AS "byMachine"
         FROM credential c WHERE c.id = $1 AND c.retired_at IS NULL`,
      [credentialId],
    );
    if (!head) return null;
    const now = this.clock.now();
    const able = head.versionId === null ? 'no' : await this.rotations.issueAbility(db, head.versionId);
    const recipe = this.recipes.fitting(head.kind, able) ?? null;
    const setting = await settingOf(db, head.integrationId);
    const { due } = await dueOfPage(db, this.intervals, { after: null, limit: 1, credentialId });
    const rows = await placesOf(db, credentialId);
    const places = rows.map((row) => {
      const { fate, why } = fateOf(
        {
          kind: row.kind,
          arrivedBy: row.arrivedBy,
          holds: row.active === null ? 'unknown' : row.active ? 'active' : 'older',
          number: row.number,
          lastUsedAt: row.lastUsedAt?.getTime() ?? null,
          reportedSince: head.reportedSince?.getTime() ?? null,
        },
        now,
      );
      const { locationId, name, kind, path, integration, owner, systems } = row;
      return {
        locationId,
        name,
        kind,
        path,
        integration,
        owner,
        systems,
        fate,
        why,
        lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
      };
    });
    const users = await db.query<{ integrationId: Id; integration: string | null; label: string }[]>(
      `SELECT u.integration_id AS "integrationId", (SELECT i.name FROM integration i WHERE i.id = u.integration_id) AS integration, u.label
         FROM credential_use u WHERE u.credential_id = $1 ORDER BY 2, 1`,
      [credentialId],
    );
    const elsewhere = await elsewhereOf(db, credentialId);
    const length =
      recipe && (setting.overlapHours === null ? recipe.overlap.length : setting.overlapHours * HOUR);
    return {
      credential: { id: head.id, reference: head.reference, name: head.name },
      at: iso(now),
      recipe: recipe && { ...recipe, kinds: [...recipe.kinds] },
      obstacles: obstaclesOf(head, recipe, able),
      due: due[0] ? { at: iso(due[0].at), why: due[0].why } : null,
      overlapUntil:
        recipe === null || recipe.oldFate === 'dies' || length === null
          ? null
          : iso(
              overlapEnd({
                now,
                length,
                most: recipe.overlap.most,
                emergency: false,
                windows: setting.windows,
                zone: setting.zone,
              }),
            ),
      places,
      users: users.map(({ integrationId, integration, label }) => ({
        integration,
        label,
        places: rows.filter((row) => row.integrationId === integrationId).length,
      })),
      systems: await db.query(
        `SELECT s.name, e.basis, coalesce(e.scope, '') AS scope FROM credential_system e JOIN system s ON s.id = e.system_id
          WHERE e.credential_id = $1 ORDER BY s.name LIMIT 200`,
        [credentialId],
      ),
      elsewhere: elsewhere && {
        ...elsewhere,
        actors: [...elsewhere.actors],
        lastUsedAt: iso(elsewhere.lastUsedAt),
        why: elsewhereSays(elsewhere),
      },
      counts: countsOf(
        places.map(({ fate }) => fate),
        elsewhere !== null,
      ),
    };
  }
}

/** How many single uses of a version are looked at for who they were by, the newest first. */
const LOOKED_AT = 20_000;

/** Uses of versions that are not retired, from no place that is on record now; null: none was accepted. */
async function elsewhereOf(db: Db, credentialId: Id): Promise<UsedElsewhere | null> {
  const placed = (location: string) =>
    `EXISTS (SELECT FROM location l WHERE l.id = ${location} AND l.credential_id = $1 AND l.retired_at IS NULL)`;
  const [seen] = await db.query<{ uses: string; lastUsedAt: Date }[]>(
    `SELECT sum(s.uses) AS uses, max(s.last_accepted_at) AS "lastUsedAt"
       FROM usage_seen s JOIN credential_version v ON v.id = s.version_id AND v.phase <> 'retired'
      WHERE s.credential_id = $1 AND s.last_accepted_at IS NOT NULL AND (s.location_id = $2 OR NOT ${placed('s.location_id')})
     HAVING count(*) > 0`,
    [credentialId, NOWHERE],
  );
  if (!seen) return null;
  const actors = await db.query<{ actor: string }[]>(
    `SELECT e.actor FROM credential_version v
      CROSS JOIN LATERAL (SELECT u.actor, u.location_id, u.outcome FROM usage_event u
                           WHERE u.version_id = v.id ORDER BY u.at DESC LIMIT ${LOOKED_AT}) e
      WHERE v.credential_id = $1 AND v.phase <> 'retired' AND e.outcome = 'accepted' AND e.actor IS NOT NULL
        AND (e.location_id IS NULL OR NOT ${placed('e.location_id')})
      GROUP BY e.actor ORDER BY count(*) DESC, e.actor LIMIT 20`,
    [credentialId],
  );
  return {
    uses: Number(seen.uses),
    lastUsedAt: seen.lastUsedAt.getTime(),
    actors: actors.map(({ actor }) => actor),
  };
}

function placesOf(db: Db, credentialId: Id): Promise<PlaceRow[]> {
  return db.query(
    `SELECT l.id AS "locationId", l.name, l.kind, l.path, l.arrived_by AS "arrivedBy", l.integration_id AS "integrationId",
            (SELECT i.name FROM integration i WHERE i.id = l.integration_id) AS integration,
            (SELECT k.name FROM contact k WHERE k.id = l.owner_contact_id) AS owner, v.number, v.phase = 'active' AS active,
            (SELECT max(e.at) FROM usage_event e WHERE e.location_id = l.id AND e.credential_id = l.credential_id) AS "lastUsedAt",
            ARRAY(SELECT s.name FROM location_system x JOIN system s ON s.id = x.system_id WHERE x.location_id = l.id ORDER BY 1) AS systems
       FROM location l LEFT JOIN credential_version v ON v.id = l.version_id
      WHERE l.credential_id = $1 AND l.retired_at IS NULL ORDER BY l.name, l.id LIMIT 1000`,
    [credentialId],
  );
}
