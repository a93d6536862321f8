import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'matrix_draft_row_duty_known',
  `(duty = ANY (ARRAY['admission'::text, 'issuance'::text, 'storage'::text, 'distribution'::text, 'scope_approval'::text, 'rotation'::text, 'monitoring'::text, 'revocation'::text, 'notification'::text, 'containment'::text, 'downstream_impact'::text, 'recovery'::text]))`,
)
@Check('matrix_draft_row_window_positive', `(window_minutes > 0)`)
@Check('matrix_draft_row_path_kind_known', `(path_kind = ANY (ARRAY['connector'::text, 'contact'::text]))`)
@ForeignKey('MatrixDraft', ['integrationId'], ['integrationId'], {
  name: 'matrix_draft_row_draft_fk',
  onDelete: 'CASCADE',
})
@ForeignKey('Party', ['accountablePartyId'], ['id'], { name: 'matrix_draft_row_accountable_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'matrix_draft_row_contact_fk' })
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'matrix_draft_row_use_fk',
})
@Unique('matrix_draft_row_once', ['integrationId', 'duty', 'part', 'credentialId'])
@Entity({ name: 'matrix_draft_row' })
export class MatrixDraftRow {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'matrix_draft_row_pk' })
  id: string;

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

  @Column({ name: 'performing', type: 'uuid', array: true })
  performing: string[];

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'window_minutes', type: 'int', nullable: true })
  windowMinutes: number | null;

  @Column({ name: 'path_kind', type: 'text', nullable: true })
  pathKind: string | null;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({ name: 'changed_in', type: 'int' })
  changedIn: number;

  @Column({ name: 'changed_by', type: 'text' })
  changedBy: string;

  @Column({
    name: 'gone',
    type: 'boolean',
    default: false,
    comment: 'removed in changed_in; kept so that whoever edits a stale draft is told',
  })
  gone: boolean;
}
