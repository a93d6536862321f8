import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One finding of one integration that may pass until a date, if somebody else than the requester approves. */
@Check(
  'policy_exception_decided_whole',
  `(((decision IS NULL) = (decided_by IS NULL)) AND ((decision IS NULL) = (decided_at IS NULL)))`,
)
@Check('policy_exception_decision_known', `(decision = ANY (ARRAY['approved'::text, 'refused'::text]))`)
@Check('policy_exception_ends_later', `(expires_at > requested_at)`)
@Check('policy_exception_four_eyes', `(decided_by <> requested_by)`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'policy_exception_integration_fk' })
@Index('policy_exception_by_integration', ['integrationId', 'requestedAt'])
@Index('policy_exception_one_open', { synchronize: false })
@Entity({ name: 'policy_exception' })
export class PolicyException {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'policy_exception_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'rule', type: 'text' })
  rule: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'text' })
  subjectId: string;

  @Column({ name: 'subject_name', type: 'text' })
  subjectName: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'compensating_control', type: 'text' })
  compensatingControl: string;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'requested_at', type: 'timestamptz' })
  requestedAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'decision', type: 'text', nullable: true })
  decision: string | null;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'withdrawn_by', type: 'text', nullable: true })
  withdrawnBy: string | null;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
