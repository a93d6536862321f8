import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], {
  name: 'acknowledgement_code_contact_fk',
})
@ForeignKey('Notice', ['noticeId', 'partyId'], ['id', 'partyId'], { name: 'acknowledgement_code_notice_fk' })
@Index('acknowledgement_code_by_notice', ['noticeId', 'contactId', 'createdAt'])
@Entity({ name: 'acknowledgement_code' })
export class AcknowledgementCode {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'acknowledgement_code_pk' })
  id: string;

  @Column({ name: 'notice_id', type: 'uuid' })
  noticeId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'channel', type: 'text' })
  channel: string;

  @Column({ name: 'code_hash', type: 'bytea' })
  codeHash: Buffer;

  @Column({ name: 'wrong', type: 'int', default: 0 })
  wrong: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'used_at', type: 'timestamptz', nullable: true })
  usedAt: Date | null;
}
