import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('notice_decided_once', `((timeliness = 'open'::text) = (decided_at IS NULL))`)
@Check(
  'notice_dispatch_known',
  `(dispatch = ANY (ARRAY['owed'::text, 'attempting'::text, 'accepted'::text, 'failed'::text]))`,
)
@Check(
  'notice_least_strength_known',
  `(least_strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text]))`,
)
@Check(
  'notice_obligation_known',
  `(obligation = ANY (ARRAY['required'::text, 'not_required'::text, 'superseded'::text, 'withheld'::text]))`,
)
@Check(
  'notice_receipt_known',
  `(receipt = ANY (ARRAY['none'::text, 'bounced'::text, 'delivered'::text, 'acknowledged'::text]))`,
)
@Check('notice_sent_whole', `((sent_subject IS NULL) = (sent_text IS NULL))`)
@Check('notice_told_counted', `(told > 0)`)
@Check('notice_timeliness_known', `(timeliness = ANY (ARRAY['open'::text, 'met'::text, 'missed'::text]))`)
@ForeignKey('AgreementVersion', ['agreementVersionId'], ['id'], { name: 'notice_agreement_version_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'notice_contact_fk' })
@ForeignKey('Notice', ['correctsNoticeId'], ['id'], { name: 'notice_corrects_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'notice_integration_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'notice_party_fk' })
@ForeignKey('Term', ['termId'], ['id'], { name: 'notice_term_fk' })
@ForeignKey('NoticeTemplate', ['templateId'], ['id'], { name: 'notice_template_fk' })
@Unique('notice_id_party', ['id', 'partyId'])
@Unique('notice_message_id', ['messageId'])
@Unique('notice_once', ['idempotencyKey'])
@Unique('notice_reference', ['reference'])
@Index('notice_by_batch', { synchronize: false })
@Index('notice_by_integration', { synchronize: false })
@Index('notice_by_next_clock', { synchronize: false })
@Index('notice_by_party', { synchronize: false })
@Index('notice_by_subject', ['subjectId'])
@Index('notice_to_send', { synchronize: false })
@Entity({ name: 'notice' })
export class Notice {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'notice_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'idempotency_key', type: 'text' })
  idempotencyKey: string;

  @Column({ name: 'term_id', type: 'uuid', nullable: true })
  termId: string | null;

  @Column({ name: 'agreement_version_id', type: 'uuid', nullable: true })
  agreementVersionId: string | null;

  @Column({ name: 'corrects_notice_id', type: 'uuid', nullable: true })
  correctsNoticeId: string | null;

  @Column({ name: 'category', type: 'text' })
  category: string;

  @Column({ name: 'language', type: 'text', default: 'en' })
  language: string;

  @Column({ name: 'trigger', type: 'text' })
  trigger: string;

  @Column({ name: 'start_event', type: 'text' })
  startEvent: string;

  @Column({ name: 'start_at', type: 'timestamptz' })
  startAt: Date;

  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt: Date | null;

  @Column({ name: 'due_why', type: 'text', default: '' })
  dueWhy: string;

  @Column({ name: 'warn_at', type: 'timestamptz', nullable: true })
  warnAt: Date | null;

  @Column({ name: 'escalate_at', type: 'timestamptz', nullable: true })
  escalateAt: Date | null;

  @Column({ name: 'warned_at', type: 'timestamptz', nullable: true })
  warnedAt: Date | null;

  @Column({ name: 'escalated_at', type: 'timestamptz', nullable: true })
  escalatedAt: Date | null;

  @Column({
    name: 'next_clock_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'when the clock has something to say next; null: nothing more',
  })
  nextClockAt: Date | null;

  @Column({
    name: 'rung_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'the time of the latest rung of its ladder that was taken',
  })
  rungAt: Date | null;

  @Column({ name: 'batch_id', type: 'uuid', nullable: true })
  batchId: string | null;

  @Column({ name: 'fulfilled_by', type: 'text' })
  fulfilledBy: string;

  @Column({
    name: 'least_strength',
    type: 'text',
    default: 'mailbox',
    comment: 'a weaker acknowledgement is on record and leaves the duty open',
  })
  leastStrength: string;

  @Column({ name: 'facts', type: 'jsonb' })
  facts: unknown;

  @Column({ name: 'message_id', type: 'text' })
  messageId: string;

  @Column({ name: 'text_hash', type: 'bytea', nullable: true })
  textHash: Buffer | null;

  @Column({
    name: 'told',
    type: 'int',
    default: 1,
    comment: 'how often it is told: more than once where nobody answered, or nothing followed',
  })
  told: number;

  @Column({ name: 'sent_subject', type: 'text', nullable: true })
  sentSubject: string | null;

  @Column({
    name: 'sent_text',
    type: 'text',
    nullable: true,
    comment: 'as first sent, without the link: what an acknowledgement binds',
  })
  sentText: string | null;

  @Column({ name: 'template_id', type: 'uuid', nullable: true })
  templateId: string | null;

  @Column({ name: 'obligation', type: 'text', default: 'required' })
  obligation: string;

  @Column({ name: 'dispatch', type: 'text', default: 'owed' })
  dispatch: string;

  @Column({ name: 'receipt', type: 'text', default: 'none' })
  receipt: string;

  @Column({ name: 'timeliness', type: 'text', default: 'open' })
  timeliness: string;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'next_attempt_at', type: 'timestamptz', nullable: true })
  nextAttemptAt: Date | null;

  @Column({
    name: 'held_until',
    type: 'timestamptz',
    nullable: true,
    comment: "by the database's clock: until then whoever began the latest attempt is making it",
  })
  heldUntil: Date | null;

  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  @Column({ name: 'accepted_at', type: 'timestamptz', nullable: true })
  acceptedAt: Date | null;

  @Column({ name: 'fulfilled_at', type: 'timestamptz', nullable: true })
  fulfilledAt: Date | null;

  @Column({ name: 'acknowledged_at', type: 'timestamptz', nullable: true })
  acknowledgedAt: Date | null;

  @Column({ name: 'acknowledgement_lapses_at', type: 'timestamptz', nullable: true })
  acknowledgementLapsesAt: Date | null;

  @Column({ name: 'step_id', type: 'uuid', nullable: true })
  stepId: string | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
