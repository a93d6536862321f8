import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'incident_credential_authority_known',
  `(authority = ANY (ARRAY['revoke_now'::text, 'replace_first'::text, 'approve_within'::text]))`,
)
@Check('incident_credential_match_known', `(match = ANY (ARRAY['value'::text, 'metadata'::text]))`)
@Check(
  'incident_credential_may_act_known',
  `(may_act = ANY (ARRAY['act'::text, 'approve'::text, 'replace_first'::text, 'person'::text]))`,
)
@Check(
  'incident_credential_trust_known',
  `(source_trust = ANY (ARRAY['act'::text, 'approve'::text, 'inform'::text]))`,
)
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'incident_credential_incident_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'incident_credential_version_fk' },
)
@Index('incident_credential_by_batch', ['batchId'])
@Index('incident_credential_by_exposure_batch', { synchronize: false })
@Index('incident_credential_by_credential', ['credentialId'])
@Index('incident_credential_one_open', { synchronize: false })
@Entity({ name: 'incident_credential' })
export class IncidentCredential {
  @PrimaryColumn({ name: 'incident_id', type: 'uuid', primaryKeyConstraintName: 'incident_credential_pk' })
  incidentId: string;

  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'incident_credential_pk' })
  versionId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'batch_id', type: 'uuid', comment: 'what joined together runs together' })
  batchId: string;

  @Column({ name: 'run_id', type: 'uuid', nullable: true })
  runId: string | null;

  @Column({ name: 'match', type: 'text' })
  match: string;

  @Column({ name: 'authority', type: 'text', comment: 'frozen from the agreement in force at awareness' })
  authority: string;

  @Column({ name: 'approve_within_minutes', type: 'int', nullable: true })
  approveWithinMinutes: number | null;

  @Column({ name: 'approve_otherwise', type: 'text', nullable: true })
  approveOtherwise: string | null;

  @Column({ name: 'may_act', type: 'text' })
  mayAct: string;

  @Column({ name: 'source_trust', type: 'text' })
  sourceTrust: string;

  @Column({ name: 'why', type: 'text' })
  why: string;

  @Column({ name: 'joined_at', type: 'timestamptz' })
  joinedAt: Date;

  @Column({ name: 'open', type: 'boolean', default: true })
  open: boolean;

  @Column({
    name: 'exposure_batch_id',
    type: 'uuid',
    nullable: true,
    comment: 'the large delivery that it came with',
  })
  exposureBatchId: string | null;

  @Column({
    name: 'portion',
    type: 'int',
    default: 0,
    comment: 'the order in which the credentials of one batch joined',
  })
  portion: number;
}
