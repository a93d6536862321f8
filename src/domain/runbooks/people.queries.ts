import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { SelectedItem } from './action.ts';
import type { Settlement } from './answer.rules.ts';
import type { Decision } from './approval.rules.ts';
import { type Cancelled } from './progress.queries.ts';
import { rowsOf } from './runs.queries.ts';
import { conflictOf, REQUEST, type Part } from './separation.rules.ts';
import type { RunState, StepState } from './step.rules.ts';

/** A step as a person's act finds it, locked until the act is committed. */
export interface HeldStep {
  id: Id;
  runId: Id;
  node: number;
  itemKey: string;
  state: StepState;
  passed: boolean | null;
  fence: number;
  attempt: number;
  failures: number;
  family: number;
  blockers: number;
  takenOver: boolean;
  approved: boolean;
  covers: number[] | null;
  item: SelectedItem | null;
  runState: RunState;
  nodeClosed: boolean;
}

/** The run's row is locked with it: a run that ends and an act upon it wait for each other. */
export async function holdStep(db: Db, id: Id): Promise<HeldStep | undefined> {
  const [row] = await rowsOf<HeldStep>(
    db,
    `SELECT s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.state, s.passed, s.fence, s.attempt, s.failures, s.family, s.blockers,
            s.taken_over AS "takenOver", s.approved, s.covers, s.item, r.state AS "runState", n.closed AS "nodeClosed"
       FROM step s JOIN run r ON r.id = s.run_id JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
      WHERE s.id = $1 FOR UPDATE OF s`,
    [id],
  );
  return row;
}

/** Writes what a person decided. The fence moves on: whatever a worker still says of the step is evidence. */
export async function settleStep(db: Db, step: HeldStep, settlement: Settlement, now: Millis): Promise<void> {
  await db.query(
    `UPDATE step SET state = $2, passed = $3, reason = $4, output = coalesce($5::jsonb, output), finished_at = $6, fence = fence + 1,
            for_what = NULL, wake_at = NULL, lease_until = NULL, stalled_at = NULL, gated = false WHERE id = $1`,
    [
      step.id,
      settlement.state,
      settlement.passed,
      settlement.reason,
      settlement.output === null ? null : JSON.stringify(settlement.output),
      new Date(now),
    ],
  );
}

/** Makes a step ready again: the same family of tries after an approval, a new one when a person asks for another try. */
export async function readyAgain(
  db: Db,
  id: Id,
  o: { approved: boolean; newFamily: boolean },
  now: Millis,
): Promise<void> {
  await db.query(
    `UPDATE step SET state = 'ready', ready_at = CASE WHEN $4 THEN $2 ELSE ready_at END, approved = approved OR $3, finished_at = NULL, stalled_at = NULL, for_what = NULL,
            wake_at = $2, lease_until = NULL, fence = fence + 1, passed = NULL,
            lane = CASE WHEN $4 THEN coalesce(item->>'lane', '') ELSE lane END,
            family = family + CASE WHEN $4 THEN 1 ELSE 0 END, attempt = CASE WHEN $4 THEN 0 ELSE attempt END,
            failures = CASE WHEN $4 THEN 0 ELSE failures END, deaths = CASE WHEN $4 THEN 0 ELSE deaths END,
            taken_over = taken_over OR state IN ('unknown', 'running')
      WHERE id = $1`,
    [id, new Date(now), o.approved, o.newFamily],
  );
}

export function decisionsOn(db: Db, stepId: Id, family: number): Promise<Decision[]> {
  return rowsOf<Decision>(
    db,
    `SELECT who, decision FROM step_approval WHERE step_id = $1 AND family = $2 ORDER BY at`,
    [stepId, family],
  );
}

