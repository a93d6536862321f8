import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { seenRefused } from './new-version.queries.ts';
import { oldStanding, REFUSED } from './rotation.rules.ts';
import type { RotationLine, RotationView } from './rotation.schema.ts';

export interface RotationFilter {
  id?: Id;
  reference?: string;
  credentialId?: Id;
  integrationId?: Id;
  open?: boolean;
  /** The last of the page before. */
  after?: { at: number; id: Id };
  limit: number;
}

type Dates =
  'overlapUntil' | 'openedAt' | 'closedAt' | 'storedAt' | 'validatedAt' | 'revokingAt' | 'oldEndedAt';
type Row = Omit<RotationView, Dates | 'oldStanding' | 'old' | 'new' | 'places' | 'issues'> &
  Record<Dates, Date | null> & { asked: boolean; oldVersionId: Id; newVersionId: Id | null };

const SELECT = `SELECT r.id, r.reference, jsonb_build_object('id', c.id, 'reference', c.reference, 'name', c.name) AS credential,
  jsonb_build_object('id', r.integration_id, 'name', (SELECT i.name FROM integration i WHERE i.id = r.integration_id)) AS integration,
  r.recipe, r.made_by AS "madeBy", r.old_fate AS "oldFate", r.state, r.emergency, r.overlap_until AS "overlapUntil", r.old_end AS "oldEnd",
  r.opened_at AS "openedAt", r.closed_at AS "closedAt", r.run_id AS "runId", r.roll_back_run_id AS "rollBackRunId", r.reason, r.why,
  r.stored_at AS "storedAt", r.validated_at AS "validatedAt", r.validated_how AS "validatedHow", r.revoking_at AS "revokingAt",
  r.old_ended_at AS "oldEndedAt", r.overlap_seconds / 60.0::float8 AS "overlapMinutes", r.old_version_id AS "oldVersionId",
  r.new_version_id AS "newVersionId",
  EXISTS (SELECT FROM rotation_issue i WHERE i.rotation_id = r.id AND i.state NOT IN ('nothing', 'rejected', 'gone')) AS asked,
  CASE WHEN r.closed_at IS NULL THEN (SELECT count(*)::int FROM location l WHERE l.credential_id = r.credential_id AND l.retired_at IS NULL
     AND (l.version_id = r.old_version_id OR l.version_id IS NULL)
     AND NOT EXISTS (SELECT FROM rotation_place p WHERE p.rotation_id = r.id AND p.location_id = l.id AND p.state IN ('holds_new', 'left')))
   ELSE 0 END AS behind
  FROM rotation r JOIN credential c ON c.id = r.credential_id`;

/** Newest first. */
export async function listRotations(db: Db, filter: RotationFilter): Promise<RotationLine[]> {
  const rows = await find(db, filter);
  return rows.map((row) => lineOf(row));
}

export async function findRotation(
  db: Db,
  by: { id: Id } | { reference: string },
): Promise<RotationView | undefined> {
  const [row] = await find(db, { ...by, limit: 1 });
  if (!row) return undefined;
  const { asked: _asked, oldVersionId, newVersionId, ...rest } = row;
  const versions = await versionsOf(
    db,
    [oldVersionId, newVersionId].filter((id) => id !== null),
  );
  return {
    ...rest,
    ...lineOf(row),
    storedAt: text(row.storedAt),
    validatedAt: text(row.validatedAt),
    revokingAt: text(row.revokingAt),
    oldEndedAt: text(row.oldEndedAt),
    old: versions.find(({ id }) => id === oldVersionId)!,
    new: versions.find(({ id }) => id === newVersionId) ?? null,
    places: await placesOf(db, row),
    issues: await issuesView(db, row.id),
  };
}

