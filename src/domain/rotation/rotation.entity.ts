import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('rotation_made_by_known', `(made_by = ANY (ARRAY['machine'::text, 'person'::text]))`)
@Check('rotation_old_fate_known', `(old_fate = ANY (ARRAY['stays'::text, 'dies'::text]))`)
@Check(
  'rotation_state_known',
  `(state = ANY (ARRAY['planned'::text, 'creating'::text, 'stored'::text, 'propagating'::text, 'validating'::text, 'overlap'::text, 'revoking'::text, 'proven'::text, 'done'::text, 'rolling_back'::text, 'rolled_back'::text, 'stopped'::text, 'failed'::text]))`,
)
@Check('rotation_validated_how_known', `(validated_how = ANY (ARRAY['probe'::text, 'statement'::text]))`)
@Check('rotation_old_end_known', `(old_end = ANY (ARRAY['proven_dead'::text, 'stated'::text]))`)
@Check(
  'rotation_closed_has_time',
  `(state IN ('done', 'rolled_back', 'stopped', 'failed')) = (closed_at IS NOT NULL)`,
)
@Check('rotation_versions_differ', `new_version_id <> old_version_id`)
@Check('rotation_overlap_ends', `state <> 'overlap' OR overlap_until IS NOT NULL`)
@Check(
  'rotation_revokes_what_is_replaced',
  `state NOT IN ('revoking', 'proven', 'done') OR (new_version_id IS NOT NULL AND validated_at IS NOT NULL)`,
)
@Check('rotation_done_is_shown', `state <> 'done' OR old_end IS NOT NULL`)
@Check('rotation_overlap_bounded', `overlap_seconds BETWEEN 0 AND overlap_most_seconds`)
@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'rotation_credential_fk',
})
@ForeignKey(
  'CredentialVersion',
  ['oldVersionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'rotation_old_version_fk' },
)
@ForeignKey(
  'CredentialVersion',
  ['newVersionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'rotation_new_version_fk' },
)
@Unique('rotation_reference', ['reference'])
@Unique('rotation_id_integration', ['id', 'integrationId'])
@Index('rotation_one_open', { synchronize: false })
@Index('rotation_by_credential', ['credentialId', 'openedAt'])
@Index('rotation_by_integration', ['integrationId', 'openedAt'])
@Index('rotation_by_run', ['runId'])
@Entity({
  name: 'rotation',
  comment: 'one open rotation per credential; the old version ends only after the new one was seen to work',
})
export class Rotation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'rotation_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'old_version_id', type: 'uuid' })
  oldVersionId: string;

  @Column({ name: 'new_version_id', type: 'uuid', nullable: true })
  newVersionId: string | null;

  @Column({ name: 'recipe', type: 'text' })
  recipe: string;

  @Column({ name: 'made_by', type: 'text' })
  madeBy: string;

  @Column({ name: 'old_fate', type: 'text' })
  oldFate: string;

  @Column({ name: 'state', type: 'text', default: 'planned' })
  state: string;

  @Column({ name: 'run_id', type: 'uuid', nullable: true })
  runId: string | null;

  @Column({ name: 'roll_back_run_id', type: 'uuid', nullable: true })
  rollBackRunId: string | null;

  @Column({ name: 'emergency', type: 'boolean', default: false })
  emergency: boolean;

  @Column({ name: 'overlap_seconds', type: 'int' })
  overlapSeconds: number;

  @Column({ name: 'overlap_most_seconds', type: 'int' })
  overlapMostSeconds: number;

  @Column({ name: 'overlap_until', type: 'timestamptz', nullable: true })
  overlapUntil: Date | null;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'why', type: 'text', default: '' })
  why: string;

  @Column({ name: 'opened_at', type: 'timestamptz' })
  openedAt: Date;

  @Column({ name: 'stored_at', type: 'timestamptz', nullable: true })
  storedAt: Date | null;

  @Column({ name: 'validated_at', type: 'timestamptz', nullable: true })
  validatedAt: Date | null;

  @Column({ name: 'validated_how', type: 'text', nullable: true })
  validatedHow: string | null;

  @Column({ name: 'revoking_at', type: 'timestamptz', nullable: true })
  revokingAt: Date | null;

  @Column({
    name: 'old_end',
    type: 'text',
    nullable: true,
    comment: 'null: nobody has shown that the old version is dead',
  })
  oldEnd: string | null;

  @Column({ name: 'old_ended_at', type: 'timestamptz', nullable: true })
  oldEndedAt: Date | null;

  @Column({ name: 'closed_at', type: 'timestamptz', nullable: true })
  closedAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
