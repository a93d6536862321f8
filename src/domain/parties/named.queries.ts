import type { Id } from '../../kernel/ids.ts';

/** What a list of named things is narrowed by. */
export interface NamedFilter {
  text?: string;
  source?: string;
  key?: string;
  /** The last row of the page before. */
  cursor?: { name: string; id: Id };
  /** How many rows at most. */
  limit: number;
}

/** Collects the parameters of a statement; `$(value)` gives the placeholder. */
export class Parameters {
  readonly values: unknown[] = [];

  readonly $ = (value: unknown): string => {
    this.values.push(value);
    return `$${this.values.length}`;
  };
}

/** Conditions for the alias `t` of a table with name, reference, source and external_key. */
export function namedConditions(
  { text, source, key, cursor }: Omit<NamedFilter, 'limit'>,
  { $ }: Parameters,
  name = 't.name',
  hasReference = true,
): string[] {
  const conditions: string[] = [];
  if (text !== undefined) {
    const part = $(`%${text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`);
    const columns = [name, ...(hasReference ? ['t.reference'] : []), `coalesce(t.external_key, '')`];
    conditions.push(`(${columns.map((column) => `${column} ILIKE ${part}`).join(' OR ')})`);
  }
  if (source !== undefined) conditions.push(`t.source = ${$(source)}`);
  if (key !== undefined) conditions.push(`t.external_key = ${$(key)}`);
  if (cursor !== undefined) conditions.push(`(${name}, t.id) > (${$(cursor.name)}, ${$(cursor.id)}::uuid)`);
  return conditions;
}

export function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}