function find(db: Db, filter: RotationFilter): Promise<Row[]> {
  return db.query<Row[]>(
    `${SELECT} WHERE ($1::uuid IS NULL OR r.id = $1) AND ($2::text IS NULL OR r.reference = $2) AND ($3::uuid IS NULL OR r.credential_id = $3)
        AND ($4::uuid IS NULL OR r.integration_id = $4) AND ($5::boolean IS NULL OR (r.closed_at IS NULL) = $5)
        AND ($6::timestamptz IS NULL OR (r.opened_at, r.id) < ($6, $7::uuid))
      ORDER BY r.opened_at DESC, r.id DESC LIMIT $8`,
    [
      filter.id ?? null,
      filter.reference ?? null,
      filter.credentialId ?? null,
      filter.integrationId ?? null,
      filter.open ?? null,
      filter.after ? new Date(filter.after.at) : null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
}

function lineOf(row: Row): RotationLine {
  const standing = oldStanding({
    state: row.state,
    oldFate: row.oldFate,
    asked: row.asked,
    hasNew: row.newVersionId !== null,
    validated: row.validatedAt !== null,
    behind: row.behind,
    overlapUntil: row.overlapUntil?.getTime() ?? null,
    oldEnd: row.oldEnd,
  });
  return {
    id: row.id,
    reference: row.reference,
    credential: row.credential,
    integration: row.integration,
    recipe: row.recipe,
    madeBy: row.madeBy,
    oldFate: row.oldFate,
    state: row.state,
    emergency: row.emergency,
    oldStanding: standing.word,
    overlapUntil: text(row.overlapUntil),
    oldEnd: row.oldEnd,
    openedAt: row.openedAt!.toISOString(),
    closedAt: text(row.closedAt),
    behind: row.behind,
  };
}

async function versionsOf(db: Db, ids: readonly Id[]): Promise<RotationView['old'][]> {
  const rows = await db.query<
    (Omit<RotationView['old'], 'activatedAt' | 'retiredAt' | 'expiresAt'> &
      Record<'activatedAt' | 'retiredAt' | 'expiresAt', Date | null>)[]
  >(
    `SELECT v.id, v.number, v.phase, v.supplier_id AS "supplierId", v.activated_at AS "activatedAt", v.retired_at AS "retiredAt",
            v.expires_at AS "expiresAt", d.liveness, d.revocation
       FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id WHERE v.id = ANY($1::uuid[])`,
    [ids],
  );
  return rows.map((row) => ({
    ...row,
    activatedAt: text(row.activatedAt),
    retiredAt: text(row.retiredAt),
    expiresAt: text(row.expiresAt),
  }));
}

/** The copies of the two versions, and what each holds now. */
async function placesOf(
  db: Db,
  row: Pick<Row, 'id' | 'credential' | 'oldVersionId' | 'newVersionId'>,
): Promise<RotationView['places']> {
  const rows = await db.query<
    (Omit<RotationView['places'][number], 'at' | 'lastUsedAt'> & Record<'at' | 'lastUsedAt', Date | null>)[]
  >(
    `SELECT l.id AS "locationId", l.name, l.kind, l.path, (SELECT k.name FROM contact k WHERE k.id = l.owner_contact_id) AS owner,
            CASE WHEN l.version_id IS NULL THEN 'unknown' WHEN l.version_id = $3 THEN 'old' WHEN l.version_id = $4 THEN 'new' ELSE 'other' END AS holds,
            p.state AS answer, p.how, coalesce(p.note, '') AS note, p.at,
            (SELECT max(e.at) FROM usage_event e WHERE e.location_id = l.id AND e.credential_id = l.credential_id) AS "lastUsedAt"
       FROM location l LEFT JOIN rotation_place p ON p.location_id = l.id AND p.rotation_id = $1
      WHERE l.credential_id = $2 AND l.retired_at IS NULL AND (p.location_id IS NOT NULL OR l.version_id IS NULL OR l.version_id IN ($3, $4))
      ORDER BY l.name, l.id LIMIT 500`,
    [row.id, row.credential.id, row.oldVersionId, row.newVersionId],
  );
  return rows.map((place) => ({ ...place, at: text(place.at), lastUsedAt: text(place.lastUsedAt) }));
}

async function issuesView(db: Db, rotationId: Id): Promise<RotationView['issues']> {
  const rows = await db.query<
    (Omit<RotationView['issues'][number], 'askedAt' | 'settledAt'> & {
      askedAt: Date;
      settledAt: Date | null;
    })[]
  >(
    `SELECT label, state, asked_at AS "askedAt", settled_at AS "settledAt", supplier_id AS "supplierId", why
       FROM rotation_issue WHERE rotation_id = $1 ORDER BY number`,
    [rotationId],
  );
  const requests = rows.map((one) => ({
    ...one,
    askedAt: one.askedAt.toISOString(),
    settledAt: text(one.settledAt),
  }));
  const refused = await seenRefused(db, rotationId);
  if (!refused) return requests;
  const { number, supplierId, startedAt, endedAt, why } = refused;
  const look = {
    label: `version ${number}`,
    state: REFUSED,
    askedAt: startedAt.toISOString(),
    settledAt: endedAt.toISOString(),
    supplierId,
    why: `version ${number} is not accepted: ${why}`,
  };
  return [...requests, look];
}

function text(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
