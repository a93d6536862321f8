import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import type { ApprovalTerms } from '../../domain/runbooks/approval-terms.rules.ts';
import { approvalTerms } from '../../domain/runbooks/approvals.queries.ts';
import { ms } from '../shared/sql.ts';

/** Who is asked, for a page of steps. */
export interface Asked {
  /** Names of those who are asked by name, by contact. */
  contacts: ReadonlyMap<Id, string>;
  /** What decides who may approve, by step. */
  terms: ReadonlyMap<Id, ApprovalTerms>;
}

export async function askedOf(db: Db, steps: readonly StepView[]): Promise<Asked> {
  return { contacts: await contactNames(db, steps), terms: await approvalTerms(db, steps) };
}

async function contactNames(db: Db, steps: readonly StepView[]): Promise<Map<Id, string>> {
  const ids = [...new Set(steps.flatMap(({ owner }) => owner.contactId ?? []))];
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ id: Id; name: string }[]>(
    `SELECT k.id, k.name || coalesce(', ' || p.name, '') AS name FROM contact k LEFT JOIN party p ON p.id = k.party_id WHERE k.id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** References of the incidents that steps are about, by subject. */
export async function incidentReferences(db: Db, steps: readonly StepView[]): Promise<Map<Id, string>> {
  const ids = [
    ...new Set(steps.filter(({ subject }) => subject.kind === 'incident').map(({ subject }) => subject.id)),
  ];
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ id: Id; reference: string }[]>(
    `SELECT id, reference FROM incident WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map(({ id, reference }) => [id, reference]));
}

/** @returns an id that no step has where there is no such incident */
export async function incidentId(db: Db, reference: string): Promise<Id> {
  const [row] = await db.query<{ id: Id }[]>(`SELECT id FROM incident WHERE reference = $1`, [reference]);
  return row?.id ?? '00000000-0000-4000-8000-000000000000';
}

export interface WorkCounts {
  parked: number;
  failed: number;
  stalled: number;
  /** Notices that nobody is left to tell, or that came back. */
  notices: number;
}

/** Failed steps count while their run still goes on; what a finished run left behind is history. */
export async function workCounts(db: Db): Promise<WorkCounts> {
  const [row] = await db.query<WorkCounts[]>(
    `SELECT (SELECT count(*)::int FROM step WHERE state = 'parked') AS parked,
            (SELECT count(*)::int FROM step s JOIN run r ON r.id = s.run_id AND r.finished_at IS NULL WHERE s.state = 'failed') AS failed,
            (SELECT count(*)::int FROM step WHERE stalled_at IS NOT NULL) AS stalled,
            (SELECT count(*)::int FROM notice WHERE obligation = 'required' AND (dispatch = 'failed' OR (receipt = 'bounced' AND dispatch <> 'accepted'))) AS notices`,
  );
  return row ?? { parked: 0, failed: 0, stalled: 0, notices: 0 };
}

export interface StepHappening {
  at: Millis;
  kind: string;
  state: string | null;
  reason: string | null;
  by: string | null;
  attempt: number;
}

/** What has happened to one step, newest first. */
export function happeningsOf(db: Db, stepId: Id): Promise<StepHappening[]> {
  return db.query(
    `SELECT ${ms('e.at')} AS at, e.kind, e.state, e.reason, coalesce(p.name, e.by) AS by, e.attempt
       FROM step_event e LEFT JOIN person p ON p.id::text = e.by
      WHERE e.step_id = $1 ORDER BY e.n DESC LIMIT 100`,
    [stepId],
  );
}

export interface StepEvidence {
  kind: string;
  asked: string;
  status: number | null;
  outcome: string;
  why: string;
  extract: string;
  endedAt: Millis;
}

export function evidenceOfStep(db: Db, stepId: Id): Promise<StepEvidence[]> {
  return db.query(
    `SELECT e.kind, e.asked, e.status, e.outcome, e.why, e.extract, ${ms('e.ended_at')} AS "endedAt"
       FROM evidence e WHERE e.step_id = $1 ORDER BY e.started_at DESC LIMIT 50`,
    [stepId],
  );
}
