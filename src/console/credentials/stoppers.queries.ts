import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Revocability } from '../../domain/revocation/connector.ts';
import {
  stoppersOf,
  type DrillResult,
  type StopPath,
  type Stopper,
} from '../../domain/revocation/stoppers.rules.ts';
import { attemptBy, attemptsShown, type ShownAttempt } from '../../domain/revocation/ways.queries.ts';
import { ms } from '../shared/sql.ts';

export interface ShownStopper extends Stopper {
  partyName: string;
  /** How a person is reached; null for machines, and for parties that may not see it. */
  reach: string | null;
  /** Whether drills may be seen at all; where not, nothing is said of them. */
  drillsKnown: boolean;
  /** How it fared in the revocation that tried one path after another; null: none did, or not this one. */
  attempt: Pick<ShownAttempt, 'state' | 'reason' | 'beganAt'> | null;
}

/** Who can still stop each of these credentials, in the order to call. A credential that nobody can stop has an empty list. */
export async function stoppersOfAll(
  db: Db,
  credentialIds: readonly Id[],
  now: Millis,
): Promise<Map<Id, ShownStopper[]>> {
  type PathRow = Omit<StopPath, 'label' | 'byMachine'> & {
    credentialId: Id;
    label: string | null;
    partyName: string | null;
    reach: string | null;
  };
  const paths = await db.query<PathRow[]>(
    `SELECT p.id, p.credential_id AS "credentialId", p.kind, p.ordinal, p.party_id AS "partyId",
            p.expected_minutes AS "expectedMinutes", coalesce(n.name, k.name) AS label,
            coalesce(n.retired_at IS NOT NULL, NOT k.active, false) AS retired,
            coalesce(pt.name, (SELECT ip.party_name FROM integration_party ip
                                WHERE ip.integration_id = p.integration_id AND ip.party_id = p.party_id LIMIT 1)) AS "partyName",
            coalesce(k.phone, k.email) AS reach
       FROM revocation_path p
       LEFT JOIN party pt ON pt.id = p.party_id
       LEFT JOIN connection n ON n.id = p.connection_id
       LEFT JOIN contact k ON k.id = p.contact_id
      WHERE p.credential_id = ANY($1::uuid[]) ORDER BY p.credential_id, p.ordinal`,
    [credentialIds],
  );
  const drills = await db.query<DrillResult[]>(
    `SELECT DISTINCT ON (d.revocation_path_id) d.revocation_path_id AS "pathId", ${ms('d.started_at')} AS "startedAt",
            ${ms('d.ended_at')} AS "endedAt", d.outcome
       FROM drill d JOIN revocation_path p ON p.id = d.revocation_path_id
      WHERE p.credential_id = ANY($1::uuid[]) AND d.outcome IN ('passed', 'failed') AND d.counts AND d.started_at <= $2
      ORDER BY d.revocation_path_id, d.started_at DESC`,
    [credentialIds, new Date(now)],
  );
  const attempts = await attemptsShown(db, credentialIds);
  const [scope] = await db.query<{ all: boolean }[]>(`SELECT cs_installation() AS all`);
  const credentials = await db.query<{ id: Id; revocability: Revocability }[]>(
    `SELECT id, revocability FROM credential WHERE id = ANY($1::uuid[])`,
    [credentialIds],
  );
  return new Map(
    credentials.map(({ id, revocability }) => {
      const own = paths.filter((path) => path.credentialId === id);
      const stoppers = stoppersOf(
        { id, revocability },
        own.map((path): StopPath => ({
          ...path,
          // A party's own session may not read the other side's connections and contacts.
          label: path.label ?? (path.kind === 'connector' ? 'a connection' : 'a contact'),
          byMachine: path.kind === 'connector' && revocability !== 'manual',
        })),
        drills,
        now,
      );
      const pathOf = new Map(own.map((path) => [path.id, path]));
      return [
        id,
        stoppers.map((stopper) => ({
          ...stopper,
          partyName: pathOf.get(stopper.pathId)?.partyName ?? '',
          reach: pathOf.get(stopper.pathId)?.reach ?? null,
          drillsKnown: scope?.all ?? false,
          attempt: attemptBy(attempts, stopper.pathId),
        })),
      ];
    }),
  );
}
