import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { standingOfVersion } from '../credentials/version-standing.rules.ts';
import type { Completeness, CompletenessLine, Standing } from './mass-revocation.schema.ts';
import { standingSql, standingsOf } from './standings.sql.ts';

/** Every version of every credential that the supplier issued or verifies; one without a version stands for itself. */
const OF = `FROM credential c LEFT JOIN credential_version v ON v.credential_id = c.id LEFT JOIN version_death d ON d.version_id = v.id
  WHERE (c.issuer_party_id = $1 OR c.verifier_party_id = $1)`;
const ADDED = `($3::timestamptz IS NOT NULL AND coalesce(v.created_at, c.created_at) > $3)`;
const ORDER = `coalesce(v.id, c.id)`;

/**
 * Did we get everything? Computed as it is read: every credential of the supplier, its state and its evidence. The total is
 * counted twice, once over the states and once over the inventory alone, and both must agree.
 *
 * @param o.since what came later than this is shown as added since
 */
export async function completenessOf(
  db: Db,
  supplierId: Id,
  now: Millis,
  o: { since: Millis | null; after?: Id | undefined; limit: number },
): Promise<Completeness | undefined> {
  const [supplier] = await rowsOf<Completeness['supplier']>(
    db,
    `SELECT id, reference, name FROM party WHERE id = $1`,
    [supplierId],
  );
  if (!supplier) return undefined;
  const since = o.since === null ? null : new Date(o.since);
  const standings = await rowsOf<{
    standing: Standing;
    n: number;
    added: number;
    counted: number;
    credentials: number;
  }>(
    db,
    // One statement, so that what is counted is one moment.
    `WITH own AS (SELECT id FROM credential WHERE issuer_party_id = $1 OR verifier_party_id = $1),
          total AS (SELECT (SELECT count(*) FROM own)::int AS credentials,
                           (SELECT coalesce(sum(greatest(1, (SELECT count(*) FROM credential_version x WHERE x.credential_id = own.id))), 0) FROM own)::int AS counted),
          stood AS (SELECT ${standingSql('$2')} AS standing, count(*)::int AS n, count(*) FILTER (WHERE ${ADDED})::int AS added ${OF} GROUP BY 1)
     SELECT stood.*, total.* FROM total LEFT JOIN stood ON true`,
    [supplierId, new Date(now), since],
  );
  const stood = standings.filter((row) => row.standing !== null);
  const counts = standingsOf(stood);
  const versions = stood.reduce((sum, { n }) => sum + n, 0);
  const { counted, credentials } = standings[0]!;
  const lines = await linesOf(db, supplierId, now, { since, after: o.after, limit: o.limit });
  const last = lines.at(-1);
  return {
    supplier,
    asOf: iso(now),
    since: o.since === null ? null : iso(o.since),
    credentials,
    versions,
    standings: counts,
    addedSince: stood.reduce((sum, { added }) => sum + added, 0),
    addsUp: counted === versions,
    complete: counts.proven_dead + counts.no_version === versions,
    lines,
    next: last && lines.length === o.limit ? (last.versionId ?? last.credentialId) : null,
  };
}

/** Every line of a supplier, a page at a time. */
export async function linesOf(
  db: Db,
  supplierId: Id,
  now: Millis,
  o: { since: Date | null; after?: Id | undefined; limit: number },
): Promise<CompletenessLine[]> {
  type Row = Omit<CompletenessLine, 'evidenceAt'> & { evidenceAt: Date | null; liveness: string | null };
  const rows = await rowsOf<Row>(
    db,
    `SELECT c.id AS "credentialId", c.reference, c.name, (SELECT n.name FROM integration n WHERE n.id = c.integration_id) AS integration,
            c.environment, v.id AS "versionId", v.number AS version, v.phase, d.liveness, ${standingSql('$2')} AS standing,
            CASE WHEN d.liveness IS NOT NULL THEN d.liveness_evidence_id ELSE d.revocation_evidence_id END AS "evidenceId",
            CASE WHEN d.liveness IS NOT NULL THEN d.liveness_at ELSE d.revocation_at END AS "evidenceAt",
            (SELECT i.reference FROM incident_credential x JOIN incident i ON i.id = x.incident_id
              WHERE x.version_id = v.id ORDER BY x.joined_at DESC LIMIT 1) AS "incidentReference", ${ADDED} AS "addedSince"
       ${OF} AND ($4::uuid IS NULL OR ${ORDER} > $4) ORDER BY ${ORDER} LIMIT $5`,
    [supplierId, new Date(now), o.since, o.after ?? null, o.limit],
  );
  return rows.map(({ liveness, ...row }) => ({
    ...row,
    phase: row.phase === null ? null : standingOfVersion({ phase: row.phase, liveness }),
    evidenceAt: row.evidenceAt?.toISOString() ?? null,
  }));
}

/** The columns of the whole table as a file. */
export const COMPLETENESS_COLUMNS = [
  'reference',
  'name',
  'integration',
  'environment',
  'version',
  'phase',
  'standing',
  'evidenceId',
  'evidenceAt',
  'incidentReference',
  'addedSince',
] as const satisfies readonly (keyof CompletenessLine)[];
