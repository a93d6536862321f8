import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Party', ['partyId'], ['id'], { name: 'credential_holder_party_fk' })
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'credential_holder_use_fk',
})
@Index('credential_holder_by_party', ['partyId'])
@Entity({ name: 'credential_holder' })
export class CredentialHolder {
  @PrimaryColumn({ name: 'credential_id', type: 'uuid', primaryKeyConstraintName: 'credential_holder_pk' })
  credentialId: string;

  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'credential_holder_pk' })
  integrationId: string;

  @PrimaryColumn({ name: 'party_id', type: 'uuid', primaryKeyConstraintName: 'credential_holder_pk' })
  partyId: string;
}
