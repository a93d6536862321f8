import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A notice that somebody writes for one occasion; somebody else approves it. */
@Check(
  'written_notice_decided_whole',
  `(((state = 'drafted'::text) = (decided_at IS NULL)) AND ((decided_at IS NULL) = (decided_by IS NULL)))`,
)
@Check('written_notice_four_eyes', `((state <> 'sent'::text) OR (decided_by <> written_by) OR alone)`)
@Check('written_notice_state_known', `(state = ANY (ARRAY['drafted'::text, 'sent'::text, 'refused'::text]))`)
@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], { name: 'written_notice_contact_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'written_notice_integration_fk' })
@ForeignKey('Notice', ['noticeId'], ['id'], { name: 'written_notice_notice_fk' })
@Index('written_notice_by_notice', { synchronize: false })
@Index('written_notice_by_subject', ['subjectId'])
@Entity({ name: 'written_notice' })
export class WrittenNotice {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'written_notice_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'language', type: 'text' })
  language: string;

  @Column({ name: 'subject', type: 'text' })
  subject: string;

  @Column({ name: 'text', type: 'text' })
  text: string;

  @Column({ name: 'state', type: 'text', default: 'drafted' })
  state: string;

  @Column({ name: 'written_by', type: 'text' })
  writtenBy: string;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'reason', type: 'text', default: '' })
  reason: string;

  @Column({ name: 'notice_id', type: 'uuid', nullable: true })
  noticeId: string | null;

  /** Policy said that its writer may send it. */
  @Column({ name: 'alone', type: 'boolean', default: false })
  alone: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
