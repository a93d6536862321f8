import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A risk that one person asked to be accepted until a date; a second one has to. */
@Check(
  'risk_request_subject_known',
  `(subject_kind = ANY (ARRAY['credential_version'::text, 'location'::text]))`,
)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'risk_request_integration_fk' })
@ForeignKey('UserAccount', ['requestedBy'], ['id'], { name: 'risk_request_requested_by_fk' })
@Index('risk_request_by_subject', ['subjectId'])
@Entity({
  name: 'risk_request',
  comment: 'a risk that one person asked to be accepted; answered_at: a second one has',
})
export class RiskRequest {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'risk_request_pk' })
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

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'until', type: 'timestamptz' })
  until: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'answered_at', type: 'timestamptz', nullable: true })
  answeredAt: Date | null;
}
