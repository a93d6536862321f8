import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Credential', ['credentialId'], ['id'], { name: 'credential_use_credential_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'credential_use_integration_fk' })
@Index('credential_use_by_integration', ['integrationId', 'credentialId'])
@Entity({
  name: 'credential_use',
  comment: 'one row per integration that uses the credential, its home included',
})
export class CredentialUse {
  @PrimaryColumn({ name: 'credential_id', type: 'uuid', primaryKeyConstraintName: 'credential_use_pk' })
  credentialId: string;

  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'credential_use_pk' })
  integrationId: string;

  @Column({ name: 'label', type: 'text' })
  label: string;

  @Column({ name: 'purpose', type: 'text', default: '' })
  purpose: string;

  @Column({ name: 'since', type: 'timestamptz' })
  since: Date;
}
