import type { Principal } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { ConnectionsService } from '../revocation/connections.service.ts';
import type { Presets } from '../revocation/presets.service.ts';
import { circlesIn } from '../integrations/dependencies.rules.ts';
import {
  CHILDREN_OF_CREDENTIALS,
  CHILDREN_OF_INTEGRATIONS,
  COUNT_CHANGES,
  EDGES,
  HOME_USE,
  LOCATIONS,
  REVOCATION_PATHS,
  VERSIONS,
} from './apply.sql.ts';
import {
  AFTERWARDS,
  CIRCLE,
  DANGLING,
  DEPENDENCIES,
  DUPLICATES,
  keysElsewhere,
  keysOfFile,
  MARK_BAD,
  MOVED,
  OTHER_VALUE,
  TWO_ACTIVE,
} from './checks.sql.ts';
import { mergeAgreements } from './merge-agreements.ts';
import { mergeConnections } from './merge-connections.ts';
import { mergeMatrices } from './merge-matrices.ts';
import { mergePresets } from './merge-presets.ts';
import { childSql, insertSql, updateSql } from './merge.sql.ts';
import { TABLES } from './merge.tables.ts';
import { KINDS, type Kind } from './portfolio.schema.ts';
import { execute, type Names } from './statements.ts';

/** What an import knows beyond the file and the database. */
export interface Surroundings {
  presets: Presets;
  connections: ConnectionsService;
  /** Who asked for the import; the author of matrices that come with it. */
  by: Principal;
}

/** Judges the staged rows among themselves and against what is stored. Bad ones are marked; problems are in staging_problem. */
export async function check(db: Db, names: Names, about: Surroundings): Promise<void> {
  await execute(db, DUPLICATES, names);
  const kinds = await kindsIn(db, names);
  for (const kind of kinds) await execute(db, keysOfFile(kind), names);
  for (const { preset } of await about.presets.all(db)) {
    await db.query(
      `INSERT INTO staging_key (run_id, kind, key, id, fresh, in_file) VALUES ($1, 'connectorPreset', $2, cs_new_id($3), false, false) ON CONFLICT DO NOTHING`,
      [names.run, preset.key, names.now],
    );
  }
  for (const kind of KINDS) {
    const sql = keysElsewhere(kind);
    if (sql) await execute(db, sql, names);
  }
  await db.query('SELECT cs_analyze_staging()');
  for (const sql of [...MOVED, TWO_ACTIVE, OTHER_VALUE]) await execute(db, sql, names);
  await refuseCircles(db, names);
  await dropDependants(db, names);
}

/** Whoever refers to a row that fell out falls out, too, and so on. */
export async function dropDependants(db: Db, names: Names): Promise<void> {
  let fallen: number;
  do {
    for (const sql of DANGLING) await execute(db, sql, names);
    fallen = await markBad(db, names);
  } while (fallen > 0);
}

/** @returns how many keys lost their row */
export async function markBad(db: Db, names: Names): Promise<number> {
  let lost: unknown[] = [];
  for (const sql of MARK_BAD) lost = await execute(db, sql, names);
  return lost.length;
}

async function refuseCircles(db: Db, names: Names): Promise<void> {
  const [asks] = await db.query<unknown[]>(
    `SELECT 1 FROM staging_row WHERE run_id = $1 AND kind = 'integration' AND jsonb_path_exists(body, '$.dependencies[*].integration') LIMIT 1`,
    [names.run],
  );
  if (!asks) return;
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
    const way = [...circle, from].slice(0, 7).map((id) => `"${keys.get(id) ?? '…'}"`);
    return [{ line, key, problem: `depends on itself: ${way.join(' → ')}${circle.length > 6 ? ' …' : ''}` }];
  });
  await execute(db, CIRCLE, { ...names, data: JSON.stringify(found) });
}

/** Brings the rows that are not bad into their tables, as far as the rules need that look at both sides of the file. */
export async function mergeThings(db: Db, names: Names, about: Surroundings): Promise<void> {
  const kinds = new Set(await kindsIn(db, names));
  if (kinds.has('connectorPreset')) await mergePresets(db, names, about.presets, about.by);
  for (const rule of TABLES) {
    if (!kinds.has(rule.kind)) continue;
    if (rule.kind === 'connection')
      await mergeConnections(db, names, about.presets, about.connections, about.by);
    await execute(db, updateSql(rule), names);
    await execute(db, insertSql(rule), names);
    // What came just now is unknown to the planner, and the children of these join with it.
    if (rule.kind === 'integration' || rule.kind === 'credential')
      await db.query('SELECT cs_analyze_portfolio()');
    if (rule.kind === 'integration')
      for (const child of CHILDREN_OF_INTEGRATIONS) await execute(db, childSql(child), names);
    if (rule.kind === 'credential') {
      await execute(db, HOME_USE, names);
      for (const child of CHILDREN_OF_CREDENTIALS) await execute(db, childSql(child), names);
      for (const sql of REVOCATION_PATHS) await execute(db, sql, names);
    }
  }
  for (const sql of AFTERWARDS) await execute(db, sql, names);
}

/** The rest: versions of things, copies, edges. */
export async function mergeVersions(db: Db, names: Names, about: Surroundings): Promise<void> {
  const kinds = new Set(await kindsIn(db, names));
  if (kinds.has('agreement') || kinds.has('term')) await mergeAgreements(db, names);
  await db.query('SELECT cs_analyze_portfolio()');
  if (kinds.has('credentialVersion')) for (const sql of VERSIONS) await execute(db, sql, names);
  if (kinds.has('integration') || kinds.has('matrixRow'))
    await mergeMatrices(db, names, `${about.by.kind}:${about.by.id}`);
  if (kinds.has('location')) for (const sql of LOCATIONS) await execute(db, sql, names);
  if (kinds.has('edge')) for (const sql of EDGES) await execute(db, sql, names);
  for (const sql of COUNT_CHANGES) await execute(db, sql, names);
}

async function kindsIn(db: Db, names: Names): Promise<Kind[]> {
  const rows = await db.query<{ kind: Kind }[]>('SELECT DISTINCT kind FROM staging_row WHERE run_id = $1', [
    names.run,
  ]);
  const present = new Set(rows.map(({ kind }) => kind));
  return KINDS.filter((kind) => present.has(kind));
}
