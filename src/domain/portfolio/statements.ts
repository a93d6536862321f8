import type { Db } from '../../platform/database/transactions.ts';
import type { Id } from '../../kernel/ids.ts';

/** What the statements of an import may refer to by name. */
export interface Names {
  run: Id;
  source: string;
  now: Date;
  year: string;
  data?: string;
}

const TYPES: Readonly<Record<keyof Names, string>> = {
  run: 'uuid',
  source: 'text',
  now: 'timestamptz',
  year: 'text',
  data: 'jsonb',
};
const NAME = /(?<![:\w]):(run|source|now|year|data)\b/g;

/** Runs a statement whose placeholders have names: `:run` becomes `$1::uuid`. @returns the rows, or those of RETURNING */
export async function execute<T = unknown>(db: Db, sql: string, names: Names): Promise<T[]> {
  const values: unknown[] = [];
  const places = new Map<string, number>();
  const text = sql.replaceAll(NAME, (_, name: keyof Names) => {
    let place = places.get(name);
    if (place === undefined) {
      values.push(names[name]);
      place = values.length;
      places.set(name, place);
    }
    return `$${place}::${TYPES[name]}`;
  });
  return rowsOf<T>(await db.query(text, values));
}

/** UPDATE and DELETE come back as [rows, count], everything else as rows. */
export function rowsOf<T>(answer: unknown): T[] {
  const list = answer as unknown[];
  return (list.length === 2 && Array.isArray(list[0]) && typeof list[1] === 'number' ? list[0] : list) as T[];
}
