import { newId, type Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { SelectedItem } from './action.ts';
import type { FirstState } from './next-steps.rules.ts';
import { rowsOf } from './runs.queries.ts';

/** A node whose items can be planned, or whose opened barrier has steps left to let through. */
export interface PlanWork {
  runId: Id;
  node: number;
  draining: boolean;
}

export function planWork(db: Db): Promise<PlanWork[]> {
  return rowsOf<PlanWork>(
    db,
    `SELECT run_id AS "runId", node, draining FROM run_node
      WHERE (NOT planned AND NOT on_demand AND gate = 0) OR draining ORDER BY run_id, node LIMIT 1000`,
    [],
  );
}

/** One planner for a group at a time; the lock goes with the transaction. */
export async function lockGroup(db: Db, runId: Id, group: number): Promise<boolean> {
  const [row] = await rowsOf<{ mine: boolean }>(
    db,
    `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 4100016)) AS mine`,
    [`${runId}:${group}`],
  );
  return row?.mine === true;
}

export interface NodePlan {
  node: number;
  planned: boolean;
  gate: number;
  gateBarred: boolean;
  cursor: string | null;
  total: number;
  expected: number | null;
}

const NODE_PLAN = `node, planned, gate, gate_barred AS "gateBarred", cursor, total, expected`;

export function nodePlans(db: Db, runId: Id, nodes: readonly number[], lock: boolean): Promise<NodePlan[]> {
  return rowsOf<NodePlan>(
    db,
    `SELECT ${NODE_PLAN} FROM run_node WHERE run_id = $1 AND node = ANY($2::smallint[]) ORDER BY node ${lock ? 'FOR UPDATE' : ''}`,
    [runId, nodes],
  );
}

/**
 * How the items stand that a page names as its parents. The lock makes a parent's result wait until the page is committed,
 * and the page wait for a result that is being committed: no child misses its release.
 */
export function parentsOf(
  db: Db,
  runId: Id,
  nodes: readonly number[],
  keys: readonly string[],
): Promise<{ node: number; key: string; passed: boolean | null }[]> {
  return rowsOf(
    db,
    `SELECT s.node, s.item_key AS key, s.passed FROM step s
      WHERE s.run_id = $1 AND s.node = ANY($2::smallint[]) AND s.item_key = ANY($3::text[]) ORDER BY s.id FOR SHARE`,
    [runId, nodes, keys],
  );
}

/** A step row to be. */
export interface NewStep extends Omit<FirstState, 'state'> {
  id: Id;
  item: SelectedItem | null;
  /** `skipped`: it could run at once, and does not apply. */
  state: FirstState['state'] | 'skipped';
  reason: string | null;
}

/** Lane of steps that no supplier limits. */
export const NO_LANE = '';
/** Priority of steps that fan out over nothing. */
export const PLAIN_PRIORITY = 500;

/**
 * Rows that start alike go in one statement, with their items as one JSON text.
 *
 * @param parentFacts  which item fact names the parent, by node
 * @returns the ids that were new: a key that an earlier page had is left as it is
 */
export async function insertSteps(
  db: Db,
  runId: Id,
  steps: readonly NewStep[],
  now: Millis,
  parentFacts: ReadonlyMap<number, string> = new Map(),
): Promise<Set<Id>> {
  const alike = new Map<string, NewStep[]>();
  for (const step of steps) {
    const key = `${step.node} ${step.state} ${step.blockers} ${step.gated}`;
    const group = alike.get(key);
    if (group) group.push(step);
    else alike.set(key, [step]);
  }
  const fresh = new Set<Id>();
  for (const group of alike.values()) {
    const { node, state, blockers, gated, reason } = group[0]!;
    const rows = await rowsOf<{ id: Id }>(
      db,
      `INSERT INTO step (id, run_id, node, priority, blockers, gated, state, passed, item_key, lane, parent_key, item, ready_at, finished_at, reason)
       SELECT n.id, $1, $3::smallint, greatest(0, least(1000, coalesce((n.item->>'priority')::numeric, ${PLAIN_PRIORITY})))::smallint, $4::smallint, $5::bool, $6::text,
              CASE $6::text WHEN 'cancelled' THEN false WHEN 'skipped' THEN true END, coalesce(n.item->>'key', ''), coalesce(n.item->>'lane', '${NO_LANE}'),
              CASE WHEN $7::text IS NOT NULL THEN n.item->'facts'->>$7::text END, nullif(n.item, 'null'),
              CASE WHEN $6::text = 'ready' THEN $2::timestamptz END, CASE WHEN $6::text IN ('cancelled', 'skipped') THEN $2::timestamptz END, $10::text
         FROM ROWS FROM (unnest($8::uuid[]), jsonb_array_elements($9::jsonb)) AS n(id, item)
       ON CONFLICT (run_id, node, item_key) DO NOTHING RETURNING id`,
      [
        runId,
        new Date(now),
        node,
        blockers,
        gated,
        state,
        parentFacts.get(node) ?? null,
        group.map((step) => step.id),
        JSON.stringify(group.map((step) => step.item)),
        reason,
      ],
    );
    for (const row of rows) fresh.add(row.id);
  }
  return fresh;
}

/** Moves a group's cursor on; at its end the nodes are planned. @returns false when the run was cancelled meanwhile */
export async function moveCursor(
  db: Db,
  runId: Id,
  nodes: readonly number[],
  cursor: string | null,
  expected: number | null,
): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `UPDATE run_node SET cursor = $3::text, planned = $3::text IS NULL, expected = coalesce($4::int, expected)
      WHERE run_id = $1 AND node = ANY($2::smallint[]) AND NOT planned RETURNING node`,
    [runId, nodes, cursor, expected],
  );
  return rows.length === nodes.length;
}

/** A group that will have no items, because what it needs has failed. */
export async function barGroup(db: Db, runId: Id, nodes: readonly number[]): Promise<void> {
  await db.query(
    `UPDATE run_node SET planned = true, barred = true WHERE run_id = $1 AND node = ANY($2::smallint[])`,
    [runId, nodes],
  );
}

export function newStep(first: FirstState, item: SelectedItem | null): NewStep {
  return { ...first, id: newId(), item, reason: null };
}

/** No further page of a run is planned: a page that is being written waits, or is rolled back. */
export async function stopPlanning(db: Db, runId: Id): Promise<void> {
  await db.query(`UPDATE run_node SET planned = true WHERE run_id = $1 AND NOT planned`, [runId]);
}

/** Output of a step that fans out over nothing, for a fan-out over it. */
export async function singleOutput(db: Db, runId: Id, node: number): Promise<unknown> {
  const [row] = await rowsOf<{ output: unknown }>(
    db,
    `SELECT output FROM step WHERE run_id = $1 AND node = $2 AND item_key = ''`,
    [runId, node],
  );
  return row?.output ?? null;
}
