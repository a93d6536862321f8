import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** Something that failed after a revocation, as monitoring or a person told it. What kind of failure it is, is worked out when it is read. */
@Check(
  'failure_report_failure_known',
  `(failure = ANY (ARRAY['dns'::text, 'connect'::text, 'tls'::text, 'timeout'::text, 'protocol'::text]))`,
)
@Check(
  'failure_report_fallback_known',
  `(fallback = ANY (ARRAY['triggered'::text, 'not_triggered'::text, 'none'::text, 'unknown'::text]))`,
)
@Check('failure_report_actors_whole', `((actors >= actors_failing) AND (actors_failing >= 0))`)
@ForeignKey('Credential', ['credentialId'], ['id'], { name: 'failure_report_credential_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'failure_report_integration_fk' })
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'failure_report_version_fk' })
@Unique('failure_report_external_key', ['externalKey'])
@Index('failure_report_by_credential', { synchronize: false })
@Index('failure_report_by_integration', ['integrationId', 'at'])
@Entity({ name: 'failure_report' })
export class FailureReport {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'failure_report_pk' })
  id: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'version_id', type: 'uuid', nullable: true })
  versionId: string | null;

  @Column({ name: 'consumer', type: 'text' })
  consumer: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'status', type: 'int', nullable: true })
  status: number | null;

  @Column({ name: 'failure', type: 'text', nullable: true })
  failure: string | null;

  @Column({ name: 'actors', type: 'int', nullable: true })
  actors: number | null;

  @Column({ name: 'actors_failing', type: 'int', nullable: true })
  actorsFailing: number | null;

  @Column({ name: 'fallback', type: 'text' })
  fallback: string;

  @Column({ name: 'fallback_note', type: 'text', default: '' })
  fallbackNote: string;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({ name: 'reported_by', type: 'text' })
  reportedBy: string;

  @Column({ name: 'recorded_at', type: 'timestamptz' })
  recordedAt: Date;
}
