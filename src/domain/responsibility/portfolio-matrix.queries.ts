import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { DUTIES, type Duty } from './matrix.rules.ts';

export interface PortfolioMatrixFilter {
  /** Accountable for something, or for the duty asked for. */
  partyId?: Id | undefined;
  duty?: Duty | undefined;
  /** Only where nobody answers for something, or for the duty asked for. */
  gap?: boolean | undefined;
  text?: string | undefined;
  after?: { name: string; id: Id } | undefined;
  limit: number;
}

export interface PortfolioMatrixLine {
  id: Id;
  reference: string;
  name: string;
  state: string;
  versionId: Id | null;
  number: number | null;
  /** Null: there is no matrix at all. */
  matrixState: string | null;
  /** ISO instants. */
  validFrom: string | null;
  validUntil: string | null;
  /** The accountable parties of each duty; two or more: it is shared. A duty without an entry is a gap. */
  accountable: Partial<Record<Duty, string[]>>;
  /** Duties that a draft answers for, which nobody has signed. */
  drafted: Duty[];
}

/** The matrix that both sides signed; else the proposed one, else what is in force unsigned, else the newest that was not withdrawn. */
const SHOWN = `SELECT m.id, m.number, m.state, m.valid_from, m.valid_until FROM matrix_version m
   WHERE m.integration_id = i.id AND m.state <> 'withdrawn'
   ORDER BY m.state = 'countersigned' DESC, m.state = 'proposed' DESC,
            (m.valid_from <= $1 AND (m.valid_until IS NULL OR m.valid_until > $1)) DESC NULLS LAST, m.number DESC LIMIT 1`;

/** Integrations by name against duties, one row more than asked for is never read: the caller asks for it. */
export async function portfolioMatrix(
  db: Db,
  filter: PortfolioMatrixFilter,
  now: Millis,
): Promise<PortfolioMatrixLine[]> {
  type Line = Omit<PortfolioMatrixLine, 'accountable' | 'drafted' | 'validFrom' | 'validUntil'>;
  const page = await db.query<(Line & { validFrom: Date | null; validUntil: Date | null })[]>(
    `SELECT i.id, i.reference, i.name, i.state, v.id AS "versionId", v.number, v.state AS "matrixState",
            v.valid_from AS "validFrom", v.valid_until AS "validUntil"
       FROM integration i LEFT JOIN LATERAL (${SHOWN}) v ON true
      WHERE i.state <> 'retired'
        AND ($2::text IS NULL OR i.name ILIKE $2 OR i.reference ILIKE $2)
        AND ($3::uuid IS NULL OR EXISTS (SELECT FROM matrix_row r WHERE r.matrix_version_id = v.id AND r.accountable_party_id = $3 AND ($4::text IS NULL OR r.duty = $4)))
        AND (NOT $5::boolean OR (SELECT count(DISTINCT r.duty) FROM matrix_row r WHERE r.matrix_version_id = v.id AND r.credential_id IS NULL
                                    AND ($4::text IS NULL OR r.duty = $4)) < CASE WHEN $4::text IS NULL THEN ${DUTIES.length} ELSE 1 END)
        AND ($6::text IS NULL OR (i.name, i.id) > ($6, $7::uuid))
      ORDER BY i.name, i.id LIMIT $8`,
    [
      iso(now),
      filter.text === undefined ? null : `%${filter.text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`,
      filter.partyId ?? null,
      filter.duty ?? null,
      filter.gap ?? false,
      filter.after?.name ?? null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  const cells = await db.query<{ versionId: Id; duty: Duty; parties: string[] }[]>(
    `SELECT r.matrix_version_id AS "versionId", r.duty,
            array_agg(DISTINCT coalesce((SELECT min(ip.party_name) FROM integration_party ip WHERE ip.integration_id = r.integration_id AND ip.party_id = r.accountable_party_id), 'another party')) AS parties
       FROM matrix_row r WHERE r.matrix_version_id = ANY($1) AND r.credential_id IS NULL GROUP BY 1, 2`,
    [page.map(({ versionId }) => versionId).filter((id) => id !== null)],
  );
  const drafts = await db.query<{ id: Id; duties: Duty[] }[]>(
    `SELECT integration_id AS id, array_agg(DISTINCT duty) AS duties FROM matrix_draft_row
      WHERE integration_id = ANY($1) AND credential_id IS NULL AND NOT gone GROUP BY 1`,
    [page.map(({ id }) => id)],
  );
  const drafted = new Map(drafts.map(({ id, duties }) => [id, duties]));
  const byVersion = new Map<Id, Partial<Record<Duty, string[]>>>();
  for (const { versionId, duty, parties } of cells)
    byVersion.set(versionId, { ...byVersion.get(versionId), [duty]: parties });
  return page.map((line) => ({
    ...line,
    validFrom: line.validFrom?.toISOString() ?? null,
    validUntil: line.validUntil?.toISOString() ?? null,
    drafted: drafted.get(line.id) ?? [],
    accountable: (line.versionId === null ? undefined : byVersion.get(line.versionId)) ?? {},
  }));
}

/** Parties that answer for something, for choosing one. */
export function accountableParties(db: Db): Promise<{ id: Id; name: string }[]> {
  return db.query(
    `SELECT ip.party_id AS id, min(ip.party_name) AS name FROM integration_party ip
      WHERE ip.role IN ('supplier', 'customer') GROUP BY ip.party_id ORDER BY min(ip.party_name) LIMIT 500`,
  );
}
