import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { SelectedItem } from './action.ts';
import type { Settlement } from './answer.rules.ts';
import { SUSPECTS } from './step.rules.ts';

/**
 * The engine's hot statements: claim, result, release, counters. Each takes a whole group of steps, and its cost is the
 * group's and not the run's. Rows are locked in the order of their ids, so that two groups which share dependants wait
 * for each other instead of dying. `now` is the application's clock; leases alone are the database's.
 */

/** A step in the hands of a worker. */
export interface Claimed {
  id: Id;
  runId: Id;
  node: number;
  itemKey: string;
  lane: string;
  fence: number;
  attempt: number;
  failures: number;
  family: number;
  deaths: number;
  takenOver: boolean;
  approved: boolean;
  covers: number[] | null;
  /** Milliseconds of UTC. */
  readyAt: Millis;
  /** A deadline of its own runs. */
  clocked: boolean;
  item: SelectedItem | null;
}

/** UPDATE … RETURNING comes back from TypeORM as [rows, count], everything else as rows. */
export async function rowsOf<T>(db: Db, sql: string, params: unknown[]): Promise<T[]> {
  const answer: unknown = await db.query(sql, params);
  const wrapped =
    Array.isArray(answer) && answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number';
  return (wrapped ? answer[0] : answer) as T[];
}

/**
 * Of a step that is found by its id. Said so that no plan goes by the index of what runs instead: that one is full of what
 * ran a moment ago, and reading it took ten times as long as all the rest.
 */
const RUNS = `CASE s.state WHEN 'running' THEN true ELSE false END`;

const date = (at: Millis | null) => (at === null ? null : new Date(at));

/**
 * The lanes that have ready steps: one probe of the index for each lane, however many steps wait in it. Beyond 1,000
 * lanes the rest come when these run dry.
 */
export async function readyLanes(db: Db): Promise<string[]> {
  const rows = await rowsOf<{ lane: string }>(
    db,
    `WITH RECURSIVE l AS (
       (SELECT s.lane, 1 AS n FROM step s WHERE s.state = 'ready' ORDER BY s.lane LIMIT 1)
       UNION ALL
       SELECT (SELECT s.lane FROM step s WHERE s.state = 'ready' AND s.lane > l.lane ORDER BY s.lane LIMIT 1), l.n + 1
         FROM l WHERE l.lane IS NOT NULL AND l.n < 1000
     ) SELECT lane FROM l WHERE lane IS NOT NULL`,
    [],
  );
  return rows.map((row) => row.lane);
}

/** Takes ready steps, riskiest first within each lane, up to each lane's quota. What a peer holds is passed over. */
export function claimReady(
  db: Db,
  lanes: readonly { lane: string; quota: number }[],
  worker: Id,
  now: Millis,
): Promise<Claimed[]> {
  return rowsOf<Claimed>(
    db,
    `WITH picked AS MATERIALIZED (
       SELECT p.id FROM unnest($1::text[], $2::int[]) AS w(lane, quota)
         CROSS JOIN LATERAL (
           SELECT s.id FROM step s WHERE s.state = 'ready' AND s.lane = w.lane
            ORDER BY s.priority DESC, s.id LIMIT w.quota FOR UPDATE SKIP LOCKED) p)
     UPDATE step s SET state = 'running', fence = s.fence + 1, attempt = s.attempt + 1, worker = $3, started_at = $4, lease_until = NULL
       FROM picked WHERE s.id = picked.id
     RETURNING s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.lane, s.fence, s.attempt, s.failures, s.family, s.deaths,
               s.taken_over AS "takenOver", s.approved, s.covers, (extract(epoch FROM s.ready_at) * 1000)::float8 AS "readyAt", s.due_at IS NOT NULL AS clocked, s.item`,
    [lanes.map((lane) => lane.lane), lanes.map((lane) => lane.quota), worker, date(now)],
  );
}

/** Steps whose lease is as long as their own call; the others live on their worker's lease. */
export async function leaseCalls(
  db: Db,
  calls: readonly { id: Id; fence: number; limit: Millis }[],
): Promise<void> {
  if (calls.length === 0) return;
  await db.query(
    `UPDATE step s SET lease_until = clock_timestamp() + c.span * interval '1 millisecond'
       FROM unnest($1::uuid[], $2::int[], $3::float8[]) AS c(id, fence, span) WHERE s.id = c.id AND s.fence = c.fence`,
    [calls.map((c) => c.id), calls.map((c) => c.fence), calls.map((c) => c.limit)],
  );
}

/** A result as it goes into the table. */
export interface Recorded extends Settlement {
  id: Id;
  fence: number;
  final: boolean;
}

/**
 * Steps that are done without a word more: the commonest result, and the cheapest statement. Writes their events, too.
 * @returns the ids that were ours
 */
export async function recordDone(
  db: Db,
  steps: readonly { id: Id; fence: number }[],
  now: Millis,
): Promise<Set<Id>> {
  if (steps.length === 0) return new Set();
  const rows = await rowsOf<{ id: Id }>(
    db,
    `WITH done AS (
       UPDATE step s SET state = 'done', passed = true, finished_at = $3, lease_until = NULL, stalled_at = NULL, reason = NULL, for_what = NULL, wake_at = NULL
         FROM unnest($1::uuid[], $2::int[]) AS r(id, fence)
        WHERE s.id = r.id AND s.fence = r.fence AND ${RUNS}
       RETURNING s.id, s.run_id, s.worker, s.fence, s.attempt),
     noted AS (
       INSERT INTO step_event (step_id, run_id, at, worker, fence, attempt, kind, state)
       SELECT d.id, d.run_id, $3, d.worker, d.fence, d.attempt, 'answer', 'done' FROM done d)
     SELECT id FROM done`,
    [steps.map((s) => s.id), steps.map((s) => s.fence), date(now)],
  );
  return new Set(rows.map((row) => row.id));
}

