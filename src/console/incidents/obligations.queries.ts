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
