import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], { name: 'signing_key_contact_fk' })
@Unique('signing_key_fingerprint', ['contactId', 'fingerprint'])
@Entity({ name: 'signing_key' })
export class SigningKey {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'signing_key_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'public_key', type: 'text', comment: 'Ed25519, SubjectPublicKeyInfo as PEM (RFC 8410)' })
  publicKey: string;

  @Column({ name: 'fingerprint', type: 'bytea' })
  fingerprint: Buffer;

  @Column({ name: 'registered_by', type: 'text' })
  registeredBy: string;

  @Column({ name: 'registered_at', type: 'timestamptz' })
  registeredAt: Date;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;

  @Column({ name: 'revoked_by', type: 'text', nullable: true })
  revokedBy: string | null;
}
