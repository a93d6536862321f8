import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'statement_kind_known',
  `(kind = ANY (ARRAY['revoked'::text, 'replaced'::text, 'copy_gone'::text, 'sessions_ended'::text, 'not_affected'::text]))`,
)
@Check(
  'statement_strength_known',
  `(strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text, 'account'::text]))`,
)
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'statement_contact_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'statement_integration_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'statement_party_fk' })
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'statement_user_fk' })
@Index('statement_by_subject', ['subjectId', 'at'])
@Entity({ name: 'statement' })
export class Statement {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'statement_pk' })
  id: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({ name: 'user_id', type: 'uuid', nullable: true })
  userId: string | null;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'signs_for', type: 'text' })
  signsFor: string;

  @Column({ name: 'text', type: 'text' })
  text: string;

  @Column({ name: 'text_hash', type: 'bytea' })
  textHash: Buffer;

  @Column({ name: 'strength', type: 'text' })
  strength: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
