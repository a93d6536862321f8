import type { Db } from './transactions.ts';

/** The rows of any statement: TypeORM answers UPDATE and DELETE … RETURNING with a pair of rows and their number. */
export async function rowsOf<T>(db: Db, sql: string, params: unknown[] = []): Promise<T[]> {
  const answer: unknown = await db.query(sql, params);
  if (!Array.isArray(answer)) return [];
  const paired = answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number';
  return (paired ? answer[0] : answer) as T[];
}
