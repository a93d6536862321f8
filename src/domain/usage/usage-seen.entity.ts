import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'usage_seen_version_fk' },
)
@Index('usage_seen_by_credential', ['credentialId'])
@Entity({ name: 'usage_seen' })
export class UsageSeen {
  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'usage_seen_pk' })
  versionId: string;

  @PrimaryColumn({
    name: 'location_id',
    type: 'uuid',
    primaryKeyConstraintName: 'usage_seen_pk',
    comment: 'zeros: no location on record was told',
  })
  locationId: string;

  @PrimaryColumn({
    name: 'feed_key',
    type: 'uuid',
    primaryKeyConstraintName: 'usage_seen_pk',
    comment: 'the feed; zeros: before feeds had names',
  })
  feedKey: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'first_at', type: 'timestamptz' })
  firstAt: Date;

  @Column({ name: 'last_at', type: 'timestamptz' })
  lastAt: Date;

  @Column({ name: 'last_accepted_at', type: 'timestamptz', nullable: true })
  lastAcceptedAt: Date | null;

  @Column({ name: 'last_actor', type: 'text', nullable: true })
  lastActor: string | null;

  @Column({ name: 'last_environment', type: 'text', nullable: true })
  lastEnvironment: string | null;

  @Column({ name: 'uses', type: 'bigint' })
  uses: string;
}
