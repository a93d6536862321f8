import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ConnectionsService } from '../revocation/connections.service.ts';
import type { Presets } from '../revocation/presets.service.ts';
import { circlesIn } from '../integrations/dependencies.rules.ts';
import {
  CHANGED_LOCATIONS,
  CHANGED_VERSIONS,
  CHILDREN_OF_CREDENTIALS,
  CHILDREN_OF_INTEGRATIONS,
  COUNT_CHANGES,
  EDGES,
  HOME_USE,
  NEW_LOCATIONS,
  NEW_VERSIONS,
  REVOCATION_PATHS,
} from './apply.sql.ts';
import {
  AGREED_MINUTES,
  ANY_DUPLICATE,
  CIRCLE,
  dangling,
  DEPENDENCIES,
  DUPLICATES,
  keysElsewhere,
  keysOfFile,
  LOCATIONS_AFTERWARDS,
  MARK_BAD,
  MATRICES_AFTERWARDS,
  moved,
  NO_MINUTES,
  OTHER_VALUE,
  TWO_ACTIVE,
  type GivenFields,
} from './checks.sql.ts';
import { mergeAgreements } from './merge-agreements.ts';
import { mergeConnections } from './merge-connections.ts';
import { mergeMatrices } from './merge-matrices.ts';
import { mergePresets } from './merge-presets.ts';
import { childSql, insertSql, updateSql, type ChildRule } from './merge.sql.ts';
import { TABLES } from './merge.tables.ts';
import { KINDS } from './portfolio.schema.ts';
import { refuseReuse } from './refuse-reuse.ts';
import { execute, type Names } from './statements.ts';

/** What an import knows beyond the file and the database. */
export interface Surroundings {
  presets: Presets;
  connections: ConnectionsService;
  /** Who asked for the import; the author of matrices that come with it. */
  by: Principal;
  fields: GivenFields;
  /** Whether the policy of such an integration keeps one value out of two environments. */
  isolates: (integration: { riskTier: number; dataClass: string }) => boolean;
}

/** Judges the staged rows among themselves and against what is stored. Bad ones are marked; problems are in staging_problem. */
export async function check(db: Db, names: Names, about: Surroundings): Promise<void> {
  if (await any(db, ANY_DUPLICATE, names)) await execute(db, DUPLICATES, names);
  const kinds = KINDS.filter((kind) => about.fields.has(kind));
  for (const kind of kinds) await execute(db, keysOfFile(kind), names);
  await db.query(
    `INSERT INTO staging_key (run_id, kind, key, id, fresh, in_file)
     SELECT $1, 'connectorPreset', key, cs_new_id($3), false, false FROM unnest($2::text[]) AS key ON CONFLICT DO NOTHING`,
    [names.run, (await about.presets.all(db)).map(({ preset }) => preset.key), names.now],
  );
  for (const kind of KINDS) {
    const sql = keysElsewhere(kind, about.fields);
    if (sql) await execute(db, sql, names);
  }
  await db.query('SELECT cs_analyze_staging()');
  const stored = await storedKinds(db, names);
  for (const kind of kinds) {
    const sql = stored.has(kind) ? moved(kind) : undefined;
    if (sql) await execute(db, sql, names);
  }
  if (about.fields.get('credential')?.has('authority'))
    for (const sql of [AGREED_MINUTES, NO_MINUTES]) await execute(db, sql, names);
  if (about.fields.has('credentialVersion')) await execute(db, TWO_ACTIVE, names);
  if (stored.has('credentialVersion')) await execute(db, OTHER_VALUE, names);
  if (about.fields.get('integration')?.has('dependencies')) await refuseCircles(db, names);
  await dropDependants(db, names, about);
}

/** Whoever refers to a row that fell out falls out, too, and so on. */
export async function dropDependants(db: Db, names: Names, about: Surroundings): Promise<void> {
  let fallen: number;
  do {
    if (await any(db, 'SELECT 1 FROM staging_key WHERE run_id = :run AND id IS NULL LIMIT 1', names)) {
      for (const kind of KINDS) {
        const sql = dangling(kind, about.fields);
        if (sql) await execute(db, sql, names);
      }
    }
    fallen = await markBad(db, names);
  } while (fallen > 0);
}

/** @returns how many keys lost their row */
export async function markBad(db: Db, names: Names): Promise<number> {
  if (!(await any(db, 'SELECT 1 FROM staging_problem WHERE run_id = :run LIMIT 1', names))) return 0;
  let lost: unknown[] = [];
  for (const sql of MARK_BAD) lost = await execute(db, sql, names);
  return lost.length;
}

async function any(db: Db, sql: string, names: Names): Promise<boolean> {
  return (await execute(db, sql, names)).length > 0;
}

