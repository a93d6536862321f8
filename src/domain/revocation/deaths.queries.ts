import { holds } from '../credentials/holdings.queries.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Revocability, Verdict } from './connector.ts';
import type {
  CopyFacets,
  DeathFacets,
  LocationVerdict,
  RevocationFacet,
  SessionsFacet,
} from './containment.rules.ts';
import { stoppersOf, type DrillResult, type Stopper, type StopPath } from './stoppers.rules.ts';

/**
 * SQL: whether a version is proven dead, and not only before it was known to be exposed; never null.
 *
 * @param death  alias of its `version_death`, which may be none
 * @param since  expression of when it came to be known as exposed
 */
export const provenDead = (death: string, since: string): string =>
  `coalesce(${death}.liveness = 'dead' AND ${death}.liveness_at >= ${since}, false)`;

/**
 * What is known of these versions' deaths, for `containmentOf`. A version that was never touched counts as not looked at.
 * One whose looks never reached the verifier by machine is not probeable; `probeable` says so from its evidence and paths.
 *
 * @param since  from when on each is known to be exposed: an older proof is none of that. Absent: any proof counts
 */
export async function deathFacetsOf(
  db: Db,
  versionIds: readonly Id[],
  unprobeable: ReadonlySet<Id>,
  now: Millis,
  since?: ReadonlyMap<Id, Millis>,
): Promise<DeathFacets[]> {
  const rows = await db.query<
    {
      id: Id;
      label: string;
      revocation: RevocationFacet | null;
      liveness: Verdict | null;
      liveness_at: Date | null;
      sessions: SessionsFacet | null;
      sessions_until: Date | null;
      statements: DeathFacets['statements'][number][];
      accepted_until: Date | null;
    }[]
  >(
    `SELECT v.id, c.name || ', version ' || v.number AS label, d.revocation, d.liveness, d.liveness_at, d.sessions,
            d.sessions_until,
            ARRAY(SELECT DISTINCT s.kind FROM statement s WHERE s.subject_id = v.id AND s.subject_kind = 'credential_version') AS statements,
            (SELECT max(r.until) FROM risk_acceptance r WHERE r.subject_id = v.id AND r.until > $2) AS accepted_until
       FROM credential_version v
       JOIN credential c ON c.id = v.credential_id
       LEFT JOIN version_death d ON d.version_id = v.id
      WHERE v.id = ANY($1::uuid[]) ORDER BY v.id`,
    [versionIds, new Date(now)],
  );
  return rows.map((row) => ({
    versionId: row.id,
    label: row.label,
    revocation: row.revocation ?? 'none',
    liveness: row.liveness,
    provenBefore:
      row.liveness === 'dead' && (row.liveness_at?.getTime() ?? 0) < (since?.get(row.id) ?? -Infinity),
    probeable: !unprobeable.has(row.id),
    sessions: row.sessions ?? 'unknown',
    sessionsUntil: row.sessions_until?.getTime() ?? null,
    statements: row.statements,
    riskAcceptedUntil: row.accepted_until?.getTime() ?? null,
  }));
}

/** What is meant, wherever several copies have one name: which copy, where, and of which credential. Over `l`, `c` and `v`. */
const COPY_LABEL = `l.name || ' (' || replace(l.kind, '_', ' ') || CASE WHEN l.path <> '' THEN ', ' || l.path ELSE '' END || ') of '
            || c.name || ', version ' || v.number`;

/** Every copy of these versions with its last verdict. */
export async function copyFacetsOf(
  db: Db,
  versionIds: readonly Id[],
  now: Millis,
): Promise<(CopyFacets & { versionId: Id; integrationId: Id })[]> {
  const rows = await db.query<
    {
      id: Id;
      version_id: Id;
      integration_id: Id;
      label: string;
      verdict: LocationVerdict | null;
      accepted_until: Date | null;
    }[]
  >(
    `SELECT l.id, v.id AS version_id, l.integration_id, ${COPY_LABEL} AS label,
            (SELECT p.verdict FROM location_proof p WHERE p.location_id = l.id AND p.version_id = v.id
              ORDER BY p.at DESC, p.id DESC LIMIT 1) AS verdict,
            (SELECT max(r.until) FROM risk_acceptance r WHERE r.subject_id = l.id AND r.until > $2) AS accepted_until
       FROM credential_version v
       JOIN credential c ON c.id = v.credential_id
       JOIN location l ON l.credential_id = v.credential_id AND ${holds('l', 'v.id')} AND l.retired_at IS NULL
      WHERE v.id = ANY($1::uuid[]) ORDER BY l.id, v.id`,
    [versionIds, new Date(now)],
  );
  return rows.map((row) => ({
    locationId: row.id,
    versionId: row.version_id,
    integrationId: row.integration_id,
    label: row.label,
    verdict: row.verdict,
    riskAcceptedUntil: row.accepted_until?.getTime() ?? null,
  }));
}

