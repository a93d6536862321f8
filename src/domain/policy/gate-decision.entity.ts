import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What the gate said once, why, and on what: never changed. */
@Check(
  'gate_decision_kind_known',
  `(kind = ANY (ARRAY['dry_run'::text, 'go_live'::text, 're_evaluation'::text]))`,
)
@Check('gate_decision_verdict_known', `(verdict = ANY (ARRAY['pass'::text, 'refused'::text]))`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'gate_decision_integration_fk' })
@ForeignKey('PolicyTemplate', ['policyHash'], ['hash'], { name: 'gate_decision_policy_fk' })
@ForeignKey('MatrixVersion', ['matrixVersionId'], ['id'], { name: 'gate_decision_matrix_fk' })
@Index('gate_decision_by_integration', ['integrationId', 'at', 'id'])
@Entity({ name: 'gate_decision' })
export class GateDecision {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'gate_decision_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'verdict', type: 'text' })
  verdict: string;

  @Column({ name: 'findings', type: 'jsonb' })
  findings: unknown;

  @Column({ name: 'policy', type: 'text' })
  policy: string;

  @Column({ name: 'policy_version', type: 'int' })
  policyVersion: number;

  @Column({ name: 'policy_hash', type: 'text' })
  policyHash: string;

  @Column({ name: 'matrix_version_id', type: 'uuid', nullable: true })
  matrixVersionId: string | null;

  @Column({ name: 'matrix_hash', type: 'bytea', nullable: true })
  matrixHash: Buffer | null;

  @Column({
    name: 'evidence',
    type: 'jsonb',
    comment: 'kind and id of each attestation, drill, agreement version and confirmation',
  })
  evidence: unknown;

  @Column({ name: 'exception_ids', type: 'uuid', array: true })
  exceptionIds: string[];

  @Column({ name: 'decided_by', type: 'text' })
  decidedBy: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
