import type { Id } from '../../kernel/ids.ts';
import type { Role } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { RunNodeView, RunView, StepView } from './run.schema.ts';
import type { RunState, StepState } from './step.rules.ts';

type Instants<T, K extends keyof T> = Omit<T, K> & { [key in K]: Date | null };

/** Behind the last row of the page before. */
export interface After {
  at: Millis;
  id: Id;
}

const RUN = `
  SELECT r.id, r.runbook, d.version, r.title, jsonb_build_object('kind', r.subject_kind, 'id', r.subject_id) AS subject, r.state,
         r.requested_by AS "requestedBy", r.correlation_id AS "correlationId", r.started_at AS "startedAt",
         r.finished_at AS "finishedAt", r.reason,
         coalesce((SELECT jsonb_object_agg(c.state, c.n) FROM (
           SELECT s.state, count(*) AS n FROM step s WHERE s.run_id = r.id GROUP BY s.state) c), '{}') AS steps,
         (SELECT count(*)::int FROM step s WHERE s.run_id = r.id AND s.stalled_at IS NOT NULL) AS stalled
    FROM run r JOIN runbook_definition d ON d.hash = r.definition_hash`;

type RunRow = Omit<RunView, 'startedAt' | 'finishedAt'> & { startedAt: Date; finishedAt: Date | null };
const runOf = (row: RunRow): RunView => ({
  ...row,
  startedAt: row.startedAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

export interface RunFilter {
  subjectId?: Id;
  runbook?: string;
  state?: RunState;
  after?: After;
  limit: number;
}

/** Newest first, by keyset. */
export async function listRuns(db: Db, filter: RunFilter): Promise<RunView[]> {
  const rows: RunRow[] = await db.query(
    `${RUN}
      WHERE ($1::uuid IS NULL OR r.subject_id = $1) AND ($2::text IS NULL OR r.runbook = $2) AND ($3::text IS NULL OR r.state = $3)
        AND ($4::timestamptz IS NULL OR (r.started_at, r.id) < ($4, $5::uuid))
      ORDER BY r.started_at DESC, r.id DESC LIMIT $6`,
    [
      filter.subjectId ?? null,
      filter.runbook ?? null,
      filter.state ?? null,
      filter.after ? iso(filter.after.at) : null,
      filter.after?.id ?? null,
      filter.limit,
    ],
  );
  return rows.map(runOf);
}

export async function findRun(db: Db, id: Id): Promise<(RunView & { nodes: RunNodeView[] }) | undefined> {
  const [row]: RunRow[] = await db.query(`${RUN} WHERE r.id = $1`, [id]);
  if (!row) return undefined;
  const nodes: RunNodeView[] = await db.query(
    `SELECT n.step, n.title, coalesce(${DEFINITION}->>'uses', '') AS uses, n.planned, n.total, n.open, n.done, n.failed, n.skipped, n.cancelled
       FROM run_node n JOIN run r ON r.id = n.run_id JOIN runbook_definition d ON d.hash = r.definition_hash
      WHERE n.run_id = $1 ORDER BY n.node`,
    [id],
  );
  return { ...runOf(row), nodes };
}

/** The step of a node as its runbook, or the person who added it, defined it. */
const DEFINITION = `coalesce(n.ad_hoc, (SELECT e FROM jsonb_array_elements(d.body->'steps') e WHERE e->>'id' = n.step))`;

export interface StepFilter {
  runId?: Id;
  subjectId?: Id;
  states?: readonly StepState[];
  stalled?: boolean;
  /** What stands still that should move: failed or stalled, in a run that goes on. What a finished run left is history. */
  stuck?: boolean;
  /** What waits for somebody of these roles, or for this person. */
  mine?: {
    roles: readonly Role[];
    personId: Id | null;
    /** Without what asks another person by name and a role beside them. */
    notNamed?: boolean;
  };
  /** The last id of the page before. */
  after?: Id;
  limit: number;
}

type StepRow = Instants<StepView, 'dueAt' | 'wakeAt' | 'readyAt' | 'startedAt' | 'finishedAt' | 'stalledAt'>;

const text = (at: Date | null): string | null => at?.toISOString() ?? null;
const stepOf = (row: StepRow): StepView => ({
  ...row,
  dueAt: text(row.dueAt),
  wakeAt: text(row.wakeAt),
  readyAt: text(row.readyAt),
  startedAt: text(row.startedAt),
  finishedAt: text(row.finishedAt),
  stalledAt: text(row.stalledAt),
});

const STEP = `
  SELECT s.id, s.run_id AS "runId", r.runbook, jsonb_build_object('kind', r.subject_kind, 'id', r.subject_id) AS subject,
         n.step, n.title, coalesce(x.def->>'uses', '') AS uses, s.state,
         CASE WHEN s.item IS NOT NULL THEN jsonb_build_object('key', s.item_key, 'label', s.item->>'label', 'subject', s.item->'subject',
           'facts', coalesce(s.item->'facts', '{}')) END AS item,
         s.attempt, s.for_what AS "forWhat", s.reason,
         jsonb_build_object('role', s.owner_role, 'contactId', s.owner_contact_id) AS owner,
         CASE WHEN s.state = 'parked' AND NOT s.approved AND x.def ? 'approval' THEN jsonb_build_object(
           'roles', x.def->'approval'->'roles', 'quorum', coalesce((x.def->'approval'->>'quorum')::int, 1),
           'given', (SELECT count(*) FROM step_approval a WHERE a.step_id = s.id AND a.family = s.family AND a.decision = 'approve'))
         END AS approval,
         coalesce(s.due_at, (SELECT min(l.due_at) FROM deadline l WHERE l.step_id = s.id AND l.met_at IS NULL)) AS "dueAt",
         s.wake_at AS "wakeAt", s.ready_at AS "readyAt", s.started_at AS "startedAt", s.finished_at AS "finishedAt",
         s.stalled_at AS "stalledAt", s.output
    FROM step s
    JOIN run r ON r.id = s.run_id
    JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
    JOIN runbook_definition d ON d.hash = r.definition_hash
    CROSS JOIN LATERAL (SELECT ${DEFINITION} AS def) x`;

/**
 * SQL: whether a step is work that stands still.
 *
 * @param step alias of a `step`
 * @param run alias of its `run`
 */
const isStuck = (step: string, run: string): string =>
  `(${run}.finished_at IS NULL AND (${step}.state = 'failed' OR ${step}.stalled_at IS NOT NULL))`;

/** How many steps wait for a person, and how many stand still: as `listSteps` lists them. */
export async function countSteps(db: Db): Promise<{ parked: number; stuck: number }> {
  const [row] = await db.query<{ parked: number; stuck: number }[]>(
    `SELECT (SELECT count(*)::int FROM step WHERE state = 'parked') AS parked,
            (SELECT count(*)::int FROM step s JOIN run r ON r.id = s.run_id WHERE ${isStuck('s', 'r')}) AS stuck`,
  );
  return row ?? { parked: 0, stuck: 0 };
}

/** Oldest first, by keyset. */
export async function listSteps(db: Db, filter: StepFilter): Promise<StepView[]> {
  const { mine } = filter;
  const rows: StepRow[] = await db.query(
    `${STEP}
      WHERE ($1::uuid IS NULL OR s.run_id = $1) AND ($2::uuid IS NULL OR r.subject_id = $2) AND ($3::text[] IS NULL OR s.state = ANY ($3))
        AND ($4::boolean IS NULL OR (s.stalled_at IS NOT NULL) = $4)
        AND ($9::boolean IS NULL OR ${isStuck('s', 'r')} = $9)
        AND ($5::text[] IS NULL OR CASE
              WHEN s.state = 'parked' AND NOT s.approved AND x.def ? 'approval' THEN 'admin' = ANY ($5) OR x.def->'approval'->'roles' ?| $5
              WHEN s.owner_contact_id IS NOT NULL AND EXISTS (SELECT FROM contact c WHERE c.id = s.owner_contact_id AND (c.person_id = $6::uuid
                OR EXISTS (SELECT FROM user_account u WHERE u.person_id = $6::uuid AND u.state = 'active' AND u.email = lower(c.email)))) THEN true
              WHEN s.owner_contact_id IS NOT NULL AND $10::boolean THEN false
              ELSE s.owner_role IS NULL OR 'admin' = ANY ($5) OR s.owner_role = ANY ($5) END)
        AND ($7::uuid IS NULL OR s.id > $7)
      ORDER BY s.id LIMIT $8`,
    [
      filter.runId ?? null,
      filter.subjectId ?? null,
      filter.states ?? null,
      filter.stalled ?? null,
      mine ? mine.roles : null,
      mine?.personId ?? null,
      filter.after ?? null,
      filter.limit,
      filter.stuck ?? null,
      mine?.notNamed ?? false,
    ],
  );
  return rows.map(stepOf);
}

export async function findStep(db: Db, id: Id): Promise<StepView | undefined> {
  const [row]: StepRow[] = await db.query(`${STEP} WHERE s.id = $1`, [id]);
  return row && stepOf(row);
}
