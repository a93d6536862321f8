import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'matrix_row_duty_known',
  `(duty = ANY (ARRAY['admission'::text, 'issuance'::text, 'storage'::text, 'distribution'::text, 'scope_approval'::text, 'rotation'::text, 'monitoring'::text, 'revocation'::text, 'notification'::text, 'containment'::text, 'downstream_impact'::text, 'recovery'::text]))`,
)
@Check('matrix_row_window_positive', `(window_minutes > 0)`)
@Check('matrix_row_path_kind_known', `(path_kind = ANY (ARRAY['connector'::text, 'contact'::text]))`)
@ForeignKey('Party', ['accountablePartyId'], ['id'], { name: 'matrix_row_accountable_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'matrix_row_contact_fk' })
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'matrix_row_use_fk',
})
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_row_version_fk',
})
@Unique('matrix_row_id_integration', ['id', 'integrationId'])
@Unique('matrix_row_once', ['matrixVersionId', 'duty', 'part', 'credentialId'])
@Index('matrix_row_by_accountable', ['accountablePartyId', 'duty'])
@Entity({ name: 'matrix_row' })
export class MatrixRow {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'matrix_row_pk' })
  id: string;

  @Column({ name: 'matrix_version_id', type: 'uuid' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'duty', type: 'text' })
  duty: string;

  @Column({ name: 'part', type: 'text', default: '' })
  part: string;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'accountable_party_id', type: 'uuid' })
  accountablePartyId: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({
    name: 'window_minutes',
    type: 'int',
    nullable: true,
    comment: 'within how long the duty is done, in elapsed minutes; null: no window was agreed',
  })
  windowMinutes: number | null;

  @Column({ name: 'path_kind', type: 'text', nullable: true })
  pathKind: string | null;
}
