import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'version_death_dead_is_proven',
  `((liveness <> 'dead'::text) OR ((liveness_evidence_id IS NOT NULL) AND (control_evidence_id IS NOT NULL)))`,
)
@Check(
  'version_death_liveness_known',
  `(liveness = ANY (ARRAY['live'::text, 'dead'::text, 'indeterminate'::text]))`,
)
@Check(
  'version_death_revocation_known',
  `(revocation = ANY (ARRAY['none'::text, 'requested'::text, 'accepted'::text, 'rejected'::text]))`,
)
@Check(
  'version_death_sessions_known',
  `(sessions = ANY (ARRAY['unknown'::text, 'ended'::text, 'residual'::text, 'none'::text]))`,
)
@ForeignKey('Evidence', ['controlEvidenceId'], ['id'], { name: 'version_death_control_evidence_fk' })
@ForeignKey('Evidence', ['livenessEvidenceId'], ['id'], { name: 'version_death_liveness_evidence_fk' })
@ForeignKey('Evidence', ['revocationEvidenceId'], ['id'], { name: 'version_death_revocation_evidence_fk' })
@ForeignKey('Evidence', ['sessionsEvidenceId'], ['id'], { name: 'version_death_sessions_evidence_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'version_death_version_fk' },
)
@Index('version_death_values', { synchronize: false })
@Entity({ name: 'version_death' })
export class VersionDeath {
  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'version_death_pk' })
  versionId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'revocation', type: 'text', default: 'none' })
  revocation: string;

  @Column({ name: 'revocation_at', type: 'timestamptz', nullable: true })
  revocationAt: Date | null;

  @Column({ name: 'revocation_evidence_id', type: 'uuid', nullable: true })
  revocationEvidenceId: string | null;

  @Column({ name: 'liveness', type: 'text', nullable: true })
  liveness: string | null;

  @Column({ name: 'liveness_at', type: 'timestamptz', nullable: true })
  livenessAt: Date | null;

  @Column({
    name: 'dead_since',
    type: 'timestamptz',
    nullable: true,
    comment: 'its first proof of death since it was last seen otherwise; liveness_at is the latest look',
  })
  deadSince: Date | null;

  @Column({ name: 'liveness_evidence_id', type: 'uuid', nullable: true })
  livenessEvidenceId: string | null;

  @Column({ name: 'control_evidence_id', type: 'uuid', nullable: true })
  controlEvidenceId: string | null;

  @Column({ name: 'last_live_at', type: 'timestamptz', nullable: true })
  lastLiveAt: Date | null;

  @Column({ name: 'sessions', type: 'text', default: 'unknown' })
  sessions: string;

  @Column({ name: 'sessions_at', type: 'timestamptz', nullable: true })
  sessionsAt: Date | null;

  @Column({ name: 'sessions_until', type: 'timestamptz', nullable: true })
  sessionsUntil: Date | null;

  @Column({ name: 'sessions_evidence_id', type: 'uuid', nullable: true })
  sessionsEvidenceId: string | null;

  @Column({ name: 'own_authentication_failures', type: 'int', default: 0 })
  ownAuthenticationFailures: number;

  @Column({
    name: 'revoke_sent_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'when the last revoke left the house, its answer known or not',
  })
  revokeSentAt: Date | null;

  @Column({
    name: 'value_ref',
    type: 'text',
    nullable: true,
    comment: 'the value under test, kept until containment is verified or value_until has come',
  })
  valueRef: string | null;

  @Column({ name: 'value_until', type: 'timestamptz', nullable: true })
  valueUntil: Date | null;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
