import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { FindingView } from './gate.schema.ts';
import type { OnboardingView, ScopeLine, WayStep } from './onboarding.schema.ts';

/** Whether what a step of an onboarding waits for is there, and what is missing otherwise. */
export interface Condition {
  met: boolean;
  forWhat: string;
  /** It is about to be known: asking again shortly is worth it. */
  soon?: boolean;
  output?: Record<string, unknown>;
}

/**
 * Whether the gate finds nothing of these rules any more, warnings too; an exception counts as nothing. What the gate said
 * last is taken, unless something has changed since: then it is about to look again.
 */
export async function findingsGone(db: Db, integrationId: Id, rules: readonly string[]): Promise<Condition> {
  const [row] = await db.query<{ findings: FindingView[] | null; stale: boolean }[]>(
    `SELECT s.findings, EXISTS (SELECT FROM gate_stale g WHERE g.integration_id = i.id) AS stale
       FROM integration i LEFT JOIN gate_standing s ON s.integration_id = i.id WHERE i.id = $1`,
    [integrationId],
  );
  if (!row) return { met: false, forWhat: 'there is no such integration' };
  if (row.findings === null || row.stale)
    return { met: false, soon: true, forWhat: 'the gate to look at what has changed' };
  const open = row.findings.filter(({ rule, exception }) => exception === null && rules.includes(rule));
  if (open.length === 0) return { met: true, forWhat: '' };
  const more = open.length > 3 ? ` And ${open.length - 3} more.` : '';
  return {
    met: false,
    forWhat: `${open
      .slice(0, 3)
      .map(({ mend }) => mend)
      .join(' ')}${more}`,
  };
}

/** Whether a person has decided on every scope of the integration's credentials, in this onboarding. */
export async function scopesReviewed(db: Db, runId: Id): Promise<Condition> {
  const pending = (await scopesOf(db, { runId })).filter(({ decision }) => decision === null);
  if (pending.length === 0) return { met: true, forWhat: '' };
  const first = pending[0]!;
  const more = pending.length > 1 ? `, and ${pending.length - 1} more` : '';
  return {
    met: false,
    forWhat: `Decide whether ${first.credential} needs the scope ${first.scope}${more}.`,
  };
}

/** A dry run of the gate that passed since. */
export async function gateWouldPass(db: Db, integrationId: Id, since: Millis): Promise<Condition> {
  const [row] = await db.query<{ id: Id; verdict: string; blocking: number }[]>(
    `SELECT id, verdict, (SELECT count(*)::int FROM jsonb_array_elements(findings) f
                           WHERE f->>'severity' <> 'warning' AND f->'exception' = 'null'::jsonb) AS blocking
       FROM gate_decision WHERE integration_id = $1 AND kind = 'dry_run' AND at >= $2 ORDER BY at DESC, id DESC LIMIT 1`,
    [integrationId, new Date(since)],
  );
  if (row?.verdict === 'pass') return { met: true, forWhat: '', output: { decisionId: row.id } };
  return {
    met: false,
    ...(row ? {} : { soon: true }),
    forWhat: row
      ? `The gate refuses it: ${row.blocking} ${row.blocking === 1 ? 'finding keeps' : 'findings keep'} it out.`
      : 'the gate to be asked',
  };
}

export async function isLive(db: Db, integrationId: Id): Promise<Condition> {
  const [row] = await db.query<{ state: string }[]>(`SELECT state FROM integration WHERE id = $1`, [
    integrationId,
  ]);
  return row?.state === 'live'
    ? { met: true, forWhat: '' }
    : {
        met: false,
        forWhat: 'Open the gate: somebody who may let it go live, and had no other part in this.',
      };
}

