import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** The newest evaluation of an integration, and when it must be looked at again. */
@Check('gate_standing_verdict_known', `(verdict = ANY (ARRAY['pass'::text, 'refused'::text]))`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'gate_standing_integration_fk' })
@ForeignKey('GateDecision', ['decisionId'], ['id'], { name: 'gate_standing_decision_fk' })
@Index('gate_standing_due', ['recheckAt'])
@Index('gate_standing_refused', { synchronize: false })
@Entity({ name: 'gate_standing' })
export class GateStanding {
  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'gate_standing_pk' })
  integrationId: string;

  @Column({ name: 'policy', type: 'text' })
  policy: string;

  @Column({ name: 'policy_version', type: 'int' })
  policyVersion: number;

  @Column({ name: 'policy_hash', type: 'text' })
  policyHash: string;

  @Column({ name: 'verdict', type: 'text' })
  verdict: string;

  @Column({ name: 'findings', type: 'jsonb' })
  findings: unknown;

  @Column({ name: 'blocking_rules', type: 'text', array: true })
  blockingRules: string[];

  @Column({ name: 'blocking', type: 'int' })
  blocking: number;

  @Column({ name: 'warnings', type: 'int' })
  warnings: number;

  @Column({ name: 'excepted', type: 'int' })
  excepted: number;

  @Column({ name: 'decision_id', type: 'uuid', nullable: true })
  decisionId: string | null;

  @Column({ name: 'evaluated_at', type: 'timestamptz' })
  evaluatedAt: Date;

  @Column({ name: 'recheck_at', type: 'timestamptz', nullable: true })
  recheckAt: Date | null;
}
