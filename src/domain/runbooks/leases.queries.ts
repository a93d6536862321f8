import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LEASE } from './heart.ts';
import { afterDeath, SUSPECTS } from './step.rules.ts';
import { rowsOf } from './runs.queries.ts';

/**
 * Leases, by the database's clock alone. A `short` step lives on its worker's lease, which a thread renews; a `call` step
 * has one of its own, as long as the call may take. Nobody takes a step whose lease stands.
 */

/** What a look at the tables found to do. One cheap question, asked twice a second. */
export interface Due {
  ready: boolean;
  waits: boolean;
  lapsed: boolean;
  deadlines: boolean;
  plans: boolean;
}

export async function whatIsDue(db: Db, now: Millis): Promise<Due> {
  const [row] = await rowsOf<Due>(
    db,
    `SELECT EXISTS (SELECT FROM step WHERE state = 'ready') AS ready,
            EXISTS (SELECT FROM step WHERE state IN ('waiting', 'unknown') AND wake_at <= $1) AS waits,
            EXISTS (SELECT FROM engine_worker WHERE lease_until < clock_timestamp())
              OR EXISTS (SELECT FROM step WHERE state = 'running' AND lease_until < clock_timestamp()) AS lapsed,
            EXISTS (SELECT FROM deadline WHERE due_at <= $1 AND met_at IS NULL AND missed_at IS NULL)
              OR EXISTS (SELECT FROM deadline WHERE warn_at <= $1 AND met_at IS NULL AND missed_at IS NULL AND warned_at IS NULL) AS deadlines,
            EXISTS (SELECT FROM run_node WHERE (NOT planned AND NOT on_demand AND gate = 0) OR draining) AS plans`,
    [new Date(now)],
  );
  return row!;
}

/** Makes waits that are over ready again. @returns how many */
export async function wakeDue(db: Db, now: Millis, limit: number): Promise<number> {
  const rows = await rowsOf(
    db,
    `UPDATE step s SET state = 'ready', wake_at = $1, stalled_at = NULL
       FROM (SELECT id FROM step WHERE state IN ('waiting', 'unknown') AND wake_at <= $1 ORDER BY wake_at LIMIT $2 FOR UPDATE SKIP LOCKED) w
      WHERE s.id = w.id RETURNING s.id`,
    [new Date(now), limit],
  );
  return rows.length;
}

/** A step that lost its worker. */
export interface Orphan {
  id: Id;
  runId: Id;
  node: number;
  itemKey: string;
  fence: number;
  attempt: number;
  worker: Id | null;
  deaths: number;
  state: 'ready' | 'parked';
  reason: string | null;
}

const SUSPECT_FROM = 3;

/** Takes steps from workers that died, and calls that outlived their time. Their next holder probes first. */
export async function takeOver(db: Db, now: Millis, limit: number): Promise<Orphan[]> {
  const found = await rowsOf<Omit<Orphan, 'state' | 'reason'>>(
    db,
    `SELECT s.id, s.run_id AS "runId", s.node, s.item_key AS "itemKey", s.fence, s.attempt, s.worker, s.deaths FROM step s
      WHERE s.state = 'running'
        AND CASE WHEN s.lease_until IS NULL
                 THEN NOT EXISTS (SELECT FROM engine_worker w WHERE w.id = s.worker AND w.lease_until >= clock_timestamp())
                 ELSE s.lease_until < clock_timestamp() END
      ORDER BY s.id LIMIT $1 FOR UPDATE SKIP LOCKED`,
    [limit],
  );
  const orphans = found.map((step): Orphan => ({ ...step, ...afterDeath(step.deaths) }));
  if (orphans.length > 0) {
    await db.query(
      `UPDATE step s SET state = o.state, deaths = o.deaths, reason = o.reason, taken_over = true, wake_at = $6, lease_until = NULL,
              for_what = CASE WHEN o.state = 'parked' THEN 'a decision: try again, skip, or give up' END,
              lane = CASE WHEN o.deaths >= ${SUSPECT_FROM} THEN '${SUSPECTS}' ELSE s.lane END
         FROM unnest($1::uuid[], $2::int[], $3::text[], $4::smallint[], $5::text[]) AS o(id, fence, state, deaths, reason)
        WHERE s.id = o.id AND s.fence = o.fence AND s.state = 'running'`,
      [
        orphans.map((o) => o.id),
        orphans.map((o) => o.fence),
        orphans.map((o) => o.state),
        orphans.map((o) => o.deaths),
        orphans.map((o) => o.reason),
        new Date(now),
      ],
    );
  }
  return orphans;
}

