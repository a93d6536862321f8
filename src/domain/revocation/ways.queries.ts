import { newId, type Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Revocability } from './connector.ts';
import { stoppersOf, type DrillResult } from './stoppers.rules.ts';
import type { Attempt, Way } from './ways.rules.ts';

interface WayRow {
  credential_id: Id;
  revocability: Revocability;
  id: Id;
  kind: 'connector' | 'contact';
  ordinal: number;
  party_id: Id;
  connection_id: Id | null;
  contact_id: Id | null;
  expected_minutes: number | null;
  label: string;
  drilled_at: Date | null;
  drill_ended_at: Date | null;
  drill_outcome: 'passed' | 'failed' | null;
}

/**
 * The ways to stop each credential, in the order in which its stoppers are shown: the agreed paths that still stand; where
 * no connection is among them the one that the credential names, where no contact is, its owner.
 */
export async function waysOf(
  db: Db,
  credentialIds: readonly Id[],
  now: Millis,
): Promise<ReadonlyMap<Id, readonly Way[]>> {
  const rows = await db.query<WayRow[]>(
    `WITH agreed AS (
       SELECT p.credential_id, p.id, p.kind, p.ordinal, p.party_id, p.connection_id, p.contact_id, p.expected_minutes,
              coalesce(n.name, k.name, p.kind) AS label
         FROM revocation_path p LEFT JOIN connection n ON n.id = p.connection_id LEFT JOIN contact k ON k.id = p.contact_id
        WHERE p.credential_id = ANY($1::uuid[]) AND n.retired_at IS NULL AND coalesce(k.active, true)),
     ways AS (
       SELECT a.*, d.started_at AS drilled_at, d.ended_at AS drill_ended_at, d.outcome AS drill_outcome
         FROM agreed a LEFT JOIN LATERAL (
           SELECT x.started_at, x.ended_at, x.outcome FROM drill x
            WHERE x.revocation_path_id = a.id AND x.outcome IN ('passed', 'failed') AND x.counts AND x.started_at <= $2
            ORDER BY x.started_at DESC LIMIT 1) d ON true
       UNION ALL
       SELECT c.id, n.id, 'connector', 1000000, n.party_id, n.id, NULL, NULL, n.name, NULL, NULL, NULL
         FROM credential c JOIN connection n ON n.id = c.connection_id AND n.retired_at IS NULL
        WHERE c.id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM agreed a WHERE a.credential_id = c.id AND a.kind = 'connector')
       UNION ALL
       SELECT c.id, k.id, 'contact', 1000001, k.party_id, NULL, k.id, NULL, k.name, NULL, NULL, NULL
         FROM credential c JOIN contact k ON k.id = c.owner_contact_id AND k.active
        WHERE c.id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM agreed a WHERE a.credential_id = c.id AND a.kind = 'contact'))
     SELECT w.*, c.revocability FROM ways w JOIN credential c ON c.id = w.credential_id`,
    [credentialIds, new Date(now)],
  );
  const byCredential = new Map<Id, WayRow[]>();
  for (const row of rows) {
    const own = byCredential.get(row.credential_id);
    if (own) own.push(row);
    else byCredential.set(row.credential_id, [row]);
  }
  return new Map([...byCredential].map(([id, own]) => [id, inOrder(id, own, now)]));
}

function inOrder(credentialId: Id, rows: readonly WayRow[], now: Millis): Way[] {
  const [first] = rows;
  if (!first) return [];
  // What can only expire, or not be stopped at all, has nobody to call, and still a way by which it can be looked at.
  const { revocability } = first;
  const stoppable = revocability === 'impossible' || revocability === 'expiry_only' ? 'manual' : revocability;
  const order = stoppersOf(
    { id: credentialId, revocability: stoppable },
    rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      ordinal: row.ordinal,
      partyId: row.party_id,
      label: row.label,
      expectedMinutes: row.expected_minutes,
      retired: false,
      byMachine: row.kind === 'connector' && stoppable !== 'manual',
    })),
    rows.flatMap((row): DrillResult[] =>
      row.drilled_at === null
        ? []
        : [
            {
              pathId: row.id,
              startedAt: row.drilled_at.getTime(),
              endedAt: row.drill_ended_at?.getTime() ?? null,
              outcome: row.drill_outcome,
            },
          ],
    ),
    now,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return order.flatMap(({ pathId }) => {
    const row = byId.get(pathId);
    return row
      ? [{ kind: row.kind, connectionId: row.connection_id, contactId: row.contact_id, label: row.label }]
      : [];
  });
}

