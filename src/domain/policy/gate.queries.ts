import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { DecisionView, ExceptionView, PolicyView } from './gate.schema.ts';
import type { StandingException } from './gate.rules.ts';
import { controlsOf } from './custom.rules.ts';
import type { KnownPolicy } from './policies.ts';
import { RULES } from './rules/registry.ts';

type DecisionRow = Omit<DecisionView, 'at' | 'policy' | 'matrix'> & {
  at: Date;
  policyName: string;
  policyVersion: number;
  policyHash: string;
  matrixVersionId: Id | null;
  matrixHash: string | null;
};

const DECISION = `id, integration_id AS "integrationId", kind, verdict, findings, policy AS "policyName", policy_version AS "policyVersion",
  policy_hash AS "policyHash", matrix_version_id AS "matrixVersionId", encode(matrix_hash, 'hex') AS "matrixHash", evidence,
  decided_by AS "decidedBy", at`;

function decisionOf(row: DecisionRow): DecisionView {
  const { policyName, policyVersion, policyHash, matrixVersionId, matrixHash, at, ...rest } = row;
  return {
    ...rest,
    policy: { name: policyName, version: policyVersion, hash: policyHash },
    matrix:
      matrixVersionId === null || matrixHash === null
        ? null
        : { versionId: matrixVersionId, hash: matrixHash },
    at: at.toISOString(),
  };
}

/** Newest first. */
export async function decisionsOf(
  db: Db,
  integrationId: Id,
  o: { limit: number; after?: { at: Millis; id: Id } },
): Promise<DecisionView[]> {
  const rows = await db.query<DecisionRow[]>(
    `SELECT ${DECISION} FROM gate_decision
      WHERE integration_id = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3))
      ORDER BY at DESC, id DESC LIMIT $4`,
    [integrationId, o.after ? new Date(o.after.at) : null, o.after?.id ?? null, o.limit],
  );
  return rows.map(decisionOf);
}

type ExceptionRow = Omit<ExceptionView, 'requestedAt' | 'expiresAt' | 'decidedAt' | 'state' | 'subject'> & {
  requestedAt: Date;
  expiresAt: Date;
  decidedAt: Date | null;
  decision: 'approved' | 'refused' | null;
  withdrawnAt: Date | null;
  subjectKind: string;
  subjectId: string;
  subjectName: string;
};

const EXCEPTION = `id, integration_id AS "integrationId", rule, subject_kind AS "subjectKind", subject_id AS "subjectId", subject_name AS "subjectName",
  reason, compensating_control AS "compensatingControl", requested_by AS "requestedBy", requested_at AS "requestedAt", expires_at AS "expiresAt",
  decision, decided_by AS "decidedBy", decided_at AS "decidedAt", withdrawn_at AS "withdrawnAt"`;

function exceptionOf(row: ExceptionRow, now: Millis): ExceptionView {
  const { subjectKind, subjectId, subjectName, decision, withdrawnAt, ...rest } = row;
  return {
    ...rest,
    subject: { kind: subjectKind, id: subjectId, name: subjectName },
    requestedAt: row.requestedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    decidedAt: row.decidedAt?.toISOString() ?? null,
    state: withdrawnAt
      ? 'withdrawn'
      : decision === 'refused'
        ? 'refused'
        : row.expiresAt.getTime() <= now
          ? 'expired'
          : (decision ?? 'requested'),
  };
}

/** Newest first. */
export async function exceptionsOf(db: Db, integrationId: Id, now: Millis): Promise<ExceptionView[]> {
  const rows = await db.query<ExceptionRow[]>(
    `SELECT ${EXCEPTION} FROM policy_exception WHERE integration_id = $1 ORDER BY requested_at DESC, id DESC LIMIT 200`,
    [integrationId],
  );
  return rows.map((row) => exceptionOf(row, now));
}

/** One exception; undefined when there is none, or not to be seen. Locked until the end of the transaction if asked for. */
export async function findException(
  db: Db,
  id: Id,
  now: Millis,
  lock = false,
): Promise<ExceptionView | undefined> {
  const [row] = await db.query<ExceptionRow[]>(
    `SELECT ${EXCEPTION} FROM policy_exception WHERE id = $1 ${lock ? 'FOR UPDATE' : ''}`,
    [id],
  );
  return row && exceptionOf(row, now);
}

/** Every exception, newest first: what is open, used and gone. */
export async function listExceptions(
  db: Db,
  o: { limit: number; after?: { at: Millis; id: Id }; now: Millis; open?: boolean },
): Promise<ExceptionView[]> {
  const rows = await db.query<ExceptionRow[]>(
    `SELECT ${EXCEPTION} FROM policy_exception
      WHERE ($1::timestamptz IS NULL OR (requested_at, id) < ($1, $2))
        AND (NOT $3 OR (withdrawn_at IS NULL AND decision IS DISTINCT FROM 'refused' AND expires_at > $4))
      ORDER BY requested_at DESC, id DESC LIMIT $5`,
    [o.after ? new Date(o.after.at) : null, o.after?.id ?? null, o.open ?? false, new Date(o.now), o.limit],
  );
  return rows.map((row) => exceptionOf(row, o.now));
}

/** Approved, not withdrawn, not over; by integration. */
export async function standingExceptions(
  db: Db,
  integrationIds: readonly Id[],
  now: Millis,
): Promise<Map<Id, StandingException[]>> {
  const rows = await db.query<(StandingException & { integrationId: Id })[]>(
    `SELECT id, integration_id AS "integrationId", rule, subject_kind AS "subjectKind", subject_id AS "subjectId",
            (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt"
       FROM policy_exception
      WHERE integration_id = ANY($1::uuid[]) AND decision = 'approved' AND withdrawn_at IS NULL AND expires_at > $2`,
    [integrationIds, new Date(now)],
  );
  const found = new Map<Id, StandingException[]>();
  for (const { integrationId, ...one } of rows)
    found.set(integrationId, [...(found.get(integrationId) ?? []), one]);
  return found;
}

/** A policy for people and programs: every rule with the severity that it has there. */
export function viewOfPolicy({ policy, hash, appliesTo }: KnownPolicy): PolicyView {
  return {
    name: policy.policy,
    title: policy.title,
    version: policy.version,
    hash,
    lineage: [...policy.lineage],
    appliesTo: appliesTo ?? null,
    limits: { ...policy.limits },
    rules: [
      ...RULES.map((rule) => ({
        name: rule.name,
        title: rule.title,
        severity: policy.rules[rule.name] ?? rule.severity,
        frameworks: [...rule.frameworks],
        custom: false,
      })),
      ...policy.custom.map((rule) => ({
        name: rule.id,
        title: rule.title,
        severity: policy.rules[rule.id] ?? rule.severity,
        frameworks: [...controlsOf(rule)],
        custom: true,
      })),
    ],
    exceptions: { longest: policy.exceptions.longest, never: [...policy.exceptions.never] },
    grace: policy.grace,
  };
}
