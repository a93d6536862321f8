import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('revocation_path_kind_known', `(kind = ANY (ARRAY['connector'::text, 'contact'::text]))`)
@Check(
  'revocation_path_one_way',
  `(((kind = 'connector'::text) = (connection_id IS NOT NULL)) AND ((kind = 'contact'::text) = (contact_id IS NOT NULL)))`,
)
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'revocation_path_connection_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'revocation_path_contact_fk' })
@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'revocation_path_credential_fk',
})
@ForeignKey('Party', ['partyId'], ['id'], { name: 'revocation_path_party_fk' })
@Unique('revocation_path_order', ['credentialId', 'ordinal'])
@Index('revocation_path_by_connection', { synchronize: false })
@Entity({ name: 'revocation_path' })
export class RevocationPath {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'revocation_path_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'ordinal', type: 'int' })
  ordinal: number;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'connection_id', type: 'uuid', nullable: true })
  connectionId: string | null;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'expected_minutes', type: 'int', nullable: true })
  expectedMinutes: number | null;

  @Column({ name: 'proven_at', type: 'timestamptz', nullable: true })
  provenAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
