import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('acknowledgement_next_action_whole', `((next_action IS NULL) = (next_action_at IS NULL))`)
@Check(
  'acknowledgement_strength_known',
  `(strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text]))`,
)
@ForeignKey('LinkToken', ['linkTokenId'], ['id'], { name: 'acknowledgement_link_token_fk' })
@ForeignKey('Notice', ['noticeId', 'partyId'], ['id', 'partyId'], { name: 'acknowledgement_notice_fk' })
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
}
