import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { PAGE_SIZE } from '../shared/paging.tsx';
import { ms } from '../shared/sql.ts';
import { REPORTED_BY } from '../../domain/exposures/reported-by.queries.ts';

export interface ExposureLine {
  id: Id;
  reference: string;
  state: string;
  triageReason: string | null;
  sourceName: string;
  kind: string | null;
  supplierId: string | null;
  place: string | null;
  publiclyLeaked: boolean;
  receivedAt: Millis;
  dismissalAsked: boolean;
  incidentReference: string | null;
  credentialName: string | null;
}

const COLUMNS = `e.id, e.reference, e.state, e.triage_reason AS "triageReason", ${REPORTED_BY} AS "sourceName", e.kind,
  e.supplier_id AS "supplierId", e.place, e.publicly_leaked AS "publiclyLeaked", ${ms('e.received_at')} AS "receivedAt",
  e.dismiss_requested_by IS NOT NULL AS "dismissalAsked", i.reference AS "incidentReference", c.name AS "credentialName"
  FROM exposure e LEFT JOIN source s ON s.id = e.source_id LEFT JOIN incident i ON i.id = e.incident_id
  LEFT JOIN credential c ON c.id = e.credential_id`;

/** Reports, the newest first; those in triage wait for a person. */
export function listExposures(
  db: Db,
  o: { triage: boolean; incident?: string | undefined; after?: { at: Date; id: string } | undefined },
): Promise<ExposureLine[]> {
  return db.query(
    `SELECT ${COLUMNS}
      WHERE (NOT $1::boolean OR e.state = 'triage') AND ($2::timestamptz IS NULL OR (e.received_at, e.id) < ($2, $3::uuid))
        AND ($4::text IS NULL OR i.reference = $4)
      ORDER BY e.received_at DESC, e.id DESC LIMIT ${PAGE_SIZE + 1}`,
    [o.triage, o.after?.at ?? null, o.after?.id ?? null, o.incident ?? null],
  );
}

export interface FoundAt {
  type: string;
  url: string | null;
  path: string | null;
  line: number | null;
  seenAt: Millis;
}

export async function findExposure(
  db: Db,
  reference: string,
): Promise<(ExposureLine & { foundAt: FoundAt[] }) | undefined> {
  const [row] = await db.query<ExposureLine[]>(`SELECT ${COLUMNS} WHERE e.reference = $1`, [reference]);
  if (!row) return undefined;
  const foundAt = await db.query<FoundAt[]>(
    `SELECT type, url, path, line, ${ms('seen_at')} AS "seenAt" FROM exposure_found_at WHERE exposure_id = $1 ORDER BY seen_at, id LIMIT 50`,
    [row.id],
  );
  return { ...row, foundAt };
}

/** The version that a person means: of a credential, its number or else the one in use. */
export async function versionOf(
  db: Db,
  reference: string,
  number: number | undefined,
): Promise<Id | undefined> {
  const [row] = await db.query<{ id: Id }[]>(
    `SELECT v.id FROM credential_version v JOIN credential c ON c.id = v.credential_id
      WHERE c.reference = $1 AND ($2::int IS NULL OR v.number = $2)
      ORDER BY v.phase = 'active' DESC, v.number DESC LIMIT 1`,
    [reference, number ?? null],
  );
  return row?.id;
}
