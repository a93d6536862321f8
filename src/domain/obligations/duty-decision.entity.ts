import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('duty_decision_subject_known', `(subject_kind = ANY (ARRAY['obligation'::text, 'notice'::text]))`)
@Check(
  'duty_decision_known',
  `(decision = ANY (ARRAY['not_required_asked'::text, 'not_required'::text, 'kept'::text, 'withheld'::text, 'returned'::text, 'started'::text, 'submitted'::text, 'told'::text, 'came_back'::text]))`,
)
@Check('duty_decision_withheld_until', `((decision = 'withheld'::text) = (until IS NOT NULL))`)
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'duty_decision_incident_fk' })
@Index('duty_decision_by_subject', ['subjectId', 'at'])
@Index('duty_decision_to_return', { synchronize: false })
@Entity({ name: 'duty_decision' })
export class DutyDecision {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'duty_decision_pk' })
  id: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'decision', type: 'text' })
  decision: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'authority', type: 'text', nullable: true })
  authority: string | null;

  @Column({ name: 'document', type: 'text', nullable: true })
  document: string | null;

  @Column({ name: 'until', type: 'timestamptz', nullable: true })
  until: Date | null;

  @Column({ name: 'stands_at', type: 'timestamptz', nullable: true })
  standsAt: Date | null;

  @Column({ name: 'by_kind', type: 'text' })
  byKind: string;

  @Column({ name: 'by_id', type: 'text' })
  byId: string;

  @Column({ name: 'hand', type: 'text' })
  hand: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
