import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ConnectionView } from './connection.schema.ts';

type Row = Omit<ConnectionView, 'retiredAt' | 'perSecond'> & {
  retiredAt: Date | null;
  perSecond: string | null;
};

const VIEW = `
  SELECT n.id, n.source, n.external_key AS "externalKey", n.party_id AS "partyId", p.name AS "partyName", n.name,
         n.preset_key AS preset, n.base_url AS "baseUrl", n.environment, n.max_concurrent AS "maxConcurrent",
         n.per_second AS "perSecond", ARRAY(SELECT jsonb_object_keys(n.auth_refs) ORDER BY 1) AS secrets,
         jsonb_build_object('set', n.control_ref IS NOT NULL, 'supplierId', n.control_supplier_id) AS control,
         n.retired_at AS "retiredAt", n.row_version AS "rowVersion"
    FROM connection n JOIN party p ON p.id = n.party_id`;

const viewOf = ({ retiredAt, perSecond, ...row }: Row): ConnectionView => ({
  ...row,
  perSecond: perSecond === null ? null : Number(perSecond),
  retiredAt: retiredAt?.toISOString() ?? null,
});

/** Oldest first, by keyset. */
export async function connectionsPage(
  db: Db,
  o: { partyId?: Id; after?: Id; limit: number },
): Promise<ConnectionView[]> {
  const rows: Row[] = await db.query(
    `${VIEW} WHERE ($1::uuid IS NULL OR n.party_id = $1) AND ($2::uuid IS NULL OR n.id > $2) ORDER BY n.id LIMIT $3`,
    [o.partyId ?? null, o.after ?? null, o.limit],
  );
  return rows.map(viewOf);
}

export async function connectionOf(db: Db, id: Id): Promise<ConnectionView | undefined> {
  const [row]: Row[] = await db.query(`${VIEW} WHERE n.id = $1`, [id]);
  return row && viewOf(row);
}
