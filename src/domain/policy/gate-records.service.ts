import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { evidenceOf } from './facts.queries.ts';
import type { GateFacts } from './facts.schema.ts';
import { blocks, type Evaluation, type GateFinding } from './gate.rules.ts';
import type { DecisionView, FindingView } from './gate.schema.ts';
import { Policies, type KnownPolicy } from './policies.ts';

/** What the rules said of one integration, and what they looked at. */
export interface Evaluated {
  facts: GateFacts;
  known: KnownPolicy;
  evaluation: Evaluation;
}

type DecisionKind = DecisionView['kind'];

/** Keeps what the rules said: each decision for ever, and of each integration the newest evaluation. */
@Injectable()
export class GateRecords {
  constructor(
    private readonly policies: Policies,
    private readonly ledger: LedgerService,
  ) {}

  /** Writes a decision, once and for ever. */
  async decide(
    db: Db,
    kind: DecisionKind,
    { facts, known, evaluation }: Evaluated,
    by: Principal,
    now: Millis,
  ): Promise<DecisionView> {
    await this.policies.store(db, known, now);
    const id = newId();
    const evidence = evidenceOf(facts);
    const findings = evaluation.findings.map(viewOfFinding);
    const exceptionIds = [...new Set(evaluation.findings.flatMap(({ exception }) => exception?.id ?? []))];
    const { matrix } = facts;
    await db.query(
      `INSERT INTO gate_decision (id, integration_id, kind, verdict, findings, policy, policy_version, policy_hash, matrix_version_id,
                                  matrix_hash, evidence, exception_ids, decided_by, at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, decode($10, 'hex'), $11, $12, $13, $14)`,
      [
        id,
        facts.integration.id,
        kind,
        evaluation.verdict,
        JSON.stringify(findings),
        known.policy.policy,
        known.policy.version,
        known.hash,
        matrix?.id ?? null,
        matrix?.hash ?? null,
        JSON.stringify(evidence),
        exceptionIds,
        by.id,
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'gate.decided',
      subject: { kind: 'integration', id: facts.integration.id },
      by,
      at: now,
      facts: {
        decision: id,
        kind,
        verdict: evaluation.verdict,
        policy: known.policy.policy,
        policyHash: known.hash,
        ...(matrix ? { matrixHash: matrix.hash } : {}),
        blocking: evaluation.findings.filter(blocks).length,
        findings: evaluation.findings.length,
        exceptions: exceptionIds.join(' '),
      },
    });
    return {
      id,
      integrationId: facts.integration.id,
      kind,
      verdict: evaluation.verdict,
      findings,
      policy: { name: known.policy.policy, version: known.policy.version, hash: known.hash },
      matrix: matrix ? { versionId: matrix.id, hash: matrix.hash } : null,
      evidence,
      decidedBy: by.id,
      at: iso(now),
    };
  }

  /** Writes the newest evaluation of each; one statement for all. The end of a grace is a time to look again, too. */
  async stand(db: Db, all: readonly Evaluated[], now: Millis, decisions: ReadonlyMap<Id, Id>): Promise<void> {
    if (all.length === 0) return;
    const rows = all.map(({ facts, known, evaluation }) => {
      const blocking = evaluation.findings.filter(blocks);
      return {
        id: facts.integration.id,
        policy: known.policy.policy,
        version: known.policy.version,
        hash: known.hash,
        verdict: evaluation.verdict,
        findings: evaluation.findings.map(viewOfFinding),
        rules: [...new Set(blocking.map(({ rule }) => rule))],
        blocking: blocking.length,
        warnings: evaluation.findings.filter(({ severity }) => severity === 'warning').length,
        excepted: evaluation.findings.filter(({ exception }) => exception !== null).length,
        decision: decisions.get(facts.integration.id) ?? null,
        recheck: evaluation.recheckAt === null ? null : iso(evaluation.recheckAt),
      };
    });
    await db.query(
      `INSERT INTO gate_standing (integration_id, policy, policy_version, policy_hash, verdict, findings, blocking_rules, blocking,
                                  warnings, excepted, decision_id, evaluated_at, recheck_at)
       SELECT r.id, r.policy, r.version, r.hash, r.verdict, r.findings,
              ARRAY(SELECT jsonb_array_elements_text(r.rules)), r.blocking, r.warnings, r.excepted, r.decision, $2,
              least(r.recheck, CASE WHEN i.pass = 'lost' AND i.state = 'live' THEN i.pass_grace_until END)
         FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, policy text, version int, hash text, verdict text, findings jsonb, rules jsonb,
                                                 blocking int, warnings int, excepted int, decision uuid, recheck timestamptz)
         JOIN integration i ON i.id = r.id
        ORDER BY r.id
       ON CONFLICT (integration_id) DO UPDATE
          SET policy = excluded.policy, policy_version = excluded.policy_version, policy_hash = excluded.policy_hash,
              verdict = excluded.verdict, findings = excluded.findings, blocking_rules = excluded.blocking_rules,
              blocking = excluded.blocking, warnings = excluded.warnings, excepted = excluded.excepted,
              decision_id = coalesce(excluded.decision_id, gate_standing.decision_id),
              evaluated_at = excluded.evaluated_at, recheck_at = excluded.recheck_at`,
      [JSON.stringify(rows), iso(now)],
    );
  }
}

/** A finding for people and programs. */
export function viewOfFinding(finding: GateFinding): FindingView {
  const { rule, severity, subject, message, mend, frameworks, places, exception } = finding;
  return {
    rule,
    severity,
    subject,
    message,
    mend,
    frameworks: frameworks.map((one) => ({ ...one })),
    ...(places ? { places: places.map((one) => ({ ...one })) } : {}),
    exception: exception && { id: exception.id, expiresAt: iso(exception.expiresAt) },
  };
}
