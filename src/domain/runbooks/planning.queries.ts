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
export interface NewStep extends FirstState {
  id: Id;
  item: SelectedItem | null;
  parentKey: string | null;
}

/** Lane of steps that no supplier limits. */
export const NO_LANE = '';
/** Priority of steps that fan out over nothing. */
export const PLAIN_PRIORITY = 500;

/** @returns the ids that were new: a key that an earlier page had is left as it is. */
export async function insertSteps(
  db: Db,
  runId: Id,
  steps: readonly NewStep[],
  now: Millis,
): Promise<Set<Id>> {
  if (steps.length === 0) return new Set();
  const column = <T>(pick: (step: NewStep) => T) => steps.map(pick);
  const rows = await rowsOf<{ id: Id }>(
    db,
    `INSERT INTO step (id, run_id, node, priority, blockers, gated, state, passed, item_key, lane, parent_key, item, ready_at, finished_at)
     SELECT n.id, $1, n.node, n.priority, n.blockers, n.gated, n.state, CASE WHEN n.state = 'cancelled' THEN false END, n.item_key, n.lane,
            n.parent_key, n.item, CASE WHEN n.state = 'ready' THEN $2::timestamptz END, CASE WHEN n.state = 'cancelled' THEN $2::timestamptz END
       FROM unnest($3::uuid[], $4::smallint[], $5::smallint[], $6::smallint[], $7::bool[], $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[])
            AS n(id, node, priority, blockers, gated, state, item_key, lane, parent_key, item)
     ON CONFLICT (run_id, node, item_key) DO NOTHING RETURNING id`,
    [
      runId,
      new Date(now),
      column((s) => s.id),
      column((s) => s.node),
      column((s) => (s.item ? Math.max(0, Math.min(1000, Math.round(s.item.priority))) : PLAIN_PRIORITY)),
      column((s) => s.blockers),
      column((s) => s.gated),
      column((s) => s.state),
      column((s) => s.item?.key ?? ''),
      column((s) => s.item?.lane ?? NO_LANE),
      column((s) => s.parentKey),
      itemTexts(steps),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/** The items of one page stand in several nodes; each is written out once. */
function itemTexts(steps: readonly NewStep[]): (string | null)[] {
  const texts = new Map<SelectedItem, string>();
  return steps.map(({ item }) => {
    if (!item) return null;
    const text = texts.get(item) ?? JSON.stringify(item);
    texts.set(item, text);
    return text;
  });
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

export function newStep(first: FirstState, item: SelectedItem | null, parentKey: string | null): NewStep {
  return { ...first, id: newId(), item, parentKey };
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
