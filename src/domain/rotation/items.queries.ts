import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { laneOf } from '../revocation/connections.service.ts';
import { firstConnections } from '../revocation/ways.queries.ts';
import type { SelectedItem } from '../runbooks/action.ts';

/** The old or the new version of a rotation, as what a step is about: it waits in its supplier's lane. */
export async function versionItem(
  db: Db,
  rotationId: Id,
  which: 'old' | 'new',
  now: Millis,
): Promise<SelectedItem[]> {
  const column = which === 'old' ? 'old_version_id' : 'new_version_id';
  const [row] = await db.query<
    { id: Id; credentialId: Id; integrationId: Id; label: string; kind: string; risk: number }[]
  >(
    `SELECT v.id, v.credential_id AS "credentialId", v.integration_id AS "integrationId", c.name || ', version ' || v.number AS label, c.kind, c.risk
       FROM rotation r JOIN credential_version v ON v.id = r.${column} JOIN credential c ON c.id = v.credential_id WHERE r.id = $1`,
    [rotationId],
  );
  if (!row) return [];
  const connection = (await firstConnections(db, [row.credentialId], now)).get(row.credentialId);
  return [
    {
      key: row.id,
      label: row.label,
      subject: { kind: 'credential_version', id: row.id },
      facts: {
        versionId: row.id,
        credentialId: row.credentialId,
        integrationId: row.integrationId,
        kind: row.kind,
      },
      ...(connection ? { lane: laneOf(connection) } : {}),
      priority: row.risk,
    },
  ];
}

/** Copies of a rotation's credential that hold one of its versions, or nobody knows which. */
export async function placeItems(
  db: Db,
  rotationId: Id,
  which: 'old' | 'new',
  page: { after: Id | null; limit: number },
): Promise<SelectedItem[]> {
  const rows = await db.query<{ id: Id; name: string; kind: string; path: string; risk: number }[]>(
    `SELECT l.id, l.name, l.kind, l.path, c.risk
       FROM rotation r JOIN credential c ON c.id = r.credential_id JOIN location l ON l.credential_id = c.id AND l.retired_at IS NULL
      WHERE r.id = $1 AND ($2::uuid IS NULL OR l.id > $2)
        AND CASE WHEN $4 = 'old' THEN l.version_id IS NULL OR l.version_id = r.old_version_id ELSE l.version_id = r.new_version_id END
      ORDER BY l.id LIMIT $3`,
    [rotationId, page.after, page.limit, which],
  );
  return rows.map((row) => ({
    key: row.id,
    label: `${row.name} (${[row.kind.replaceAll('_', ' '), row.path].filter(Boolean).join(', ')})`,
    subject: { kind: 'location', id: row.id },
    facts: { locationId: row.id, kind: row.kind },
    priority: row.risk,
  }));
}
