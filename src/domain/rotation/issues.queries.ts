import { newId, type Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

export type IssueState =
  'asked' | 'issued' | 'nothing' | 'rejected' | 'unknown' | 'orphaned' | 'gone' | 'superseded';

/** One request for a new version, as it stands. */
export interface IssueRow {
  id: Id;
  number: number;
  connectionId: Id;
  label: string;
  state: IssueState;
  askedAt: Date;
  versionId: Id | null;
  supplierId: string | null;
  why: string;
}

const COLUMNS = `id, number, connection_id AS "connectionId", label, state, asked_at AS "askedAt", version_id AS "versionId",
  supplier_id AS "supplierId", why`;

/** Newest first. */
export function issuesOf(db: Db, rotationId: Id): Promise<IssueRow[]> {
  return db.query(`SELECT ${COLUMNS} FROM rotation_issue WHERE rotation_id = $1 ORDER BY number DESC`, [
    rotationId,
  ]);
}

/** The intent, before the first byte leaves. The label is the same nowhere else. */
export async function addIssue(
  db: Db,
  rotation: { id: Id; integrationId: Id; reference: string },
  connectionId: Id,
  number: number,
  now: Millis,
): Promise<IssueRow> {
  const id = newId();
  const label = `countersign-${rotation.reference}-${number}-${id.slice(-8)}`.toLowerCase();
  await db.query(
    `INSERT INTO rotation_issue (id, rotation_id, integration_id, number, connection_id, label, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [id, rotation.id, rotation.integrationId, number, connectionId, label, new Date(now)],
  );
  return {
    id,
    number,
    connectionId,
    label,
    state: 'asked',
    askedAt: new Date(now),
    versionId: null,
    supplierId: null,
    why: '',
  };
}

export async function settleIssue(
  db: Db,
  id: Id,
  to: { state: IssueState; why: string; versionId?: Id | null; supplierId?: string | null },
  now: Millis,
): Promise<void> {
  await db.query(
    `UPDATE rotation_issue SET state = $2, why = $3, version_id = coalesce($4, version_id), supplier_id = coalesce($5, supplier_id), settled_at = $6 WHERE id = $1`,
    [id, to.state, to.why.slice(0, 2000), to.versionId ?? null, to.supplierId ?? null, new Date(now)],
  );
}

/** Every id that the supplier has for the versions of a credential, as far as they are on record. */
export async function knownIds(db: Db, credentialId: Id): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ id: string }[]>(
    `SELECT supplier_id AS id FROM credential_version WHERE credential_id = $1 AND supplier_id IS NOT NULL`,
    [credentialId],
  );
  return new Set(rows.map(({ id }) => id));
}
