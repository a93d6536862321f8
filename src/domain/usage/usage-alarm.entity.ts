import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'usage_alarm_kind_known',
  `(kind = ANY (ARRAY['after_revocation'::text, 'burst'::text, 'refused_burst'::text]))`,
)
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'usage_alarm_version_fk' },
)
@Unique('usage_alarm_once', ['credentialId', 'kind'])
@Entity({ name: 'usage_alarm' })
export class UsageAlarm {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'usage_alarm_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'uses', type: 'bigint' })
  uses: string;

  @Column({ name: 'first_at', type: 'timestamptz' })
  firstAt: Date;

  @Column({ name: 'last_at', type: 'timestamptz' })
  lastAt: Date;

  @Column({
    name: 'raised_at',
    type: 'timestamptz',
    comment: 'when an exposure was last raised; what follows within a day only counts',
  })
  raisedAt: Date;

  @Column({
    name: 'filed_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'of that raise, once its exposure is filed',
  })
  filedAt: Date | null;
}
