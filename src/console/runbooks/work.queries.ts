import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { countSteps, type StepFilter } from '../../domain/runbooks/steps.queries.ts';
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

/** What is for the reader, or for their roles; not what asks somebody else by name. */
export function mineOf({ roles, personId }: Principal): NonNullable<StepFilter['mine']> {
  return { roles, personId: personId ?? null, notNamed: true };
}

export interface WorkCounts {
  parked: number;
  /** Steps that failed or stand still. */
  stuck: number;
  /** Notices that nobody is left to tell, or that came back. */
  notices: number;
}

/** As many as the lists of work hold. */
export async function workCounts(db: Db): Promise<WorkCounts> {
  const [row] = await db.query<{ notices: number }[]>(
    `SELECT count(*)::int AS notices FROM notice WHERE obligation = 'required' AND (dispatch = 'failed' OR (receipt = 'bounced' AND dispatch <> 'accepted'))`,
  );
  return { ...(await countSteps(db)), notices: row?.notices ?? 0 };
}

/**
 * What steps are about where they are not about an incident, by the id of the step: the credential, rotation or drill; the
 * integration on its way in or out; the review that takes access away.
 */
export interface About {
  name: string;
  path: string;
}

export async function aboutOf(db: Db, steps: readonly StepView[]): Promise<Map<Id, About>> {
  const rows = await db.query<({ id: Id } & Found)[]>(
    `SELECT s.id, r.runbook, c.name AS credential, c.reference AS "credentialReference", d.id IS NOT NULL AS drill,
            i.name AS integration, i.reference AS "integrationReference", v.reference AS review
       FROM step s JOIN run r ON r.id = s.run_id
       LEFT JOIN drill d ON d.run_id = r.id
       LEFT JOIN rotation t ON t.id = r.subject_id
       LEFT JOIN revocation_path p ON p.id = d.revocation_path_id
       LEFT JOIN credential c ON c.id = coalesce(p.credential_id, t.credential_id, r.subject_id)
       LEFT JOIN integration i ON i.id = r.subject_id AND r.subject_kind = 'integration'
       LEFT JOIN access_review_item x ON x.id = r.subject_id AND r.subject_kind = 'access_review_item'
       LEFT JOIN access_review v ON v.id = x.review_id
      WHERE s.id = ANY ($1::uuid[])`,
    [steps.map(({ id }) => id)],
  );
  return new Map(
    rows.flatMap(({ id, ...found }): [Id, About][] => {
      const about = aboutFound(found);
      return about ? [[id, about]] : [];
    }),
  );
}

interface Found {
  runbook: string;
  credential: string | null;
  credentialReference: string | null;
  drill: boolean;
  integration: string | null;
  integrationReference: string | null;
  review: string | null;
}

function aboutFound(one: Found): About | undefined {
  if (one.credentialReference !== null) {
    const path = `/credentials/${one.credentialReference}`;
    return one.drill
      ? { name: `drill of ${one.credential}`, path: `${path}/drills` }
      : { name: one.credential ?? one.credentialReference, path };
  }
  if (one.integrationReference !== null) {
    const way = one.runbook === 'offboarding' ? 'offboarding' : 'onboarding';
    return { name: `${way} of ${one.integration}`, path: `/integrations/${one.integrationReference}/${way}` };
  }
  return one.review === null
    ? undefined
    : { name: `access review ${one.review}`, path: `/access-reviews/${one.review}` };
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
