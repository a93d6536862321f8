import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Person', ['personId'], ['id'], { name: 'link_token_person_fk' })
@Unique('link_token_hash_key', ['tokenHash'])
@Index('link_token_subject', ['subjectKind', 'subjectId'])
@Entity({ name: 'link_token' })
export class LinkToken {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'link_token_pkey' })
  id: string;

  @Column({ name: 'token_hash', type: 'text' })
  tokenHash: string;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'person_id', type: 'uuid', nullable: true })
  personId: string | null;

  @Column({ name: 'permissions', type: 'text', array: true })
  permissions: string[];

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'used_at', type: 'timestamptz', nullable: true })
  usedAt: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;
}