/** The connection by which each credential is stopped first, where there is one. */
export async function firstConnections(
  db: Db,
  credentialIds: readonly Id[],
  now: Millis,
): Promise<ReadonlyMap<Id, Id>> {
  const ways = await waysOf(db, credentialIds, now);
  return new Map(
    [...ways].flatMap(([id, own]): [Id, Id][] => {
      const first = own.find((way) => way.connectionId !== null)?.connectionId;
      return first ? [[id, first]] : [];
    }),
  );
}

/** The attempt family of the latest way that was tried; null while the first way has not given up. */
export async function latestFamily(db: Db, versionId: Id): Promise<string | null> {
  const [row] = await db.query<{ family: string }[]>(
    `SELECT family FROM path_attempt WHERE version_id = $1 ORDER BY began_at DESC, number DESC LIMIT 1`,
    [versionId],
  );
  return row?.family ?? null;
}

export async function addAttempt(
  db: Db,
  version: { id: Id; credentialId: Id; integrationId: Id },
  family: string,
  attempt: Attempt & { endedAt: Millis | null },
): Promise<void> {
  await db.query(
    `INSERT INTO path_attempt (id, credential_id, integration_id, version_id, family, number, kind, connection_id, contact_id,
                               state, reason, began_at, ended_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      newId(),
      version.credentialId,
      version.integrationId,
      version.id,
      family,
      attempt.number,
      attempt.connectionId === null ? 'contact' : 'connector',
      attempt.connectionId,
      attempt.contactId,
      attempt.state,
      attempt.reason.slice(0, 2000),
      new Date(attempt.beganAt),
      attempt.endedAt === null ? null : new Date(attempt.endedAt),
    ],
  );
}

/** Ends the attempt that is going on, if one is. @returns whether there was one */
export async function endAttempt(
  db: Db,
  versionId: Id,
  family: string,
  how: { state: 'gave_up' | 'accepted'; reason: string; at: Millis },
): Promise<boolean> {
  const [rows] = await db.query<[unknown[], number]>(
    `UPDATE path_attempt SET state = $3, reason = $4, ended_at = $5
      WHERE version_id = $1 AND family = $2 AND state IN ('trying', 'asked') RETURNING id`,
    [versionId, family, how.state, how.reason.slice(0, 2000), new Date(how.at)],
  );
  return rows.length > 0;
}

/** What a page shows of one way that was tried. */
export interface ShownAttempt {
  versionId: Id;
  credentialId: Id;
  /** The agreed path that it is; null: the credential's own connection or owner. */
  pathId: Id | null;
  number: number;
  kind: 'connector' | 'contact';
  /** null: not to be seen by whoever asks. */
  label: string | null;
  state: Attempt['state'];
  reason: string;
  beganAt: Millis;
}

/** The ways that were tried for each of these credentials' versions, under the latest attempt family of each, in order. */
export async function attemptsShown(db: Db, credentialIds: readonly Id[]): Promise<ShownAttempt[]> {
  if (credentialIds.length === 0) return [];
  return db.query<ShownAttempt[]>(
    `SELECT a.version_id AS "versionId", a.credential_id AS "credentialId", p.id AS "pathId", a.number, a.kind,
            coalesce(n.name, k.name) AS label, a.state, a.reason, (extract(epoch FROM a.began_at) * 1000)::float8 AS "beganAt"
       FROM path_attempt a
       LEFT JOIN revocation_path p ON p.credential_id = a.credential_id
                 AND (p.connection_id = a.connection_id OR p.contact_id = a.contact_id)
       LEFT JOIN connection n ON n.id = a.connection_id LEFT JOIN contact k ON k.id = a.contact_id
      WHERE a.credential_id = ANY($1::uuid[])
        AND a.family = (SELECT b.family FROM path_attempt b WHERE b.version_id = a.version_id ORDER BY b.began_at DESC, b.number DESC LIMIT 1)
      ORDER BY a.version_id, a.number`,
    [credentialIds],
  );
}

/** How the agreed path fared when it was tried last; null: it was not, since the last person's word. */
export function attemptBy(attempts: readonly ShownAttempt[], pathId: Id): ShownAttempt | null {
  return (
    attempts
      .filter((attempt) => attempt.pathId === pathId)
      .toSorted((a, b) => b.beganAt - a.beganAt || b.number - a.number)[0] ?? null
  );
}
