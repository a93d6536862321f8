import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('risk_acceptance_four_eyes', `(requested_by <> accepted_by)`)
@Check(
  'risk_acceptance_subject_known',
  `(subject_kind = ANY (ARRAY['credential_version'::text, 'location'::text]))`,
)
@ForeignKey('UserAccount', ['acceptedBy'], ['id'], { name: 'risk_acceptance_accepted_by_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'risk_acceptance_integration_fk' })
@ForeignKey('UserAccount', ['requestedBy'], ['id'], { name: 'risk_acceptance_requested_by_fk' })
@Index('risk_acceptance_by_subject', ['subjectId'])
@Entity({ name: 'risk_acceptance' })
export class RiskAcceptance {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'risk_acceptance_pk' })
  id: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'incident_id', type: 'uuid', nullable: true })
  incidentId: string | null;

  @Column({ name: 'requested_by', type: 'uuid' })
  requestedBy: string;

  @Column({ name: 'accepted_by', type: 'uuid' })
  acceptedBy: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'until', type: 'timestamptz' })
  until: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