/**
 * Leaves a running step as the death of its worker would: nobody holds it, whatever is still said of it is evidence, and
 * whoever is there takes it when the lease of a worker would have been over.
 */
export async function abandonStep(db: Db, id: Id): Promise<void> {
  await db.query(
    `UPDATE step SET worker = NULL, fence = fence + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond'
      WHERE id = $1 AND state = 'running'`,
    [id, LEASE],
  );
}

/** Forgets workers that are gone and hold nothing. */
export async function forgetWorkers(db: Db): Promise<void> {
  await db.query(
    `DELETE FROM engine_worker w WHERE w.lease_until < clock_timestamp() - interval '5 seconds'
        AND NOT EXISTS (SELECT FROM step s WHERE s.state = 'running' AND s.worker = w.id)`,
  );
}

/** Lets go of what a stopping worker still holds, so that a peer need not wait for the lease. */
export async function endWorker(db: Db, worker: Id): Promise<void> {
  await db.query(
    `UPDATE engine_worker SET lease_until = clock_timestamp() - interval '1 millisecond' WHERE id = $1`,
    [worker],
  );
}

/**
 * Renews a lease that may have run out while its step waited.
 * @returns whether the step is still ours
 */
export async function renewCall(db: Db, step: { id: Id; fence: number }, limit: Millis): Promise<boolean> {
  const rows = await rowsOf(
    db,
    `UPDATE step SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING id`,
    [step.id, step.fence, limit],
  );
  return rows.length === 1;
}

/** A lane's limits, and what of them is left. */
export interface LaneRow {
  key: string;
  concurrency: number | null;
  perSecond: number | null;
  /** Milliseconds until the next start is allowed; negative: it was allowed so long ago. */
  wait: number;
  /** Steps that other workers run in it. */
  others: number;
}

export async function limitedLanes(db: Db): Promise<Set<string>> {
  const rows = await rowsOf<{ key: string }>(
    db,
    `SELECT key FROM lane WHERE concurrency IS NOT NULL OR per_second IS NOT NULL`,
    [],
  );
  return new Set(rows.map((row) => row.key));
}

/** Holds lanes for one claim, so that processes together keep each supplier's limits. Lanes that a peer holds are left out. */
export async function holdLanes(db: Db, keys: readonly string[], worker: Id): Promise<LaneRow[]> {
  if (keys.length === 0) return [];
  const held = await rowsOf<Omit<LaneRow, 'others'>>(
    db,
    `SELECT l.key, l.concurrency, l.per_second AS "perSecond",
            (extract(epoch FROM l.next_slot_at - clock_timestamp()) * 1000)::float8 AS wait
       FROM lane l WHERE l.key = ANY($1::text[]) ORDER BY l.key FOR UPDATE SKIP LOCKED`,
    [keys],
  );
  // Counted by a statement of its own: one that began before a peer's claim was committed would not see what it took. Our
  // own steps we know, and the index is full of those that ran a moment ago: it is read on both sides of them.
  const counted = await rowsOf<{ key: string; others: number }>(
    db,
    `SELECT s.lane AS key, count(*)::int AS others
       FROM (SELECT lane FROM step WHERE state = 'running' AND worker < $2 AND lane = ANY($1::text[])
             UNION ALL
             SELECT lane FROM step WHERE state = 'running' AND worker > $2 AND lane = ANY($1::text[])
             UNION ALL
             SELECT lane FROM step WHERE state = 'running' AND worker IS NULL AND lane = ANY($1::text[])) s
      GROUP BY s.lane`,
    [held.map(({ key }) => key), worker],
  );
  const byLane = new Map(counted.map(({ key, others }) => [key, others]));
  return held.map((lane) => ({ ...lane, others: byLane.get(lane.key) ?? 0 }));
}

