import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('acknowledgement_next_action_whole', `((next_action IS NULL) = (next_action_at IS NULL))`)
@Check(
  'acknowledgement_strength_known',
  `(strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text]))`,
)
@ForeignKey('LinkToken', ['linkTokenId'], ['id'], { name: 'acknowledgement_link_token_fk' })
@Check('acknowledgement_signed_whole', `((signing_key_id IS NULL) = (signature IS NULL))`)
@Check('acknowledgement_signed_if_so', `((strength = 'detached_signature'::text) = (signature IS NOT NULL))`)
@ForeignKey('Notice', ['noticeId', 'partyId'], ['id', 'partyId'], { name: 'acknowledgement_notice_fk' })
@ForeignKey('SigningKey', ['signingKeyId'], ['id'], { name: 'acknowledgement_signing_key_fk' })
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'acknowledgement_user_fk' })
@Index('acknowledgement_one_effective', { synchronize: false })
@Entity({ name: 'acknowledgement' })
export class Acknowledgement {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'acknowledgement_pk' })
  id: string;

  @Column({ name: 'notice_id', type: 'uuid' })
  noticeId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'link_token_id', type: 'uuid', nullable: true })
  linkTokenId: string | null;

  @Column({ name: 'user_id', type: 'uuid', nullable: true })
  userId: string | null;

  @Column({ name: 'typed_name', type: 'text', nullable: true })
  typedName: string | null;

  @Column({ name: 'text_hash', type: 'bytea' })
  textHash: Buffer;

  @Column({ name: 'strength', type: 'text' })
  strength: string;

  @Column({ name: 'late', type: 'boolean', default: false })
  late: boolean;

  @Column({ name: 'effective', type: 'boolean', default: true })
  effective: boolean;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'next_action', type: 'text', nullable: true })
  nextAction: string | null;

  @Column({ name: 'next_action_at', type: 'timestamptz', nullable: true })
  nextActionAt: Date | null;

  @Column({
    name: 'channel',
    type: 'text',
    nullable: true,
    comment: 'the second channel, where it came by one',
  })
  channel: string | null;

  @Column({
    name: 'recorded_by',
    type: 'text',
    nullable: true,
    comment: 'who of the operator wrote it down, where it was read back by phone',
  })
  recordedBy: string | null;

  @Column({ name: 'signing_key_id', type: 'uuid', nullable: true })
  signingKeyId: string | null;

  @Column({ name: 'signature', type: 'text', nullable: true })
  signature: string | null;
}