/** Who can still stop a credential, in the order to call. */
export async function stoppersFor(db: Db, credentialId: Id, now: Millis): Promise<Stopper[]> {
  const paths = await db.query<
    {
      id: Id;
      kind: 'connector' | 'contact';
      ordinal: number;
      party_id: Id;
      expected_minutes: number | null;
      label: string | null;
      retired: boolean;
      connector: string | null;
      revocability: Revocability;
    }[]
  >(
    `SELECT p.id, p.kind, p.ordinal, p.party_id, p.expected_minutes, coalesce(n.name, k.name) AS label,
            coalesce(n.retired_at IS NOT NULL, NOT k.active, false) AS retired, n.preset_key AS connector, c.revocability
       FROM revocation_path p
       JOIN credential c ON c.id = p.credential_id
       LEFT JOIN connection n ON n.id = p.connection_id
       LEFT JOIN contact k ON k.id = p.contact_id
      WHERE p.credential_id = $1 ORDER BY p.ordinal`,
    [credentialId],
  );
  const [first] = paths;
  if (!first) return [];
  const drills = await db.query<
    { path_id: Id; started_at: Date; ended_at: Date | null; outcome: string | null }[]
  >(
    `SELECT d.revocation_path_id AS path_id, d.started_at, d.ended_at, d.outcome
       FROM drill d JOIN revocation_path p ON p.id = d.revocation_path_id WHERE p.credential_id = $1
        AND d.outcome IN ('passed', 'failed') AND d.counts`,
    [credentialId],
  );
  return stoppersOf(
    { id: credentialId, revocability: first.revocability },
    paths.map((path): StopPath => ({
      id: path.id,
      kind: path.kind,
      ordinal: path.ordinal,
      partyId: path.party_id,
      // A party's own session may not read the other side's connections and contacts.
      label: path.label ?? (path.kind === 'connector' ? 'a connection' : 'a contact'),
      expectedMinutes: path.expected_minutes,
      retired: path.retired,
      byMachine: path.kind === 'connector' && first.revocability !== 'manual',
    })),
    drills.map((drill): DrillResult => ({
      pathId: drill.path_id,
      startedAt: drill.started_at.getTime(),
      endedAt: drill.ended_at?.getTime() ?? null,
      outcome: drill.outcome === 'passed' || drill.outcome === 'failed' ? drill.outcome : null,
    })),
    now,
  );
}

/** The evidence of one version, newest first, for its page and the auditor's pack. */
export interface EvidenceView {
  id: Id;
  kind: string;
  outcome: string;
  why: string;
  asked: string;
  status: number | null;
  extract: string;
  startedAt: string;
  endedAt: string;
}

export async function evidenceOf(db: Db, versionId: Id, limit = 100): Promise<EvidenceView[]> {
  const rows = await db.query<
    (Omit<EvidenceView, 'startedAt' | 'endedAt'> & { started_at: Date; ended_at: Date })[]
  >(
    `SELECT id, kind, outcome, why, asked, status, extract, started_at, ended_at FROM evidence
      WHERE version_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2`,
    [versionId, limit],
  );
  return rows.map(({ started_at: startedAt, ended_at: endedAt, ...row }) => ({
    ...row,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
  }));
}

/** Whether a person signed that the version was revoked, or need not be. */
export async function wasSigned(db: Db, versionId: Id): Promise<boolean> {
  const [row] = await db.query<{ signed: boolean }[]>(
    `SELECT EXISTS (SELECT 1 FROM statement WHERE subject_id = $1 AND subject_kind = 'credential_version'
                       AND kind IN ('revoked', 'replaced', 'not_affected')) AS signed`,
    [versionId],
  );
  return row?.signed === true;
}