/** Kinds of which some row of the file is stored already. Of the others there is nothing to compare with. */
async function storedKinds(db: Db, names: Names): Promise<ReadonlySet<string>> {
  const rows = await execute<{ kind: string }>(
    db,
    'SELECT DISTINCT kind FROM staging_key WHERE run_id = :run AND in_file AND NOT fresh',
    names,
  );
  return new Set(rows.map(({ kind }) => kind));
}

async function refuseCircles(db: Db, names: Names): Promise<void> {
  const edges = await execute<{ from: string; to: string; line: number | null; key: string | null }>(
    db,
    DEPENDENCIES,
    names,
  );
  const circles = circlesIn(edges.map(({ from, to }) => [from, to] as const));
  if (circles.size === 0) return;
  const keys = new Map(edges.map((edge) => [edge.from, edge.key]));
  const seen = new Set<string>();
  const found = edges.flatMap(({ from, line, key }) => {
    const circle = circles.get(from);
    if (!circle || line === null || seen.has(from)) return [];
    seen.add(from);
    const way = circle.way && [...circle.way, from].slice(0, 7).map((id) => `"${keys.get(id) ?? '…'}"`);
    const said = way
      ? `${way.join(' → ')}${circle.size > 6 ? ' …' : ''}`
      : `it is one of ${circle.size} integrations that depend on one another`;
    return [{ line, key, problem: `depends on itself: ${said}` }];
  });
  await execute(db, CIRCLE, { ...names, data: JSON.stringify(found) });
}

/** Brings the rows that are not bad into their tables, as far as the rules need that look at both sides of the file. */
export async function mergeThings(db: Db, names: Names, about: Surroundings): Promise<void> {
  const { fields } = about;
  const stored = await storedKinds(db, names);
  const children = async (rules: readonly ChildRule[]) => {
    for (const rule of rules) {
      if (!rule.fields.some((field) => fields.get(rule.kind)?.has(field))) continue;
      // The home of a new credential is a use already, and may be named again.
      await execute(db, childSql(rule, !stored.has(rule.kind) && rule.table !== 'credential_use'), names);
    }
  };
  if (fields.has('connectorPreset')) await mergePresets(db, names, about.presets, about.by);
  for (const rule of TABLES) {
    if (!fields.has(rule.kind)) continue;
    if (rule.kind === 'connection')
      await mergeConnections(db, names, about.presets, about.connections, about.by);
    if (stored.has(rule.kind)) await execute(db, updateSql(rule), names);
    await execute(db, insertSql(rule), names);
    if (rule.kind === 'integration') await children(CHILDREN_OF_INTEGRATIONS);
    if (rule.kind === 'credential') {
      await execute(db, HOME_USE, names);
      await children(CHILDREN_OF_CREDENTIALS);
      if (fields.get('credential')?.has('paths'))
        for (const sql of REVOCATION_PATHS) await execute(db, sql, names);
    }
  }
  if (givesMatrices(fields)) for (const sql of MATRICES_AFTERWARDS) await execute(db, sql, names);
  if (fields.has('location')) for (const sql of LOCATIONS_AFTERWARDS) await execute(db, sql, names);
  if (fields.has('credentialVersion')) await refuseReuse(db, names, about.isolates);
}

/** The rest: versions of things, copies, edges. */
export async function mergeVersions(db: Db, names: Names, about: Surroundings): Promise<void> {
  const { fields } = about;
  const stored = await storedKinds(db, names);
  if (fields.has('agreement') || fields.has('term')) await mergeAgreements(db, names);
  if (stored.has('credentialVersion')) for (const sql of CHANGED_VERSIONS) await execute(db, sql, names);
  if (fields.has('credentialVersion')) for (const sql of NEW_VERSIONS) await execute(db, sql, names);
  if (givesMatrices(fields)) await mergeMatrices(db, names, `${about.by.kind}:${about.by.id}`);
  if (fields.has('location')) await execute(db, NEW_LOCATIONS, names);
  if (stored.has('location')) await execute(db, CHANGED_LOCATIONS, names);
  if (fields.has('edge')) for (const sql of EDGES) await execute(db, sql, names);
  if (fields.has('connection')) await about.connections.handLimits(db, await idsOf(db, names, 'connection'));
  for (const sql of COUNT_CHANGES) await execute(db, sql, names);
}

async function idsOf(db: Db, names: Names, kind: string): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(
    'SELECT id FROM staging_key WHERE run_id = $1 AND kind = $2 AND in_file AND id IS NOT NULL',
    [names.run, kind],
  );
  return rows.map(({ id }) => id);
}

function givesMatrices(fields: GivenFields): boolean {
  return fields.has('matrixRow') || (fields.get('integration')?.has('matrix') ?? false);
}