/** Books the starts that a claim has taken. */
export async function bookSlots(db: Db, slots: readonly { key: string; next: Millis }[]): Promise<void> {
  if (slots.length === 0) return;
  await db.query(
    `UPDATE lane l SET next_slot_at = clock_timestamp() + b.next * interval '1 millisecond'
       FROM unnest($1::text[], $2::float8[]) AS b(key, next) WHERE l.key = b.key`,
    [slots.map((s) => s.key), slots.map((s) => s.next)],
  );
}

/** What a supplier allows us. null: no limit of that kind. */
export interface LaneLimits {
  key: string;
  concurrency: number | null;
  perSecond: number | null;
}

/** Sets limits of lanes. Those that stand as they are asked for are not locked: a pump may be claiming in them. */
export async function limitLanes(db: Db, lanes: readonly LaneLimits[]): Promise<void> {
  if (lanes.length === 0) return;
  await db.query(
    `INSERT INTO lane (key, concurrency, per_second, next_slot_at)
     SELECT g.key, g.concurrency, g.per_second, clock_timestamp()
       FROM unnest($1::text[], $2::int[], $3::real[]) AS g(key, concurrency, per_second) LEFT JOIN lane l ON l.key = g.key
      WHERE l.key IS NULL OR l.concurrency IS DISTINCT FROM g.concurrency OR l.per_second IS DISTINCT FROM g.per_second
      ORDER BY g.key
     ON CONFLICT (key) DO UPDATE SET concurrency = excluded.concurrency, per_second = excluded.per_second, row_version = lane.row_version + 1`,
    [
      lanes.map((lane) => lane.key),
      lanes.map((lane) => lane.concurrency),
      lanes.map((lane) => lane.perSecond),
    ],
  );
}

export interface StalledStep {
  id: Id;
  runId: Id;
  node: number;
}

/**
 * Flags steps that should have moved: ready while nothing of their lane runs, due to be asked again, or parked beyond
 * their deadline. A step that moves loses the flag.
 */
export function flagStalled(db: Db, now: Millis, patience: Millis): Promise<StalledStep[]> {
  return rowsOf<StalledStep>(
    db,
    `UPDATE step s SET stalled_at = $1 FROM (
       (SELECT s.id FROM step s WHERE s.state = 'ready' AND s.stalled_at IS NULL AND coalesce(s.wake_at, s.ready_at) < $2
           AND NOT EXISTS (SELECT FROM step r WHERE r.state = 'running' AND r.lane = s.lane)
           AND NOT EXISTS (SELECT FROM run_node n WHERE n.run_id = s.run_id AND n.node = s.node AND n.moved_at >= $2)
         ORDER BY s.id LIMIT 200)
       UNION ALL
       (SELECT s.id FROM step s WHERE s.state IN ('waiting', 'unknown') AND s.wake_at < $2 AND s.stalled_at IS NULL ORDER BY s.wake_at LIMIT 200)
       UNION ALL
       (SELECT s.id FROM deadline d JOIN step s ON s.id = d.step_id
         WHERE d.missed_at IS NOT NULL AND d.met_at IS NULL AND s.stalled_at IS NULL AND s.finished_at IS NULL ORDER BY s.id LIMIT 200)
     ) f WHERE s.id = f.id AND s.stalled_at IS NULL RETURNING s.id, s.run_id AS "runId", s.node`,
    [new Date(now), new Date(now - patience)],
  );
}
