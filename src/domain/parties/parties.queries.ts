import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { namedConditions, Parameters, where, type NamedFilter } from './named.queries.ts';
import type { ContactView, PartyLine, PartyView } from './party.schema.ts';

const LINE = `t.id, t.reference, t.source, t.external_key AS key, t.name, t.is_operator AS operator, t.region, t.sector,
  ARRAY(SELECT DISTINCT ip.role FROM integration_party ip WHERE ip.party_id = t.id ORDER BY 1) AS roles`;
const CONTACT = `id, party_id AS "partyId", name, role, email, phone, language, ordinal, active, row_version AS "rowVersion"`;

/** By name. A party's own people see their own party and no other. */
export function listParties(db: Db, filter: NamedFilter & { role?: string }): Promise<PartyLine[]> {
  const parameters = new Parameters();
  const conditions = namedConditions(filter, parameters);
  if (filter.role !== undefined) {
    conditions.push(
      `EXISTS (SELECT FROM integration_party ip WHERE ip.party_id = t.id AND ip.role = ${parameters.$(filter.role)})`,
    );
  }
  return db.query<PartyLine[]>(
    `SELECT ${LINE} FROM party t ${where(conditions)} ORDER BY t.name, t.id LIMIT ${parameters.$(filter.limit)}`,
    parameters.values,
  );
}

export async function findParty(db: Db, id: Id): Promise<PartyView | undefined> {
  const [party] = await db.query<Omit<PartyView, 'contacts'>[]>(
    `SELECT ${LINE}, t.zone, t.language, t.row_version AS "rowVersion" FROM party t WHERE t.id = $1`,
    [id],
  );
  if (!party) return undefined;
  const contacts = await db.query<ContactView[]>(
    `SELECT ${CONTACT} FROM contact WHERE party_id = $1 ORDER BY role, ordinal, name, id LIMIT 500`,
    [id],
  );
  return { ...party, contacts };
}

export async function findContact(db: Db, id: Id): Promise<ContactView | undefined> {
  const [contact] = await db.query<ContactView[]>(`SELECT ${CONTACT} FROM contact WHERE id = $1`, [id]);
  return contact;
}
