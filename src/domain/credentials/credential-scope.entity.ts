import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'credential_scope_credential_fk',
})
@Unique('credential_scope_once', ['credentialId', 'name'])
@Entity({ name: 'credential_scope' })
export class CredentialScope {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'credential_scope_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'description', type: 'text', default: '' })
  description: string;

  @Column({ name: 'justification', type: 'text', default: '' })
  justification: string;
}
