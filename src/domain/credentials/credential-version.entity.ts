import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'credential_version_phase_known',
  `(phase = ANY (ARRAY['pending'::text, 'active'::text, 'overlap'::text, 'retired'::text]))`,
)
@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'credential_version_credential_fk',
})
@Unique('credential_version_id_credential', ['id', 'credentialId', 'integrationId'])
@Unique('credential_version_number', ['credentialId', 'number'])
@Index('credential_version_by_supplier_id', { synchronize: false })
@Index('credential_version_one_active', { synchronize: false })
@Entity({ name: 'credential_version' })
export class CredentialVersion {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'credential_version_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'supplier_id', type: 'text', nullable: true })
  supplierId: string | null;

  @Column({ name: 'issued_at', type: 'timestamptz', nullable: true })
  issuedAt: Date | null;

  @Column({ name: 'issued_by', type: 'text', nullable: true })
  issuedBy: string | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  @Column({
    name: 'store_ref',
    type: 'text',
    nullable: true,
    comment: 'where the value is kept, if we keep it; never the value',
  })
  storeRef: string | null;

  @Column({ name: 'phase', type: 'text', default: 'active' })
  phase: string;

  @Column({ name: 'activated_at', type: 'timestamptz', nullable: true })
  activatedAt: Date | null;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
