import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'fingerprint_version_fk' },
)
@Index('fingerprint_by_digest', ['digest', 'scheme', 'keyId'])
@Entity({ name: 'fingerprint' })
export class Fingerprint {
  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'fingerprint_pk' })
  versionId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'part', type: 'text', default: 'value', primaryKeyConstraintName: 'fingerprint_pk' })
  part: string;

  @PrimaryColumn({ name: 'scheme', type: 'text', primaryKeyConstraintName: 'fingerprint_pk' })
  scheme: string;

  @PrimaryColumn({ name: 'key_id', type: 'text', primaryKeyConstraintName: 'fingerprint_pk' })
  keyId: string;

  @Column({ name: 'digest', type: 'bytea' })
  digest: Buffer;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
