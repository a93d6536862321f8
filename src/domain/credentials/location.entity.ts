import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'location_arrived_by_known',
  `(arrived_by = ANY (ARRAY['stored'::text, 'brokered'::text, 'injected'::text, 'cached'::text, 'forwarded'::text, 'leaked'::text]))`,
)
@Check(
  'location_kind_known',
  `(kind = ANY (ARRAY['vault'::text, 'cluster_secret'::text, 'ci_variable'::text, 'env_file'::text, 'config_file'::text, 'log'::text, 'browser_storage'::text, 'developer_tool'::text, 'laptop'::text, 'source'::text, 'build_artefact'::text, 'support_export'::text, 'screenshot'::text, 'legacy_middleware'::text, 'long_running_job'::text]))`,
)
@Check(
  'location_provable_known',
  `(provable = ANY (ARRAY['owner_statement'::text, 'scan'::text, 'fingerprint'::text, 'store_api'::text, 'no'::text]))`,
)
@ForeignKey('Contact', ['ownerContactId'], ['id'], { name: 'location_owner_contact_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'location_party_fk' })
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'location_use_fk',
})
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'location_version_fk' })
@Unique('location_external_key', ['source', 'externalKey'])
@Unique('location_id_integration', ['id', 'integrationId'])
@Index('location_by_credential', ['credentialId', 'id'])
@Index('location_by_integration', ['integrationId', 'id'])
@Index('location_by_party', ['partyId', 'id'])
@Entity({ name: 'location' })
export class CredentialLocation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'location_pk' })
  id: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid', nullable: true })
  versionId: string | null;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'path', type: 'text', default: '' })
  path: string;

  @Column({ name: 'arrived_by', type: 'text', default: 'stored' })
  arrivedBy: string;

  @Column({ name: 'put_by', type: 'text', nullable: true })
  putBy: string | null;

  @Column({ name: 'put_at', type: 'timestamptz', nullable: true })
  putAt: Date | null;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({
    name: 'owner_named_by',
    type: 'text',
    nullable: true,
    comment: 'whose hand named the owner; null: an import, or from before it was kept',
  })
  ownerNamedBy: string | null;

  @Column({ name: 'provable', type: 'text', default: 'owner_statement' })
  provable: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