/** The scopes of an integration's credentials, with what was decided on them in one onboarding. */
export function scopesOf(db: Db, by: { runId: Id }): Promise<ScopeLine[]> {
  return db.query(
    `SELECT c.id AS "credentialId", c.name AS credential, s.name AS scope, s.description, coalesce(r.justification, s.justification) AS justification,
            r.decision, r.decided_by AS "decidedBy"
       FROM onboarding o
       JOIN credential_use u ON u.integration_id = o.integration_id
       JOIN credential c ON c.id = u.credential_id AND c.retired_at IS NULL
       JOIN credential_scope s ON s.credential_id = c.id
       LEFT JOIN scope_review r ON r.onboarding_id = o.id AND r.credential_id = c.id AND r.scope = s.name
      WHERE o.run_id = $1 ORDER BY c.name, c.id, s.name`,
    [by.runId],
  );
}

/** Steps of a run as people follow them, in the order of its runbook. */
export async function stepsOfWay(db: Db, runId: Id): Promise<WayStep[]> {
  const rows = await db.query<
    (Omit<WayStep, 'state'> & { states: string[]; planned: boolean; barred: boolean })[]
  >(
    `SELECT n.step, n.title, coalesce(d.value->>'uses', '') AS uses, d.value->>'act' AS act, n.done, n.total, n.planned,
            false AS barred, coalesce(x.states, '{}') AS states, coalesce(x.open, '[]') AS open
       FROM run r
       JOIN runbook_definition f ON f.hash = r.definition_hash
       JOIN run_node n ON n.run_id = r.id
       LEFT JOIN LATERAL jsonb_array_elements(f.body->'steps') d ON d.value->>'id' = n.step
       LEFT JOIN LATERAL (
         SELECT array_agg(DISTINCT s.state) AS states,
                jsonb_agg(jsonb_build_object('stepId', s.id, 'label', s.item->>'label', 'state', s.state, 'forWhat', coalesce(s.for_what, s.reason))
                          ORDER BY s.item->>'label', s.id) FILTER (WHERE s.state IN ('ready', 'running', 'waiting', 'unknown', 'parked', 'failed')) AS open
           FROM (SELECT * FROM step WHERE run_id = r.id AND node = n.node ORDER BY id LIMIT 500) s) x ON true
      WHERE r.id = $1 ORDER BY n.node`,
    [runId],
  );
  return rows.map(({ states, planned, barred: _barred, ...row }) => ({
    ...row,
    state: stateOf(states, planned),
  }));
}

function stateOf(states: readonly string[], planned: boolean): WayStep['state'] {
  const has = (...some: string[]) => states.some((one) => some.includes(one));
  if (has('parked', 'failed')) return has('parked') ? 'needs_somebody' : 'failed';
  if (has('ready', 'running', 'waiting', 'unknown')) return 'under_way';
  if (has('pending') || !planned) return 'waits';
  if (has('cancelled')) return 'cancelled';
  if (has('done')) return 'done';
  return 'skipped';
}

type Head = Omit<OnboardingView, 'steps' | 'scopes' | 'compensatingControl' | 'requestedAt' | 'endedAt'> & {
  requestedAt: Date;
  endedAt: Date | null;
  control: string | null;
  controlUntil: Date | null;
};

/** The newest onboarding of an integration. */
export async function onboardingOf(db: Db, integrationId: Id): Promise<OnboardingView | undefined> {
  const [row] = await db.query<Head[]>(
    `SELECT o.id, o.run_id AS "runId", o.runbook, o.state, r.state AS "runState", o.reason, o.requested_by AS "requestedBy",
            o.requested_at AS "requestedAt", o.ended_at AS "endedAt", o.compensating_control AS control, o.control_until AS "controlUntil"
       FROM onboarding o JOIN run r ON r.id = o.run_id WHERE o.integration_id = $1 ORDER BY o.requested_at DESC, o.id DESC LIMIT 1`,
    [integrationId],
  );
  if (!row) return undefined;
  const { control, controlUntil, requestedAt, endedAt, ...head } = row;
  return {
    ...head,
    requestedAt: requestedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    compensatingControl:
      control !== null && controlUntil !== null ? { control, until: controlUntil.toISOString() } : null,
    steps: await stepsOfWay(db, row.runId),
    scopes: await scopesOf(db, { runId: row.runId }),
  };
}