/** Any other results. @returns the ids that were ours: a stale fence changes nothing. */
export async function recordResults(db: Db, results: readonly Recorded[], now: Millis): Promise<Set<Id>> {
  if (results.length === 0) return new Set();
  const column = <T>(pick: (result: Recorded) => T) => results.map(pick);
  const rows = await rowsOf<{ id: Id }>(
    db,
    `UPDATE step s SET state = r.state, passed = r.passed, failures = r.failures, taken_over = r.taken_over, wake_at = r.wake_at,
            reason = r.reason, for_what = r.for_what, owner_role = r.owner_role, owner_contact_id = r.owner_contact_id,
            due_at = coalesce(r.due_at, s.due_at), output = coalesce(r.output, s.output),
            finished_at = CASE WHEN r.final THEN $14::timestamptz END, lease_until = NULL, stalled_at = NULL,
            lane = CASE WHEN r.lane IS NULL OR s.lane = '${SUSPECTS}' THEN s.lane ELSE r.lane END
       FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bool[], $5::int[], $6::bool[], $7::timestamptz[], $8::text[], $9::text[],
                   $10::text[], $11::uuid[], $12::timestamptz[], $13::jsonb[], $15::bool[], $16::text[])
            AS r(id, fence, state, passed, failures, taken_over, wake_at, reason, for_what, owner_role, owner_contact_id, due_at, output, final, lane)
      WHERE s.id = r.id AND s.fence = r.fence AND ${RUNS} RETURNING s.id`,
    [
      column((r) => r.id),
      column((r) => r.fence),
      column((r) => r.state),
      column((r) => r.passed),
      column((r) => r.failures),
      column((r) => r.takenOver),
      column((r) => date(r.wakeAt)),
      column((r) => r.reason),
      column((r) => r.forWhat),
      column((r) => r.ownerRole),
      column((r) => r.ownerContactId),
      column((r) => date(r.dueAt)),
      column((r) => (r.output === null ? null : JSON.stringify(r.output))),
      date(now),
      column((r) => r.final),
      column((r) => r.lane),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/** How steps stand whose results came too late. */
export function standingOf(db: Db, ids: readonly Id[]): Promise<{ id: Id; fence: number; state: string }[]> {
  return rowsOf(db, `SELECT s.id, s.fence, s.state FROM step s WHERE s.id = ANY($1::uuid[])`, [ids]);
}

export interface StepEventRow {
  stepId: Id;
  runId: Id;
  worker: Id | null;
  fence: number;
  attempt: number;
  /** `answer`, `taken-over`, `late-answer`, `stale-answer`, or the act of a person. */
  kind: string;
  state: string | null;
  reason: string | null;
  by: string | null;
  evidence: Id[] | null;
}

export async function insertEvents(db: Db, events: readonly StepEventRow[], now: Millis): Promise<void> {
  if (events.length === 0) return;
  const column = <T>(pick: (event: StepEventRow) => T) => events.map(pick);
  const said = events.some((event) => event.reason !== null || event.by !== null || event.evidence !== null);
  const base = [
    column((e) => e.stepId),
    column((e) => e.runId),
    date(now),
    column((e) => e.worker),
    column((e) => e.fence),
    column((e) => e.attempt),
    column((e) => e.kind),
    column((e) => e.state),
  ];
  const arrays = `$1::uuid[], $2::uuid[], $4::uuid[], $5::int[], $6::int[], $7::text[], $8::text[]`;
  const names = 'step_id, run_id, worker, fence, attempt, kind, state';
  await db.query(
    said
      ? `INSERT INTO step_event (${names}, reason, by, evidence, at)
         SELECT e.step_id, e.run_id, e.worker, e.fence, e.attempt, e.kind, e.state, e.reason, e.by, e.evidence::uuid[], $3
           FROM unnest(${arrays}, $9::text[], $10::text[], $11::text[]) AS e(${names}, reason, by, evidence)`
      : `INSERT INTO step_event (${names}, at)
         SELECT e.step_id, e.run_id, e.worker, e.fence, e.attempt, e.kind, e.state, $3 FROM unnest(${arrays}) AS e(${names})`,
    said
      ? [
          ...base,
          column((e) => e.reason),
          column((e) => e.by),
          column((e) => (e.evidence === null ? null : `{${e.evidence.join(',')}}`)),
        ]
      : base,
  );
}

/** Outputs that claimed steps may refer to. */
export function outputsOf(
  db: Db,
  wanted: readonly { runId: Id; node: number; key: string }[],
): Promise<{ runId: Id; node: number; key: string; output: unknown }[]> {
  if (wanted.length === 0) return Promise.resolve([]);
  return rowsOf(
    db,
    `SELECT s.run_id AS "runId", s.node, s.item_key AS key, s.output FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS d(run_id, node, key)
       JOIN step s ON s.run_id = d.run_id AND s.node = d.node AND s.item_key = d.key WHERE s.output IS NOT NULL`,
    [wanted.map((w) => w.runId), wanted.map((w) => w.node), wanted.map((w) => w.key)],
  );
}
