import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { VersionView } from '../credentials/credential.schema.ts';
import { findCredential, locationsOf, versionsOf } from '../credentials/credentials.queries.ts';
import { findIntegration } from '../integrations/integrations.queries.ts';
import { matrixInForce } from '../responsibility/matrices.queries.ts';
import { stoppersFor } from '../revocation/deaths.queries.ts';
import { attemptBy, attemptsShown } from '../revocation/ways.queries.ts';
import type {
  CredentialView,
  FacetsView,
  IntegrationView,
  StopperView,
  UsedCredential,
} from './overview.schema.ts';

/** Everything about one integration that its page and its API show. */
export async function integrationView(db: Db, id: Id, now: Millis): Promise<IntegrationView | undefined> {
  const core = await findIntegration(db, id);
  if (!core) return undefined;
  const uses = await db.query<Omit<UsedCredential, 'versions' | 'stoppers'>[]>(
    `SELECT u.credential_id AS id, u.label, u.purpose, coalesce(c.integration_id = u.integration_id, false) AS home,
            c.id IS NULL OR c.integration_id <> u.integration_id OR (SELECT count(*) FROM credential_use x WHERE x.credential_id = u.credential_id) > 1 AS shared,
            c.kind AS type, c.environment, c.revocability
       FROM credential_use u LEFT JOIN credential c ON c.id = u.credential_id
      WHERE u.integration_id = $1 ORDER BY u.label, u.credential_id LIMIT 500`,
    [id],
  );
  const credentials: UsedCredential[] = [];
  for (const use of uses) {
    credentials.push({
      ...use,
      versions: await versionsWithFacets(db, use.id),
      stoppers: await stoppersView(db, use.id, now),
    });
  }
  return {
    ...core,
    matrix: (await matrixInForce(db, id, now)) ?? null,
    credentials,
    locations: await locationsOf(db, { integrationId: id }),
  };
}

export async function credentialView(db: Db, id: Id, now: Millis): Promise<CredentialView | undefined> {
  const core = await findCredential(db, id);
  if (!core) return undefined;
  return {
    ...core,
    versions: await withFacets(db, core.versions),
    stoppers: await stoppersView(db, id, now),
  };
}

async function versionsWithFacets(
  db: Db,
  credentialId: Id,
): Promise<(VersionView & { death: FacetsView })[]> {
  return withFacets(db, await versionsOf(db, credentialId));
}

async function withFacets(
  db: Db,
  versions: readonly VersionView[],
): Promise<(VersionView & { death: FacetsView })[]> {
  const rows = await db.query<
    (Omit<FacetsView, 'livenessAt' | 'sessionsUntil'> & {
      id: Id;
      livenessAt: Date | null;
      sessionsUntil: Date | null;
    })[]
  >(
    `SELECT version_id AS id, revocation, liveness, liveness_at AS "livenessAt", sessions, sessions_until AS "sessionsUntil" FROM version_death WHERE version_id = ANY($1)`,
    [versions.map(({ id }) => id)],
  );
  const known = new Map(
    rows.map(({ id, livenessAt, sessionsUntil, ...facets }) => [
      id,
      {
        ...facets,
        livenessAt: livenessAt?.toISOString() ?? null,
        sessionsUntil: sessionsUntil?.toISOString() ?? null,
      },
    ]),
  );
  return versions.map((version) => ({ ...version, death: known.get(version.id) ?? UNTOUCHED }));
}

const UNTOUCHED: FacetsView = {
  revocation: 'none',
  liveness: null,
  livenessAt: null,
  sessions: 'unknown',
  sessionsUntil: null,
};

async function stoppersView(db: Db, credentialId: Id, now: Millis): Promise<StopperView[]> {
  const stoppers = await stoppersFor(db, credentialId, now);
  const attempts = await attemptsShown(db, [credentialId]);
  const attemptOf = (pathId: Id): StopperView['attempt'] => {
    const attempt = attemptBy(attempts, pathId);
    return attempt && { state: attempt.state, since: iso(attempt.beganAt), reason: attempt.reason };
  };
  return stoppers.map((stopper) => ({
    ...stopper,
    attempt: attemptOf(stopper.pathId),
    lastDrill: stopper.lastDrill && {
      at: new Date(stopper.lastDrill.at).toISOString(),
      outcome: stopper.lastDrill.outcome,
    },
  }));
}
