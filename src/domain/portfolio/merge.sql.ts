import type { ColumnRule, TableRule } from './merge.tables.ts';

/**
 * The two statements that merge the staged rows of a kind into its table. Placeholders: :run, :source,
 * :now, :year (of the references). What was changed goes into
 * staging_change; what is new is what staging_key calls fresh.
 */

/** Adds the rows that are not stored yet, in the order of the file. */
export function insertSql(rule: TableRule): string {
  const stamps = rule.edited ? ['created_at', 'updated_at'] : ['created_at'];
  const columns = [
    'id',
    ...(rule.prefix ? ['reference'] : []),
    'source',
    rule.keyColumn,
    ...rule.columns.map((c) => c.column),
    ...stamps,
  ];
  const values = [
    'g.id',
    ...(rule.prefix ? [referenceSql(rule.prefix)] : []),
    ':source',
    'g.key',
    ...rule.columns.map((c) => (c.or === undefined ? `g.${c.column}` : `coalesce(g.${c.column}, ${c.or})`)),
    ...stamps.map(() => ':now'),
  ];
  return `
    INSERT INTO ${rule.table} (${columns.join(', ')})
    SELECT ${values.join(', ')}
      FROM (
        SELECT k.id, s.key, s.line, ${rule.columns.map(valueSql).join(', ')}
          FROM staging_row s
          JOIN staging_key k ON k.run_id = :run AND k.kind = s.kind AND k.key = s.key AND k.fresh
               ${rule.columns.map(joinSql).join(' ')}
         WHERE s.run_id = :run AND s.kind = '${rule.kind}' AND NOT s.bad
         ORDER BY s.line) g`;
}

/** Changes stored rows where a given field differs; a row that says nothing new is not touched. */
export function updateSql(rule: TableRule): string {
  const changeable = rule.columns.filter((c) => c.fixed === undefined);
  const given = (c: ColumnRule) => `g.body ? '${c.field}'`;
  const value = (c: ColumnRule) =>
    c.or === undefined ? `g.${c.column}` : `coalesce(g.${c.column}, ${c.or})`;
  const edit = rule.edited ? ', updated_at = :now, row_version = t.row_version + 1' : '';
  return `
    WITH given AS (
      SELECT k.id, s.body, ${changeable.map(valueSql).join(', ')}
        FROM staging_row s
        JOIN staging_key k ON k.run_id = :run AND k.kind = s.kind AND k.key = s.key AND NOT k.fresh
             ${changeable.map(joinSql).join(' ')}
       WHERE s.run_id = :run AND s.kind = '${rule.kind}' AND NOT s.bad
    ), moved AS (
      UPDATE ${rule.table} t
         SET ${changeable.map((c) => `${c.column} = CASE WHEN ${given(c)} THEN ${value(c)} ELSE t.${c.column} END`).join(', ')}${edit}
        FROM given g
       WHERE t.id = g.id AND (${changeable.map((c) => `${given(c)} AND t.${c.column} IS DISTINCT FROM ${value(c)}`).join(' OR ')})
      RETURNING t.id
    )
    INSERT INTO staging_change (run_id, kind, id, created, counted)
    SELECT :run, '${rule.kind}', id, false, true FROM moved
    ON CONFLICT DO NOTHING`;
}

/** Known rows whose file says that they belong elsewhere: `line`, `key`, `field`. */
export function movedSql(rule: TableRule): string | undefined {
  const fixed = rule.columns.find((c) => c.fixed !== undefined);
  if (!fixed) return undefined;
  return `
    INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence)
    SELECT :run, s.line, s.kind, s.key, '/${fixed.field}', 'is stored under another ${fixed.fixed}, and does not move',
           'Give the new one a key of its own, or name the ${fixed.fixed} that it has.', false
      FROM staging_row s
      JOIN staging_key k ON k.run_id = :run AND k.kind = s.kind AND k.key = s.key AND NOT k.fresh
      JOIN staging_key p ON p.run_id = :run AND p.kind = '${fixed.ref}' AND p.key = s.body->>'${fixed.field}'
      JOIN ${rule.table} t ON t.id = k.id AND t.${fixed.column} <> p.id
     WHERE s.run_id = :run AND s.kind = '${rule.kind}' AND NOT s.bad AND p.id IS NOT NULL`;
}

