import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('credential_system_basis_known', `(basis = ANY (ARRAY['entitled'::text, 'observed'::text]))`)
@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'credential_system_credential_fk',
})
@ForeignKey('ReachableSystem', ['systemId'], ['id'], { name: 'credential_system_system_fk' })
@Index('credential_system_by_system', ['systemId'])
@Entity({ name: 'credential_system' })
export class CredentialSystem {
  @PrimaryColumn({ name: 'credential_id', type: 'uuid', primaryKeyConstraintName: 'credential_system_pk' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'system_id', type: 'uuid', primaryKeyConstraintName: 'credential_system_pk' })
  systemId: string;

  @PrimaryColumn({ name: 'basis', type: 'text', primaryKeyConstraintName: 'credential_system_pk' })
  basis: string;

  @Column({ name: 'scope', type: 'text', default: '' })
  scope: string;

  @Column({ name: 'first_seen_at', type: 'timestamptz', nullable: true })
  firstSeenAt: Date | null;

  @Column({ name: 'last_seen_at', type: 'timestamptz', nullable: true })
  lastSeenAt: Date | null;
}
