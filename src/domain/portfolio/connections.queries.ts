import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { namedConditions, Parameters, where, type NamedFilter } from '../parties/named.queries.ts';
import type { ConnectionView } from './overview.schema.ts';

/** References into the stores stay where they are: of a secret only its name is shown. */
const VIEW = `t.id, t.source, t.external_key AS key, t.name, jsonb_build_object('id', t.party_id, 'name', p.name) AS party, t.preset_key AS preset, t.base_url AS "baseUrl",
  t.environment, ARRAY(SELECT jsonb_object_keys(t.auth_refs) ORDER BY 1) AS secrets,
  jsonb_build_object('set', t.control_ref IS NOT NULL, 'supplierId', t.control_supplier_id) AS control, t.max_concurrent AS "maxConcurrent", t.per_second::float8 AS "perSecond",
  (SELECT count(*)::int FROM credential c WHERE c.connection_id = t.id) AS credentials, t.retired_at AS "retiredAt", t.row_version AS "rowVersion"`;

type Row = Omit<ConnectionView, 'retiredAt'> & { retiredAt: Date | null };
const view = (row: Row): ConnectionView => ({ ...row, retiredAt: row.retiredAt?.toISOString() ?? null });

export async function listConnections(
  db: Db,
  filter: NamedFilter & { partyId?: Id },
): Promise<ConnectionView[]> {
  const parameters = new Parameters();
  const conditions = namedConditions(filter, parameters, 't.name', false);
  if (filter.partyId !== undefined) conditions.push(`t.party_id = ${parameters.$(filter.partyId)}`);
  const rows = await db.query<Row[]>(
    `SELECT ${VIEW} FROM connection t JOIN party p ON p.id = t.party_id ${where(conditions)} ORDER BY t.name, t.id LIMIT ${parameters.$(filter.limit)}`,
    parameters.values,
  );
  return rows.map(view);
}

export async function findConnection(db: Db, id: Id): Promise<ConnectionView | undefined> {
  const [row] = await db.query<Row[]>(
    `SELECT ${VIEW} FROM connection t JOIN party p ON p.id = t.party_id WHERE t.id = $1`,
    [id],
  );
  return row && view(row);
}
