import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

export interface Candidate {
  id: Id;
  reference: string;
  name: string;
  customer: string;
}

const MOST = 100;

/** Integrations that the supplier supplies to one customer and that stand under no offering yet. */
export function candidates(db: Db, supplierId: Id, text: string | undefined): Promise<Candidate[]> {
  return db.query<Candidate[]>(
    `SELECT i.id, i.reference, i.name, min(c.party_name) AS customer
       FROM integration_party s JOIN integration i ON i.id = s.integration_id
       JOIN integration_party c ON c.integration_id = i.id AND c.role = 'customer' AND c.party_id <> $1
      WHERE s.party_id = $1 AND s.role = 'supplier' AND i.state <> 'retired'
        AND NOT EXISTS (SELECT FROM offering_target t WHERE t.integration_id = i.id)
        AND ($2::text IS NULL OR i.name ILIKE $2 OR i.reference ILIKE $2 OR c.party_name ILIKE $2)
      GROUP BY i.id HAVING count(DISTINCT c.party_id) = 1 ORDER BY i.name, i.id LIMIT ${MOST}`,
    [supplierId, text === undefined ? null : `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`],
  );
}

/** Integrations that have a matrix to begin from. */
export function withMatrix(db: Db): Promise<{ id: Id; reference: string; name: string }[]> {
  return db.query(
    `SELECT i.id, i.reference, i.name FROM integration i WHERE EXISTS (SELECT FROM matrix_version v WHERE v.integration_id = i.id)
      ORDER BY i.name, i.id LIMIT 300`,
  );
}
