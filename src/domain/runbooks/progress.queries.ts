import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { rowsOf } from './runs.queries.ts';

/**
 * The counters: what a group of ended steps releases, cancels and closes. Rows are locked in the order of their ids, so
 * that two groups which share dependants wait for each other instead of dying.
 */

const date = (at: Millis) => new Date(at);

/** One release, counted: the same step may be released by several steps of a group. */
export interface ReleaseCount {
  runId: Id;
  node: number;
  key: string;
  count: number;
}

/** A step that may now run. */
export interface Readied {
  id: Id;
  runId: Id;
  node: number;
}

/** A step that was cancelled because what it needs failed. */
export interface Cancelled {
  id: Id;
  runId: Id;
  node: number;
  itemKey: string;
  covers: number[] | null;
  fence: number;
}

const BY = { item: 'item_key', parent: 'parent_key' } as const;

/** Takes blockers away. @returns the steps that have none left. */
export async function release(
  db: Db,
  by: 'item' | 'parent',
  releases: readonly ReleaseCount[],
  now: Millis,
): Promise<Readied[]> {
  if (releases.length === 0) return [];
  const rows = await rowsOf<Readied & { state: string }>(
    db,
    `UPDATE step s SET blockers = s.blockers - h.n, state = CASE WHEN s.blockers <= h.n THEN 'ready' ELSE 'pending' END,
            ready_at = CASE WHEN s.blockers <= h.n THEN $5::timestamptz END
       FROM (SELECT s.id, d.n FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::smallint[]) AS d(run_id, node, key, n)
               JOIN step s ON s.run_id = d.run_id AND s.node = d.node AND s.${BY[by]} = d.key
              WHERE s.state = 'pending' ORDER BY s.id FOR UPDATE OF s) h
      WHERE s.id = h.id RETURNING s.id, s.run_id AS "runId", s.node, s.state`,
    [...keys(releases), releases.map((r) => r.count), date(now)],
  );
  return rows.filter((row) => row.state === 'ready');
}

/** Cancels the steps that need what has failed. */
export function bar(
  db: Db,
  by: 'item' | 'parent',
  releases: readonly Omit<ReleaseCount, 'count'>[],
  now: Millis,
): Promise<Cancelled[]> {
  if (releases.length === 0) return Promise.resolve([]);
  return rowsOf<Cancelled>(
    db,
    `UPDATE step s SET state = 'cancelled', passed = false, gated = false, finished_at = $4, reason = '${BARRED}'
       FROM (SELECT s.id FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS d(run_id, node, key)
               JOIN step s ON s.run_id = d.run_id AND s.node = d.node AND s.${BY[by]} = d.key
              WHERE s.state = 'pending' ORDER BY s.id FOR UPDATE OF s) h
      WHERE s.id = h.id
      RETURNING s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.covers, s.fence`,
    [...keys(releases), date(now)],
  );
}

export const BARRED = 'what it needs has failed';

const keys = (releases: readonly { runId: Id; node: number; key: string }[]) => [
  releases.map((r) => r.runId),
  releases.map((r) => r.node),
  releases.map((r) => r.key),
];

/** Opens a barrier for up to `limit` of a node's steps. @returns those that became ready, and how many were met. */
export async function openGate(
  db: Db,
  runId: Id,
  node: number,
  now: Millis,
  limit: number,
): Promise<{ readied: Readied[]; met: number }> {
  const rows = await rowsOf<Readied & { state: string }>(
    db,
    `UPDATE step s SET gated = false, blockers = s.blockers - CASE WHEN s.state = 'pending' THEN 1 ELSE 0 END,
            state = CASE WHEN s.state = 'pending' AND s.blockers <= 1 THEN 'ready' ELSE s.state END,
            ready_at = CASE WHEN s.state = 'pending' AND s.blockers <= 1 THEN $4::timestamptz ELSE s.ready_at END
       FROM (SELECT id FROM step WHERE run_id = $1 AND node = $2 AND gated ORDER BY id LIMIT $3 FOR UPDATE) h
      WHERE s.id = h.id RETURNING s.id, s.run_id AS "runId", s.node, s.state`,
    [runId, node, limit, date(now)],
  );
  return { readied: rows.filter((row) => row.state === 'ready'), met: rows.length };
}

/** Cancels up to `limit` of a node's steps whose barrier will never open. */
export async function barGate(
  db: Db,
  runId: Id,
  node: number,
  now: Millis,
  limit: number,
): Promise<{ cancelled: Cancelled[]; met: number }> {
  const rows = await rowsOf<Cancelled & { barred: boolean }>(
    db,
    `UPDATE step s SET gated = false,
            state = CASE WHEN s.state = 'pending' THEN 'cancelled' ELSE s.state END,
            passed = CASE WHEN s.state = 'pending' THEN false ELSE s.passed END,
            finished_at = CASE WHEN s.state = 'pending' THEN $4::timestamptz ELSE s.finished_at END,
            reason = CASE WHEN s.state = 'pending' THEN '${BARRED}' ELSE s.reason END
       FROM (SELECT id, state FROM step WHERE run_id = $1 AND node = $2 AND gated ORDER BY id LIMIT $3 FOR UPDATE) h
      WHERE s.id = h.id
      RETURNING s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.covers, s.fence, h.state = 'pending' AS barred`,
    [runId, node, limit, date(now)],
  );
  return { cancelled: rows.filter((row) => row.barred), met: rows.length };
}

