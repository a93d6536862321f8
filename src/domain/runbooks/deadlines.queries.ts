import { newId, type Id } from '../../kernel/ids.ts';
import { HOUR, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { RunContexts } from './run-contexts.ts';
import { type Readied } from './progress.queries.ts';
import { rowsOf } from './runs.queries.ts';

/** How long a parked step may wait where neither its runbook nor its action says. */
export const DEFAULT_WAIT: Millis = 4 * HOUR;

export interface NewDeadline {
  stepId: Id;
  kind: 'due' | 'answer' | 'approval';
  otherwise: 'escalate' | 'act';
  ownerRole: string | null;
  ownerContactId: Id | null;
  warnAt: Millis | null;
  dueAt: Millis;
}

const date = (at: Millis | null) => (at === null ? null : new Date(at));

/** Writes deadlines; at most one of a kind for each attempt family of a step. */
export async function insertDeadlines(db: Db, deadlines: readonly NewDeadline[]): Promise<void> {
  if (deadlines.length === 0) return;
  const column = <T>(pick: (deadline: NewDeadline) => T) => deadlines.map(pick);
  await db.query(
    `WITH d AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::timestamptz[])
                AS d(id, step_id, kind, otherwise, owner_role, owner_contact_id, warn_at, due_at)),
     written AS (
       INSERT INTO deadline (id, run_id, step_id, family, kind, otherwise, owner_role, owner_contact_id, warn_at, due_at)
       SELECT d.id, s.run_id, s.id, s.family, d.kind, d.otherwise, d.owner_role, d.owner_contact_id, d.warn_at, d.due_at
         FROM d JOIN step s ON s.id = d.step_id
       ON CONFLICT (step_id, family, kind) DO NOTHING)
     UPDATE step s SET due_at = least(s.due_at, d.due_at) FROM d WHERE s.id = d.step_id`,
    [
      column(() => newId()),
      column((d) => d.stepId),
      column((d) => d.kind),
      column((d) => d.otherwise),
      column((d) => d.ownerRole),
      column((d) => d.ownerContactId),
      column((d) => date(d.warnAt)),
      column((d) => date(d.dueAt)),
    ],
  );
}

/** The clocks of steps that became ready, where their runbook gives them one. */
export async function startDeadlines(
  db: Db,
  contexts: RunContexts,
  readied: readonly Readied[],
  now: Millis,
): Promise<void> {
  const deadlines: NewDeadline[] = [];
  for (const { id, runId, node } of readied) {
    const step = contexts.node(runId, node)!.step;
    if (step.dueWithin === undefined && step.warnAfter === undefined) continue;
    deadlines.push({
      stepId: id,
      kind: 'due',
      otherwise: 'escalate',
      ownerRole: step.owner ?? contexts.of(runId).definition.owner,
      ownerContactId: null,
      warnAt: step.warnAfter === undefined ? null : now + step.warnAfter,
      dueAt: now + (step.dueWithin ?? Math.max(DEFAULT_WAIT, 2 * (step.warnAfter ?? 0))),
    });
  }
  await insertDeadlines(db, deadlines);
}

/** The clocks of steps that ended, or no longer wait, stop. A miss stays a miss. */
export async function meetDeadlines(
  db: Db,
  steps: readonly Id[],
  now: Millis,
  kinds: readonly string[] = ['due', 'answer', 'approval'],
): Promise<void> {
  if (steps.length === 0) return;
  await db.query(
    `UPDATE deadline SET met_at = $2 WHERE step_id = ANY($1::uuid[]) AND kind = ANY($3::text[]) AND met_at IS NULL`,
    [steps, date(now), kinds],
  );
}

export interface DueDeadline {
  id: Id;
  runId: Id;
  stepId: Id;
  kind: 'due' | 'answer' | 'approval';
  otherwise: 'escalate' | 'act';
  ownerRole: string | null;
  ownerContactId: Id | null;
  dueAt: Date;
  node: number;
}

const DUE = `d.id, d.run_id AS "runId", d.step_id AS "stepId", d.kind, d.otherwise, d.owner_role AS "ownerRole",
             d.owner_contact_id AS "ownerContactId", d.due_at AS "dueAt", s.node`;

/** Decides lateness, once: marks what has passed as missed. */
export function missDue(db: Db, now: Millis, limit: number): Promise<DueDeadline[]> {
  return rowsOf<DueDeadline>(
    db,
    `UPDATE deadline d SET missed_at = $1 FROM
       (SELECT id FROM deadline WHERE due_at <= $1 AND met_at IS NULL AND missed_at IS NULL ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) h, step s
      WHERE d.id = h.id AND s.id = d.step_id RETURNING ${DUE}`,
    [date(now), limit],
  );
}

/** Marks what is near as warned. */
export function warnDue(db: Db, now: Millis, limit: number): Promise<DueDeadline[]> {
  return rowsOf<DueDeadline>(
    db,
    `UPDATE deadline d SET warned_at = $1 FROM
       (SELECT id FROM deadline WHERE warn_at <= $1 AND met_at IS NULL AND missed_at IS NULL AND warned_at IS NULL
         ORDER BY warn_at LIMIT $2 FOR UPDATE SKIP LOCKED) h, step s
      WHERE d.id = h.id AND s.id = d.step_id RETURNING ${DUE}`,
    [date(now), limit],
  );
}