/** What stands in for what the fast path left out, of the onboarding that let an integration live. */
export async function compensatingControlOf(
  db: Db,
  integrationId: Id,
): Promise<{ control: string; until: Millis } | null> {
  const [row] = await db.query<{ control: string; until: Date }[]>(
    `SELECT compensating_control AS control, control_until AS until FROM onboarding
      WHERE integration_id = $1 AND state IN ('open', 'done') ORDER BY requested_at DESC LIMIT 1`,
    [integrationId],
  );
  return row?.control ? { control: row.control, until: row.until.getTime() } : null;
}

/** A step that waits for a condition of its integration. */
export interface AwaitingStep {
  id: Id;
  runId: Id;
  uses: string;
  rules: string[] | null;
  since: Millis;
  /** Else it is about to: what it asked for may come before its own word that it waits. */
  waits: boolean;
}

/** Steps of open onboardings and offboardings of an integration that wait by themselves; of the gate, those that just asked, too. */
export async function awaitingSteps(db: Db, integrationId: Id): Promise<AwaitingStep[]> {
  return db.query(
    `SELECT s.id, s.run_id AS "runId", d.value->>'uses' AS uses, d.value->'with'->'rules' AS rules,
            (extract(epoch FROM s.ready_at) * 1000)::float8 AS since,
            s.state <> 'running' AS waits
       FROM (SELECT run_id FROM onboarding WHERE integration_id = $1 AND state = 'open'
             UNION ALL SELECT run_id FROM offboarding WHERE integration_id = $1 AND state = 'open') w
       JOIN run r ON r.id = w.run_id AND r.state = 'running'
       JOIN runbook_definition f ON f.hash = r.definition_hash
       JOIN step s ON s.run_id = r.id AND s.state IN ('waiting', 'parked', 'running')
       JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
       JOIN LATERAL jsonb_array_elements(f.body->'steps') d ON d.value->>'id' = n.step
      WHERE s.state <> 'running' OR d.value->>'uses' = 'ask-gate'
      ORDER BY s.id`,
    [integrationId],
  );
}

/** Which of these are on their way in or out. */
export async function onTheirWay(db: Db, integrationIds: readonly Id[]): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT integration_id AS id FROM onboarding WHERE state = 'open' AND integration_id = ANY($1::uuid[])
      UNION SELECT integration_id FROM offboarding WHERE state = 'open' AND integration_id = ANY($1::uuid[])`,
    [integrationIds],
  );
  return rows.map(({ id }) => id);
}

/** Credentials of an integration for which no drill was started since. */
export async function undrilled(db: Db, integrationId: Id, since: Millis): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT c.id FROM credential_use u JOIN credential c ON c.id = u.credential_id AND c.retired_at IS NULL
       JOIN gate_standing g ON g.integration_id = u.integration_id
      WHERE u.integration_id = $1
        AND EXISTS (SELECT FROM jsonb_array_elements(g.findings) f WHERE f->>'rule' = 'untried-stop-path' AND f->'subject'->>'id' = c.id::text)
        AND NOT EXISTS (SELECT FROM drill d JOIN revocation_path p ON p.id = d.revocation_path_id
                         WHERE p.credential_id = c.id AND (d.started_at >= $2 OR d.ended_at IS NULL))`,
    [integrationId, new Date(since)],
  );
  return rows.map(({ id }) => id);
}

/** @returns null: the path is not for the tier of the integration; `fresh`: it was not on record yet */
export async function compensate(
  db: Db,
  runId: Id,
  by: { tiers: readonly number[]; control: string; until: Millis },
): Promise<{ fresh: boolean } | null> {
  const [row] = await db.query<{ id: Id; tier: number; known: boolean }[]>(
    `SELECT o.id, i.risk_tier AS tier, o.compensating_control IS NOT NULL AS known
       FROM onboarding o JOIN integration i ON i.id = o.integration_id WHERE o.run_id = $1 FOR UPDATE OF o`,
    [runId],
  );
  if (!row || !by.tiers.includes(row.tier)) return null;
  if (row.known) return { fresh: false };
  await db.query(`UPDATE onboarding SET compensating_control = $2, control_until = $3 WHERE id = $1`, [
    row.id,
    by.control,
    new Date(by.until),
  ]);
  return { fresh: true };
}
