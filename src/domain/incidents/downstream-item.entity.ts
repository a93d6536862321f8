import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** What an exposed credential reached in one system: work with an owner and an end. */
@Check(
  'downstream_item_kind_known',
  `(kind = ANY (ARRAY['reads'::text, 'bad_writes'::text, 'rate_limit_exhaustion'::text, 'webhook_floods'::text, 'poisoned_workflows'::text]))`,
)
@Check(
  'downstream_item_basis_known',
  `(basis = ANY (ARRAY['entitled'::text, 'observed'::text, 'copy'::text]))`,
)
@Check('downstream_item_state_known', `(state = ANY (ARRAY['open'::text, 'done'::text, 'not_doing'::text]))`)
@Check(
  'downstream_item_settled_whole',
  `(((state = 'open'::text) = (settled_at IS NULL)) AND ((state = 'open'::text) OR (note <> ''::text)))`,
)
@ForeignKey('IncidentCase', ['caseId'], ['id'], { name: 'downstream_item_case_fk' })
@ForeignKey('Credential', ['credentialId'], ['id'], { name: 'downstream_item_credential_fk' })
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'downstream_item_incident_fk' })
@ForeignKey('Contact', ['ownerContactId'], ['id'], { name: 'downstream_item_owner_contact_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'downstream_item_party_fk' })
@ForeignKey('ReachableSystem', ['systemId'], ['id'], { name: 'downstream_item_system_fk' })
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'downstream_item_version_fk' })
@Unique('downstream_item_once', ['incidentId', 'versionId', 'systemId', 'kind'])
@Index('downstream_item_open', { synchronize: false })
@Index('downstream_item_by_party', ['partyId', 'dueAt'])
@Entity({ name: 'downstream_item' })
export class DownstreamItem {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'downstream_item_pk' })
  id: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'case_id', type: 'uuid', nullable: true })
  caseId: string | null;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'system_id', type: 'uuid' })
  systemId: string;

  @Column({
    name: 'system_name',
    type: 'text',
    comment: 'for its owner, who may see no other system',
  })
  systemName: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'basis', type: 'text' })
  basis: string;

  @Column({ name: 'why', type: 'text' })
  why: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({ name: 'due_at', type: 'timestamptz' })
  dueAt: Date;

  @Column({ name: 'state', type: 'text', default: 'open' })
  state: string;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({ name: 'settled_by', type: 'text', nullable: true })
  settledBy: string | null;

  @Column({ name: 'settled_at', type: 'timestamptz', nullable: true })
  settledAt: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
