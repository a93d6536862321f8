import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'notice_attempt_outcome_known',
  `(outcome = ANY (ARRAY['started'::text, 'accepted'::text, 'refused'::text, 'retry'::text, 'unknown'::text]))`,
)
@Check('notice_attempt_bounce_whole', `((bounced_at IS NULL) = (bounce IS NULL))`)
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'notice_attempt_contact_fk' })
@ForeignKey('Notice', ['noticeId', 'partyId'], ['id', 'partyId'], { name: 'notice_attempt_notice_fk' })
@Unique('notice_attempt_number', ['noticeId', 'number'])
@Index('notice_attempt_by_contact', { synchronize: false })
@Index('notice_attempt_by_message', ['messageId'])
@Entity({ name: 'notice_attempt' })
export class NoticeAttempt {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'notice_attempt_pk' })
  id: string;

  @Column({ name: 'notice_id', type: 'uuid' })
  noticeId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'channel', type: 'text' })
  channel: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'address', type: 'text' })
  address: string;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  @Column({ name: 'outcome', type: 'text', default: 'started' })
  outcome: string;

  @Column({ name: 'peer_answer', type: 'text', default: '' })
  peerAnswer: string;

  @Column({ name: 'possibly_twice', type: 'boolean', default: false })
  possiblyTwice: boolean;

  @Column({ name: 'next_at', type: 'timestamptz', nullable: true })
  nextAt: Date | null;

  @Column({ name: 'message_id', type: 'text' })
  messageId: string;

  @Column({ name: 'bounced_at', type: 'timestamptz', nullable: true })
  bouncedAt: Date | null;

  @Column({
    name: 'bounce',
    type: 'text',
    nullable: true,
    comment: 'what the peer said after it had taken the message: status and words',
  })
  bounce: string | null;
}
