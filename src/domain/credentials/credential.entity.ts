import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'credential_approval_has_time',
  `((authority <> 'approve_within'::text) OR (approve_within_minutes > 0))`,
)
@Check(
  'credential_authority_known',
  `(authority = ANY (ARRAY['revoke_now'::text, 'replace_first'::text, 'approve_within'::text]))`,
)
@Check('credential_direction_known', `(direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))`)
@Check('credential_otherwise_known', `(approve_otherwise = ANY (ARRAY['act'::text, 'escalate'::text]))`)
@Check(
  'credential_revocability_known',
  `(revocability = ANY (ARRAY['instant'::text, 'delayed'::text, 'expiry_only'::text, 'manual'::text, 'impossible'::text]))`,
)
@Check('credential_risk_range', `((risk >= 0) AND (risk <= 1000))`)
@Check('credential_rotation_positive', `(rotate_every_days > 0)`)
@ForeignKey('Party', ['beneficiaryPartyId'], ['id'], { name: 'credential_beneficiary_fk' })
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'credential_connection_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'credential_integration_fk' })
@ForeignKey('Party', ['issuerPartyId'], ['id'], { name: 'credential_issuer_fk' })
@ForeignKey('Contact', ['ownerContactId'], ['id'], { name: 'credential_owner_contact_fk' })
@ForeignKey('Party', ['verifierPartyId'], ['id'], { name: 'credential_verifier_fk' })
@Unique('credential_external_key', ['source', 'externalKey'])
@Unique('credential_id_integration', ['id', 'integrationId'])
@Unique('credential_reference', ['reference'])
@Index('credential_by_connection', { synchronize: false })
@Index('credential_by_integration', ['integrationId', 'id'])
@Index('credential_by_risk', { synchronize: false })
@Index('credential_by_verifier', ['verifierPartyId', 'id'])
@Index('credential_by_external_key', { synchronize: false })
@Entity({ name: 'credential' })
export class Credential {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'credential_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'environment', type: 'text', default: 'production' })
  environment: string;

  @Column({ name: 'purpose', type: 'text', default: '' })
  purpose: string;

  @Column({ name: 'direction', type: 'text', default: 'outbound' })
  direction: string;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({ name: 'issuer_party_id', type: 'uuid' })
  issuerPartyId: string;

  @Column({ name: 'verifier_party_id', type: 'uuid' })
  verifierPartyId: string;

  @Column({ name: 'beneficiary_party_id', type: 'uuid', nullable: true })
  beneficiaryPartyId: string | null;

  @Column({
    name: 'authority',
    type: 'text',
    nullable: true,
    comment: 'null: the default of the agreement in force',
  })
  authority: string | null;

  @Column({ name: 'approve_within_minutes', type: 'int', nullable: true })
  approveWithinMinutes: number | null;

  @Column({ name: 'approve_otherwise', type: 'text', nullable: true })
  approveOtherwise: string | null;

  @Column({ name: 'revocability', type: 'text', default: 'manual' })
  revocability: string;

  @Column({ name: 'connection_id', type: 'uuid', nullable: true })
  connectionId: string | null;

  @Column({ name: 'risk', type: 'int', default: 500, comment: 'the riskiest are revoked first' })
  risk: number;

  @Column({
    name: 'store',
    type: 'text',
    default: '',
    comment: 'where its owner keeps the value, in words; never the value',
  })
  store: string;

  @Column({ name: 'rotate_every_days', type: 'int', nullable: true })
  rotateEveryDays: number | null;

  @Column({
    name: 'last_used_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'as stated; usage events may know of a later use',
  })
  lastUsedAt: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