/** A set of rows beneath a row, which a list in the file replaces. */
export interface ChildRule {
  /** The field of the row above that holds the list. */
  fields: readonly string[];
  /** Kind of the row above. */
  kind: 'integration' | 'credential';
  table: string;
  /** Which of the columns name the row above; the first is its id. */
  parent: readonly string[];
  /** Columns that tell one child from another under the same parent. */
  identity: readonly string[];
  /** Columns that may change. */
  others: readonly string[];
  /** Columns that are set once, with their SQL. */
  once?: Readonly<Record<string, string>>;
  /** Whether children that the list leaves out are removed. */
  removes: boolean;
  /** SELECT of parent, identity and other columns from what the file says. */
  given: string;
  /** SELECT of the parent columns of those rows that give the list at all. */
  owners: string;
}

/** @param allNew no row above was stored before: there is nothing to compare with, and nothing to note */
export function childSql(rule: ChildRule, allNew: boolean): string {
  const columns = [...rule.parent, ...rule.identity, ...rule.others];
  const same = (a: string, b: string) =>
    [...rule.parent, ...rule.identity].map((c) => `${a}.${c} = ${b}.${c}`).join(' AND ');
  const parentIs = (a: string, b: string) => rule.parent.map((c) => `${a}.${c} = ${b}.${c}`).join(' AND ');
  const [parent] = rule.parent;
  const once = Object.entries(rule.once ?? {});
  const target = [...columns, ...once.map(([column]) => column)].join(', ');
  const values = [...columns.map((c) => `g.${c}`), ...once.map(([, sql]) => sql)].join(', ');
  if (allNew) return `INSERT INTO ${rule.table} (${target}) SELECT ${values} FROM (${rule.given}) g`;
  const touched = [`SELECT ${parent} AS id FROM came`];
  const steps = [`given AS MATERIALIZED (${rule.given})`];
  if (rule.removes) {
    steps.push(
      `gone AS (
        DELETE FROM ${rule.table} t USING (${rule.owners}) o
         WHERE ${parentIs('t', 'o')} AND NOT EXISTS (SELECT FROM given g WHERE ${same('g', 't')})
        RETURNING t.${parent})`,
    );
    touched.push(`SELECT ${parent} FROM gone`);
  }
  if (rule.others.length > 0) {
    steps.push(
      `moved AS (
        UPDATE ${rule.table} t SET ${rule.others.map((c) => `${c} = g.${c}`).join(', ')} FROM given g
         WHERE ${same('t', 'g')} AND (${rule.others.map((c) => `t.${c} IS DISTINCT FROM g.${c}`).join(' OR ')})
        RETURNING t.${parent})`,
    );
    touched.push(`SELECT ${parent} FROM moved`);
  }
  steps.push(
    `came AS (
      INSERT INTO ${rule.table} (${target})
      SELECT ${values} FROM given g
       WHERE NOT EXISTS (SELECT FROM ${rule.table} t WHERE ${same('t', 'g')})
      RETURNING ${parent})`,
  );
  return `
    WITH ${steps.join(', ')}
    INSERT INTO staging_change (run_id, kind, id, created, counted)
    SELECT DISTINCT :run, '${rule.kind}', id, false, false FROM (${touched.join(' UNION ALL ')}) AS t WHERE ${notFresh(rule.kind, 't.id')}
    ON CONFLICT DO NOTHING`;
}

/** That a row was stored before this import: only then a change beneath it is a change. */
export function notFresh(kind: string, id: string): string {
  return `NOT EXISTS (SELECT FROM staging_key f WHERE f.run_id = :run AND f.kind = '${kind}' AND f.fresh AND f.id = ${id})`;
}

/** The next short reference, as `kernel/ids.ts` writes it. */
export function referenceSql(prefix: string): string {
  return `(SELECT '${prefix}-' || :year || '-' || CASE WHEN n < 10000 THEN lpad(n::text, 4, '0') ELSE n::text END
             FROM (SELECT nextval('reference_${prefix.toLowerCase()}') + 0 * g.line AS n) AS drawn)`;
}

function valueSql(c: ColumnRule): string {
  if (c.ref) return `r_${c.column}.id AS ${c.column}`;
  if (c.type.endsWith('[]')) {
    const item = c.type.slice(0, -2);
    const items = `SELECT (e #>> '{}')::${item} FROM jsonb_array_elements(s.body->'${c.field}') AS e`;
    return `CASE WHEN jsonb_typeof(s.body->'${c.field}') = 'array' THEN ARRAY(${items}) END AS ${c.column}`;
  }
  return c.type === 'text'
    ? `s.body->>'${c.field}' AS ${c.column}`
    : `(s.body->>'${c.field}')::${c.type} AS ${c.column}`;
}

function joinSql(c: ColumnRule): string {
  if (!c.ref) return '';
  return `LEFT JOIN staging_key r_${c.column} ON r_${c.column}.run_id = :run AND r_${c.column}.kind = '${c.ref}' AND r_${c.column}.key = s.body->>'${c.field}'`;
}
