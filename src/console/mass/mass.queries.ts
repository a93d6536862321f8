import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

export interface NamedThing {
  id: Id;
  reference: string;
  name: string;
}

/** Everybody who issued or verifies a credential in use, by name. */
export function suppliers(db: Db): Promise<NamedThing[]> {
  return db.query(
    `SELECT id, reference, name FROM party
      WHERE id IN (SELECT verifier_party_id FROM credential WHERE retired_at IS NULL UNION SELECT issuer_party_id FROM credential WHERE retired_at IS NULL)
      ORDER BY name, id LIMIT 500`,
  );
}

export async function findNamed(
  db: Db,
  table: 'party' | 'integration',
  by: { reference: string } | { id: Id },
): Promise<NamedThing | undefined> {
  const [row] = await db.query<NamedThing[]>(
    `SELECT id, reference, name FROM ${table} WHERE ${'id' in by ? 'id' : 'reference'} = $1`,
    ['id' in by ? by.id : by.reference],
  );
  return row;
}
