import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { containmentOf } from '../revocation/containment.rules.ts';
import { copyFacetsOf, deathFacetsOf } from '../revocation/deaths.queries.ts';
import type { OffboardingView } from './onboarding.schema.ts';
import { stepsOfWay } from './ways.queries.ts';

/**
 * Credentials that end with the integration $1: its own, unless another integration that is not retired uses them, too.
 * Over `c`.
 */
export const ENDS_WITH = `c.integration_id = $1 AND c.retired_at IS NULL
  AND NOT EXISTS (SELECT FROM credential_use o JOIN integration x ON x.id = o.integration_id
                   WHERE o.credential_id = c.id AND o.integration_id <> $1 AND x.state <> 'retired')`;

/**
 * What keeps an integration from being retired: credentials that are not proven dead and copies that nobody has accounted
 * for, unless somebody carries the risk by name. A statement makes no credential dead.
 */
export async function holdsOpen(db: Db, integrationId: Id, now: Millis): Promise<string[]> {
  const versions = await db.query<{ id: Id }[]>(
    `SELECT v.id FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE ${ENDS_WITH} ORDER BY v.id`,
    [integrationId],
  );
  const ids = versions.map(({ id }) => id);
  const facets = await deathFacetsOf(db, ids, new Set(), now);
  const carried = new Set(facets.flatMap((one) => (one.riskAcceptedUntil === null ? [] : [one.versionId])));
  const { reasons } = containmentOf(facets, await copyFacetsOf(db, ids, now), now);
  return reasons
    .filter(({ covered, code, id }) => !covered || (code === 'death-unproven' && !carried.has(id)))
    .map(({ message }) => message);
}

/** The newest offboarding of an integration. */
export async function offboardingOf(
  db: Db,
  integrationId: Id,
  now: Millis,
): Promise<OffboardingView | undefined> {
  type Head = Omit<OffboardingView, 'steps' | 'holdsOpen' | 'requestedAt' | 'endedAt'> & {
    requestedAt: Date;
    endedAt: Date | null;
  };
  const [row] = await db.query<Head[]>(
    `SELECT o.id, o.run_id AS "runId", o.state, r.state AS "runState", o.reason, o.requested_by AS "requestedBy",
            o.requested_at AS "requestedAt", o.ended_at AS "endedAt"
       FROM offboarding o JOIN run r ON r.id = o.run_id WHERE o.integration_id = $1 ORDER BY o.requested_at DESC, o.id DESC LIMIT 1`,
    [integrationId],
  );
  if (!row) return undefined;
  return {
    ...row,
    requestedAt: row.requestedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    steps: await stepsOfWay(db, row.runId),
    holdsOpen: row.state === 'open' ? await holdsOpen(db, integrationId, now) : [],
  };
}
