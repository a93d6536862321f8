import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'matrix_version_state_known',
  `(state = ANY (ARRAY['draft'::text, 'proposed'::text, 'countersigned'::text, 'withdrawn'::text, 'expired'::text, 'superseded'::text, 'sent_back'::text]))`,
)
@Check('matrix_version_reattest_days_range', `((reattest_days >= 1) AND (reattest_days <= 1830))`)
@Index('matrix_version_by_state', ['state', 'integrationId'])
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'matrix_version_integration_fk' })
@ForeignKey('Offering', ['offeringId'], ['id'], { name: 'matrix_version_offering_fk' })
@ForeignKey('Party', ['proposedByPartyId'], ['id'], { name: 'matrix_version_proposed_by_fk' })
@Unique('matrix_version_id_integration', ['id', 'integrationId'])
@Unique('matrix_version_number', ['integrationId', 'number'])
@Entity({ name: 'matrix_version' })
export class MatrixVersion {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'matrix_version_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'offering_id', type: 'uuid', nullable: true })
  offeringId: string | null;

  @Column({ name: 'state', type: 'text', default: 'draft' })
  state: string;

  @Column({ name: 'language', type: 'text', default: 'en' })
  language: string;

  @Column({ name: 'canonical', type: 'text', comment: 'RFC 8785 text whose SHA-256 is content_hash' })
  canonical: string;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'text_hash', type: 'bytea', nullable: true })
  textHash: Buffer | null;

  @Column({ name: 'author_id', type: 'text' })
  authorId: string;

  @Column({ name: 'proposed_by_party_id', type: 'uuid', nullable: true })
  proposedByPartyId: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'valid_from', type: 'timestamptz', nullable: true })
  validFrom: Date | null;

  @Column({ name: 'valid_until', type: 'timestamptz', nullable: true })
  validUntil: Date | null;

  @Column({
    name: 'declared',
    type: 'jsonb',
    nullable: true,
    comment: 'kinds of credentials, storing parties and scopes as they stood when it was proposed',
  })
  declared: unknown;

  @Column({ name: 'authors', type: 'jsonb', default: () => "'[]'" })
  authors: unknown;

  @Column({ name: 'proposed_at', type: 'timestamptz', nullable: true })
  proposedAt: Date | null;

  @Column({ name: 'reattest_days', type: 'int', default: 365 })
  reattestDays: number;

  @Column({ name: 'fell_at', type: 'timestamptz', nullable: true })
  fellAt: Date | null;

  @Column({
    name: 'fell_because',
    type: 'jsonb',
    nullable: true,
    comment: 'the material changes that nobody has signed',
  })
  fellBecause: unknown;

  @Column({
    name: 'terms_hash',
    type: 'bytea',
    nullable: true,
    comment: 'of the terms that are signed with it; null: none are',
  })
  termsHash: Buffer | null;
}
