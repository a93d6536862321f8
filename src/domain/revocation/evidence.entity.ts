import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'evidence_kind_known',
  `(kind = ANY (ARRAY['revoke'::text, 'probe'::text, 'control'::text, 'own_authentication'::text, 'sessions'::text, 'location'::text, 'statement'::text, 'clear_away'::text]))`,
)
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'evidence_connection_fk' })
@ForeignKey('CredentialLocation', ['locationId'], ['id'], { name: 'evidence_location_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'evidence_version_fk' },
)
@Unique('evidence_once', ['idempotencyKey', 'kind', 'attempt'])
@Index('evidence_of_controls', { synchronize: false })
@Index('evidence_by_version', ['versionId', 'startedAt'])
@Entity({ name: 'evidence' })
export class Evidence {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'evidence_pk' })
  id: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'location_id', type: 'uuid', nullable: true })
  locationId: string | null;

  @Column({ name: 'step_id', type: 'uuid', nullable: true })
  stepId: string | null;

  @Column({ name: 'idempotency_key', type: 'text' })
  idempotencyKey: string;

  @Column({ name: 'attempt', type: 'int' })
  attempt: number;

  @Column({ name: 'connection_id', type: 'uuid', nullable: true })
  connectionId: string | null;

  @Column({
    name: 'path',
    type: 'text',
    default: '',
    comment: 'which way and authentication were used; sightings vouch for each other only on one path',
  })
  path: string;

  @Column({ name: 'asked', type: 'text' })
  asked: string;

  @Column({ name: 'status', type: 'int', nullable: true })
  status: number | null;

  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  @Column({ name: 'why', type: 'text', default: '' })
  why: string;

  @Column({ name: 'extract', type: 'text', default: '' })
  extract: string;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz' })
  endedAt: Date;
}
