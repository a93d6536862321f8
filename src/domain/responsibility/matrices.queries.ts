import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { DUTIES, gapsOf, isShared, type MatrixRowFacts } from './matrix.rules.ts';
import type { MatrixRowView, MatrixView } from './matrix.schema.ts';

type Version = Omit<MatrixView, 'rows' | 'gaps' | 'shared' | 'validFrom' | 'validUntil' | 'inForce'> & {
  validFrom: Date | null;
  validUntil: Date | null;
};

const VERSION = `id, number, state, encode(content_hash, 'hex') AS "contentHash", valid_from AS "validFrom", valid_until AS "validUntil"`;

/**
 * The matrix in force at an instant: the countersigned one; where none is, what was declared last, which nobody signed.
 * $1 integration, $2 instant.
 */
const IN_FORCE = `FROM matrix_version
  WHERE integration_id = $1 AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)
    AND (state <> 'withdrawn' OR valid_until IS NOT NULL)
  ORDER BY state = 'countersigned' DESC, number DESC LIMIT 1`;

/** @returns undefined when the integration has none, or is not to be seen */
export async function matrixInForce(db: Db, integrationId: Id, at: Millis): Promise<MatrixView | undefined> {
  const [version] = await db.query<Version[]>(`SELECT ${VERSION} ${IN_FORCE}`, [integrationId, new Date(at)]);
  return version && { ...(await withRows(db, version)), inForce: true };
}

/** Every version, newest first, without its rows. */
export async function matrixVersions(
  db: Db,
  integrationId: Id,
): Promise<Omit<MatrixView, 'rows' | 'gaps' | 'shared' | 'inForce'>[]> {
  const versions = await db.query<Version[]>(
    `SELECT ${VERSION} FROM matrix_version WHERE integration_id = $1 ORDER BY number DESC LIMIT 200`,
    [integrationId],
  );
  return versions.map((version) => ({ ...version, ...datesOf(version) }));
}

async function withRows(db: Db, version: Version): Promise<Omit<MatrixView, 'inForce'>> {
  const rows = await matrixRowsOf(db, version.id);
  const facts = rows.map(factsOf);
  return {
    ...version,
    ...datesOf(version),
    rows,
    gaps: gapsOf(facts),
    shared: DUTIES.filter((duty) => isShared(facts, duty)),
  };
}

function datesOf({ validFrom, validUntil }: Version): {
  validFrom: string | null;
  validUntil: string | null;
} {
  return { validFrom: validFrom?.toISOString() ?? null, validUntil: validUntil?.toISOString() ?? null };
}

/** In the order of the duties. One side reads the other's name from the integration, not from its party's row. */
export function matrixRowsOf(db: Db, versionId: Id): Promise<MatrixRowView[]> {
  const named = (party: string) => `jsonb_build_object('id', ${party}, 'name',
    coalesce((SELECT p.name FROM party p WHERE p.id = ${party}),
             (SELECT ip.party_name FROM integration_party ip WHERE ip.integration_id = r.integration_id AND ip.party_id = ${party} LIMIT 1)))`;
  return db.query<MatrixRowView[]>(
    `SELECT r.id, r.duty, r.part, r.credential_id AS "credentialId", ${named('r.accountable_party_id')} AS accountable,
            coalesce((SELECT jsonb_agg(${named('f.party_id')} ORDER BY f.party_id) FROM matrix_performer f WHERE f.matrix_row_id = r.id), '[]') AS performing,
            CASE WHEN r.contact_id IS NOT NULL THEN jsonb_build_object('id', r.contact_id, 'name', (SELECT k.name FROM contact k WHERE k.id = r.contact_id)) END AS contact,
            r.window_minutes AS "windowMinutes", r.path_kind AS "pathKind", r.note
       FROM matrix_row r WHERE r.matrix_version_id = $1
      ORDER BY array_position($2::text[], r.duty), r.part, r.credential_id NULLS FIRST`,
    [versionId, [...DUTIES]],
  );
}

/** What the rules of the matrix need of its rows. */
export function factsOf(row: MatrixRowView): MatrixRowFacts {
  return {
    duty: row.duty,
    part: row.part,
    credentialId: row.credentialId,
    accountablePartyId: row.accountable.id,
    performingPartyIds: row.performing.map(({ id }) => id),
    windowMinutes: row.windowMinutes,
    pathKind: row.pathKind,
  };
}
