import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('IncidentCase', ['caseId', 'integrationId'], ['id', 'integrationId'], {
  name: 'case_credential_case_fk',
})
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'case_credential_use_fk',
})
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'case_credential_version_fk' })
@Entity({ name: 'case_credential' })
export class CaseCredential {
  @PrimaryColumn({ name: 'case_id', type: 'uuid', primaryKeyConstraintName: 'case_credential_pk' })
  caseId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'case_credential_pk' })
  versionId: string;

  @Column({ name: 'joined_at', type: 'timestamptz' })
  joinedAt: Date;
}
