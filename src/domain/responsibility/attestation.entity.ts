import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'attestation_strength_known',
  `(strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text]))`,
)
@Check(
  'attestation_way_known',
  `(way = ANY (ARRAY['account'::text, 'link'::text, 'offline'::text, 'paper'::text]))`,
)
@ForeignKey('SigningKey', ['signingKeyId'], ['id'], { name: 'attestation_key_fk' })
@ForeignKey('Attachment', ['attachmentId'], ['id'], { name: 'attestation_attachment_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'attestation_contact_fk' })
@Index('attestation_by_content', ['integrationId', 'contentHash'])
@Index('attestation_by_expiry', { synchronize: false })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'attestation_party_fk' })
@ForeignKey('Person', ['personId'], ['id'], { name: 'attestation_person_fk' })
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'attestation_version_fk',
})
@Index('attestation_by_version', ['matrixVersionId'])
@Entity({ name: 'attestation' })
export class Attestation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'attestation_pk' })
  id: string;

  @Column({ name: 'matrix_version_id', type: 'uuid' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId: string;

  @Column({ name: 'signs_for', type: 'text' })
  signsFor: string;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'text_hash', type: 'bytea' })
  textHash: Buffer;

  @Column({ name: 'language', type: 'text' })
  language: string;

  @Column({ name: 'strength', type: 'text' })
  strength: string;

  @Column({ name: 'signature', type: 'bytea', nullable: true })
  signature: Buffer | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;

  @Column({ name: 'way', type: 'text', default: 'account' })
  way: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'signed_by', type: 'text', nullable: true })
  signedBy: string | null;

  @Column({ name: 'signing_key_id', type: 'uuid', nullable: true })
  signingKeyId: string | null;

  @Column({ name: 'attachment_id', type: 'uuid', nullable: true })
  attachmentId: string | null;

  @Column({ name: 'uploaded_by', type: 'text', nullable: true })
  uploadedBy: string | null;

  @Column({
    name: 'confirmed_by',
    type: 'text',
    nullable: true,
    comment: 'paper counts once a second person of the operator has confirmed it',
  })
  confirmedBy: string | null;

  @Column({ name: 'confirmed_at', type: 'timestamptz', nullable: true })
  confirmedAt: Date | null;

  @Column({ name: 'fallen_at', type: 'timestamptz', nullable: true })
  fallenAt: Date | null;

  @Column({ name: 'reminded_at', type: 'timestamptz', nullable: true })
  remindedAt: Date | null;
}
