import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('MassRevocation', ['massRevocationId'], ['id'], { name: 'mass_revocation_item_mass_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'mass_revocation_item_version_fk' },
)
@Index('mass_revocation_item_by_version', ['versionId'])
@Entity({ name: 'mass_revocation_item', comment: 'what was previewed is what is revoked' })
export class MassRevocationItem {
  @PrimaryColumn({
    name: 'mass_revocation_id',
    type: 'uuid',
    primaryKeyConstraintName: 'mass_revocation_item_pk',
  })
  massRevocationId: string;

  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'mass_revocation_item_pk' })
  versionId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'risk', type: 'int' })
  risk: number;

  @Column({
    name: 'started_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'when it was handed to the emergency revocation, or found dead',
  })
  startedAt: Date | null;
}
