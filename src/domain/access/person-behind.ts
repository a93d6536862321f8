import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** The person behind an account, or behind a token by its id; null where none is known. Sees what the installation sees. */
export async function personBehind(db: Db, id: string): Promise<Id | null> {
  const [row] = await db.query<{ personId: Id }[]>(
    `SELECT u.person_id AS "personId" FROM user_account u WHERE u.id::text = $1
     UNION ALL
     SELECT p.id FROM api_token t JOIN person p ON p.id::text = t.made_by WHERE t.id::text = $1`,
    [id],
  );
  return row?.personId ?? null;
}
