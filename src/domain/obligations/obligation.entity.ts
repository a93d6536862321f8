import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'obligation_audience_known',
  `(audience = ANY (ARRAY['authority'::text, 'people'::text, 'counterparty'::text, 'industry'::text]))`,
)
@Check(
  'obligation_standing_known',
  `(standing = ANY (ARRAY['dated'::text, 'no_number'::text, 'not_started'::text]))`,
)
@Check('obligation_dated_has_date', `((standing = 'dated'::text) = (due_at IS NOT NULL))`)
@Check('obligation_started_has_start', `((standing = 'not_started'::text) = (start_at IS NULL))`)
@Check(
  'obligation_known',
  `(obligation = ANY (ARRAY['required'::text, 'not_required'::text, 'superseded'::text, 'withheld'::text]))`,
)
@Check('obligation_timeliness_known', `(timeliness = ANY (ARRAY['open'::text, 'met'::text, 'missed'::text]))`)
@Check('obligation_decided_once', `((timeliness = 'open'::text) = (decided_at IS NULL))`)
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'obligation_incident_fk' })
@ForeignKey('IncidentCase', ['caseId'], ['id'], { name: 'obligation_case_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'obligation_party_fk' })
@ForeignKey('Party', ['recipientPartyId'], ['id'], { name: 'obligation_recipient_fk' })
@ForeignKey('WrittenNotice', ['writtenNoticeId'], ['id'], { name: 'obligation_written_notice_fk' })
@Unique('obligation_reference', ['reference'])
@Unique('obligation_once', ['caseId', 'partyId', 'ruleId', 'phase'])
@Index('obligation_by_due', { synchronize: false })
@Index('obligation_by_incident', ['incidentId', 'dueAt'])
@Index('obligation_by_next_clock', { synchronize: false })
@Index('obligation_by_written_notice', { synchronize: false })
@Entity({ name: 'obligation' })
export class ObligationRow {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'obligation_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'case_id', type: 'uuid' })
  caseId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'recipient_party_id', type: 'uuid', nullable: true })
  recipientPartyId: string | null;

  @Column({ name: 'rule_id', type: 'text' })
  ruleId: string;

  @Column({ name: 'rule_version', type: 'text' })
  ruleVersion: string;

  @Column({ name: 'phase', type: 'text' })
  phase: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'tells', type: 'text' })
  tells: string;

  @Column({ name: 'audience', type: 'text' })
  audience: string;

  @Column({ name: 'start_event', type: 'text' })
  startEvent: string;

  @Column({ name: 'standing', type: 'text' })
  standing: string;

  @Column({ name: 'start_at', type: 'timestamptz', nullable: true })
  startAt: Date | null;

  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt: Date | null;

  @Column({ name: 'due_date', type: 'date', nullable: true })
  dueDate: string | null;

  @Column({ name: 'due_why', type: 'text' })
  dueWhy: string;

  @Column({
    name: 'frozen',
    type: 'jsonb',
    comment: 'the rule and the facts that the clock was computed from',
  })
  frozen: unknown;

  @Column({ name: 'warn_at', type: 'timestamptz', nullable: true })
  warnAt: Date | null;

  @Column({ name: 'escalate_at', type: 'timestamptz', nullable: true })
  escalateAt: Date | null;

  @Column({ name: 'warned_at', type: 'timestamptz', nullable: true })
  warnedAt: Date | null;

  @Column({ name: 'escalated_at', type: 'timestamptz', nullable: true })
  escalatedAt: Date | null;

  @Column({ name: 'next_clock_at', type: 'timestamptz', nullable: true })
  nextClockAt: Date | null;

  @Column({ name: 'obligation', type: 'text', default: 'required' })
  obligation: string;

  @Column({ name: 'timeliness', type: 'text', default: 'open' })
  timeliness: string;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'fulfilled_at', type: 'timestamptz', nullable: true })
  fulfilledAt: Date | null;

  @Column({
    name: 'written_notice_id',
    type: 'uuid',
    nullable: true,
    comment: 'what was written to tell it through us',
  })
  writtenNoticeId: string | null;

  @Column({
    name: 'watched',
    type: 'boolean',
    default: false,
    comment: 'the duty of somebody else: we note what they told us, and send nothing',
  })
  watched: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