export async function addDecision(
  db: Db,
  row: {
    id: Id;
    stepId: Id;
    family: number;
    who: string;
    decision: 'approve' | 'reject';
    note: string | null;
  },
  now: Millis,
): Promise<void> {
  await db.query(
    `INSERT INTO step_approval (id, step_id, family, who, decision, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [row.id, row.stepId, row.family, row.who, row.decision, row.note, new Date(now)],
  );
}

/** The run, locked. */
export async function holdRun(
  db: Db,
  id: Id,
): Promise<{ id: Id; state: RunState; nodes: number } | undefined> {
  const [row] = await rowsOf<{ id: Id; state: RunState; nodes: number }>(
    db,
    `SELECT r.id, r.state, (SELECT max(n.node)::int + 1 FROM run_node n WHERE n.run_id = r.id) AS nodes FROM run r WHERE r.id = $1 FOR UPDATE OF r`,
    [id],
  );
  return row;
}

/** Cancels every step of a run that has not ended. Running ones are fenced off: what they still answer is evidence. */
export function cancelSteps(
  db: Db,
  runId: Id,
  reason: string,
  now: Millis,
): Promise<(Cancelled & { was: StepState })[]> {
  return rowsOf(
    db,
    `UPDATE step s SET state = 'cancelled', passed = coalesce(s.passed, false), finished_at = $3, fence = s.fence + 1, reason = $2, gated = false,
            for_what = NULL, wake_at = NULL, lease_until = NULL, stalled_at = NULL
       FROM (SELECT id, state AS was FROM step WHERE run_id = $1 AND state NOT IN ('done', 'failed', 'skipped', 'cancelled') ORDER BY id FOR UPDATE) o
      WHERE s.id = o.id
      RETURNING s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.covers, s.fence, o.was`,
    [runId, reason, new Date(now)],
  );
}

/** Nothing more of a run is planned; its counters say what was cancelled. */
export async function cancelNodes(
  db: Db,
  runId: Id,
  counts: readonly { node: number; cancelled: number }[],
): Promise<void> {
  await db.query(
    `UPDATE run_node n SET planned = true, closed = true, draining = false, open = 0, cancelled = n.cancelled + coalesce(c.cancelled, 0)
       FROM (SELECT k.node, c.cancelled FROM run_node k LEFT JOIN unnest($2::smallint[], $3::int[]) AS c(node, cancelled) ON c.node = k.node
              WHERE k.run_id = $1 ORDER BY k.node FOR UPDATE OF k) c
      WHERE n.run_id = $1 AND n.node = c.node`,
    [runId, counts.map((c) => c.node), counts.map((c) => c.cancelled)],
  );
}

/** Starts the compensation of every finished step of a node. @returns how many */
export async function callCompensations(
  db: Db,
  runId: Id,
  of: number,
  by: number,
  now: Millis,
): Promise<number> {
  const rows = await rowsOf(
    db,
    `INSERT INTO step (id, run_id, node, item_key, item, lane, priority, parent_key, blockers, state, ready_at)
     SELECT gen_random_uuid(), s.run_id, $3, s.item_key, s.item, s.lane, s.priority, s.parent_key, 0, 'ready', $4
       FROM step s WHERE s.run_id = $1 AND s.node = $2 AND s.state = 'done' ON CONFLICT (run_id, node, item_key) DO NOTHING RETURNING id`,
    [runId, of, by, new Date(now)],
  );
  if (rows.length > 0) {
    await db.query(
      `UPDATE run_node SET closed = false, planned = true, total = total + $3, open = open + $3 WHERE run_id = $1 AND node = $2`,
      [runId, by, rows.length],
    );
  }
  return rows.length;
}

/** Steps of a run that wait for a decision because they gave up, or ended as failed while others wait behind them. */
export async function parkedSteps(db: Db, runId: Id): Promise<Id[]> {
  const rows = await rowsOf<{ id: Id }>(
    db,
    `SELECT id FROM step WHERE run_id = $1 AND state = 'parked' AND reason IS NOT NULL ORDER BY id`,
    [runId],
  );
  return rows.map((row) => row.id);
}

/**
 * Which parts people have had in a run so far, its starter apart: their answers, what they contributed to a step, and what
 * a machine did with the work of somebody (`actedBy` of its output).
 */
export async function partsIn(db: Db, runId: Id): Promise<(Part & { stepId: Id })[]> {
  return rowsOf(
    db,
    `SELECT DISTINCT d.value->>'act' AS act, e.by AS who, s.id AS "stepId"
       FROM run r
       JOIN runbook_definition f ON f.hash = r.definition_hash
       JOIN LATERAL jsonb_array_elements(f.body->'steps') d ON d.value ? 'act'
       JOIN run_node n ON n.run_id = r.id AND n.step = d.value->>'id'
       JOIN step s ON s.run_id = r.id AND s.node = n.node
       JOIN LATERAL (SELECT x.by FROM step_event x WHERE x.step_id = s.id AND x.kind IN ('settled', 'approved', 'rejected', 'skipped', 'contributed')
                     UNION SELECT s.output->>'actedBy') e ON e.by NOT LIKE 'system:%'
      WHERE r.id = $1`,
    [runId],
  );
}

/** The step of a run that fans out over nothing. */
export async function singleStep(db: Db, runId: Id, step: string): Promise<Id | undefined> {
  const [row] = await rowsOf<{ id: Id }>(
    db,
    `SELECT s.id FROM run_node n JOIN step s ON s.run_id = n.run_id AND s.node = n.node WHERE n.run_id = $1 AND n.step = $2 LIMIT 1`,
    [runId, step],
  );
  return row?.id;
}

/** Who may not play a part in a run, as they have another one that excludes it. */
export async function excludedFrom(db: Db, runId: Id, act: string): Promise<string[]> {
  const [run] = await rowsOf<{ requestedBy: string; groups: string[][] | null }>(
    db,
    `SELECT r.requested_by AS "requestedBy", f.body->'separation' AS groups
       FROM run r JOIN runbook_definition f ON f.hash = r.definition_hash WHERE r.id = $1`,
    [runId],
  );
  if (!run?.groups) return [];
  const { groups } = run;
  const before: Part[] = [{ act: REQUEST, who: run.requestedBy }, ...(await partsIn(db, runId))];
  return [...new Set(before.map(({ who }) => who))].filter(
    (who) => conflictOf(groups, before, { act, who }) !== null,
  );
}
