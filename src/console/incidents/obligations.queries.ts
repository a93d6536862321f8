import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

const MOST = 200;

/** The suppliers of an incident's cases. */
export function suppliersOf(db: Db, incidentId: Id): Promise<{ caseId: Id; partyId: Id; name: string }[]> {
  return db.query(
    `SELECT c.id AS "caseId", p.party_id AS "partyId", p.party_name || ', ' || c.reference AS name
       FROM incident_case c JOIN integration_party p ON p.integration_id = c.integration_id AND p.role IN ('supplier', 'sub_processor')
       JOIN party y ON y.id = p.party_id AND NOT y.is_operator
      WHERE c.incident_id = $1 GROUP BY 1, 2, 3 ORDER BY name, 1 LIMIT ${MOST}`,
    [incidentId],
  );
}

/** Contacts to whom a duty may be told: those of whoever the duty names first, who can be reached and who cannot. */
export function tellableOf(
  db: Db,
  obligationId: Id,
): Promise<{ id: Id; name: string; role: string; ways: string }[]> {
  return db.query(
    `SELECT k.id, k.name || ', ' || p.name AS name, string_agg(DISTINCT x.role, ', ') AS role,
            concat_ws(', ', k.email, (SELECT string_agg(DISTINCT a.channel, ', ') FROM address_of_record a
                                       WHERE a.contact_id = k.id AND a.valid_until IS NULL)) AS ways
       FROM obligation o JOIN incident_case c ON c.id = o.case_id
       JOIN integration_party x ON x.integration_id = c.integration_id AND x.party_id <> o.party_id
       JOIN party p ON p.id = x.party_id AND NOT p.is_operator
       JOIN contact k ON k.party_id = p.id AND k.active
      WHERE o.id = $1
      GROUP BY k.id, k.name, p.name, k.email, k.ordinal, o.recipient_party_id, p.id
      ORDER BY (p.id = o.recipient_party_id) DESC NULLS LAST, bool_or(x.role IN ('authority', 'insurer')) DESC, p.name, k.ordinal, k.id
      LIMIT ${MOST}`,
    [obligationId],
  );
}

/** Where an obligation belongs, or undefined. */
export async function incidentOfObligation(
  db: Db,
  id: Id,
): Promise<{ id: Id; reference: string; caseId: Id; event: string } | undefined> {
  const [row] = await db.query<{ id: Id; reference: string; caseId: Id; event: string }[]>(
    `SELECT i.id, i.reference, o.case_id AS "caseId", o.start_event AS event
       FROM obligation o JOIN incident i ON i.id = o.incident_id WHERE o.id = $1`,
    [id],
  );
  return row;
}