/** Starts the fallback of each failed step, for the same item. @returns the rows that this call made. */
export function callFallbacks(
  db: Db,
  calls: readonly { id: Id; instead: Id; node: number; covers: number[] }[],
  now: Millis,
): Promise<Readied[]> {
  return rowsOf<Readied>(
    db,
    `INSERT INTO step (id, run_id, node, item_key, item, lane, priority, parent_key, covers, blockers, state, ready_at)
     SELECT c.id, s.run_id, c.node, s.item_key, s.item, s.lane, s.priority, s.parent_key, c.covers::smallint[], 0, 'ready', $5
       FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[]) AS c(id, instead, node, covers) JOIN step s ON s.id = c.instead
     ON CONFLICT (run_id, node, item_key) DO NOTHING
     RETURNING id, run_id AS "runId", node`,
    [
      calls.map((c) => c.id),
      calls.map((c) => c.instead),
      calls.map((c) => c.node),
      calls.map((c) => `{${c.covers.join(',')}}`),
      date(now),
    ],
  );
}

/** Notes on failed steps how their fallback ended, for those who plan against them later. */
export async function passCovered(
  db: Db,
  closings: readonly { runId: Id; itemKey: string; covers: readonly number[]; passed: boolean }[],
): Promise<void> {
  for (const closing of closings) {
    if (closing.covers.length === 0) continue;
    await db.query(
      `UPDATE step SET passed = $4 WHERE run_id = $1 AND node = ANY($2::smallint[]) AND item_key = $3`,
      [closing.runId, closing.covers, closing.itemKey, closing.passed],
    );
  }
}

/** How the counters of a node move. */
export interface NodeMove {
  runId: Id;
  node: number;
  total: number;
  open: number;
  done: number;
  failed: number;
  skipped: number;
  cancelled: number;
  barred: boolean;
}

export interface NodeStanding {
  runId: Id;
  node: number;
  open: number;
  planned: boolean;
  closed: boolean;
  barred: boolean;
}

export function moveNodes(db: Db, moves: readonly NodeMove[], now: Millis): Promise<NodeStanding[]> {
  if (moves.length === 0) return Promise.resolve([]);
  const column = <T>(pick: (move: NodeMove) => T) => moves.map(pick);
  return rowsOf<NodeStanding>(
    db,
    `UPDATE run_node n SET total = n.total + d.total, open = n.open + d.open, done = n.done + d.done, failed = n.failed + d.failed,
            skipped = n.skipped + d.skipped, cancelled = n.cancelled + d.cancelled, barred = n.barred OR d.barred, moved_at = $10
       FROM (SELECT d.* FROM unnest($1::uuid[], $2::smallint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::bool[])
                    AS d(run_id, node, total, open, done, failed, skipped, cancelled, barred)
               JOIN run_node k ON k.run_id = d.run_id AND k.node = d.node ORDER BY k.run_id, k.node FOR UPDATE OF k) d
      WHERE n.run_id = d.run_id AND n.node = d.node
      RETURNING n.run_id AS "runId", n.node, n.open, n.planned, n.closed, n.barred`,
    [
      column((m) => m.runId),
      column((m) => m.node),
      column((m) => m.total),
      column((m) => m.open),
      column((m) => m.done),
      column((m) => m.failed),
      column((m) => m.skipped),
      column((m) => m.cancelled),
      column((m) => m.barred),
      date(now),
    ],
  );
}

/** @returns whether it was this call that closed the node. */
export async function closeNode(db: Db, runId: Id, node: number): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `UPDATE run_node SET closed = true WHERE run_id = $1 AND node = $2 AND NOT closed RETURNING node`,
    [runId, node],
  );
  return rows.length === 1;
}

/** One barrier of a node is passed. @returns how many are left, and whether one of them failed. */
export async function lowerGate(
  db: Db,
  runId: Id,
  node: number,
  barred: boolean,
): Promise<{ gate: number; gateBarred: boolean }> {
  const [row] = await rowsOf<{ gate: number; gateBarred: boolean }>(
    db,
    `UPDATE run_node SET gate = gate - 1, gate_barred = gate_barred OR $3 WHERE run_id = $1 AND node = $2
     RETURNING gate, gate_barred AS "gateBarred"`,
    [runId, node, barred],
  );
  return row!;
}

export async function setDraining(db: Db, runId: Id, node: number, draining: boolean): Promise<void> {
  await db.query(`UPDATE run_node SET draining = $3 WHERE run_id = $1 AND node = $2`, [
    runId,
    node,
    draining,
  ]);
}

/** Nodes of a run that closed. @returns the run's state when that ended it. */
export async function closeRunNodes(
  db: Db,
  runId: Id,
  closed: number,
  barred: boolean,
  now: Millis,
): Promise<string | undefined> {
  const [row] = await rowsOf<{ state: string; finished: boolean }>(
    db,
    `UPDATE run SET open_nodes = open_nodes - $2, barred = barred OR $3, row_version = row_version + 1,
            finished_at = CASE WHEN open_nodes = $2 THEN $4::timestamptz END,
            state = CASE WHEN open_nodes > $2 THEN state WHEN state = 'cancelling' THEN 'cancelled' WHEN barred OR $3 THEN 'failed' ELSE 'done' END
      WHERE id = $1 AND finished_at IS NULL RETURNING state, finished_at IS NOT NULL AS finished`,
    [runId, closed, barred, date(now)],
  );
  return row?.finished ? row.state : undefined;
}
