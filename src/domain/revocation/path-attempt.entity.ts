import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('path_attempt_kind_known', `(kind = ANY (ARRAY['connector'::text, 'contact'::text]))`)
@Check(
  'path_attempt_one_way',
  `(((kind = 'connector'::text) = (connection_id IS NOT NULL)) AND ((kind = 'contact'::text) = (contact_id IS NOT NULL)))`,
)
@Check(
  'path_attempt_state_known',
  `(state = ANY (ARRAY['trying'::text, 'asked'::text, 'gave_up'::text, 'accepted'::text]))`,
)
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'path_attempt_connection_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'path_attempt_contact_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'path_attempt_version_fk' },
)
@Index('path_attempt_by_credential', ['credentialId', 'beganAt'])
@Unique('path_attempt_order', ['versionId', 'family', 'number'])
@Entity({ name: 'path_attempt' })
export class PathAttempt {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'path_attempt_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({
    name: 'family',
    type: 'text',
    comment: 'the idempotency key under which the paths are tried, one after another',
  })
  family: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'connection_id', type: 'uuid', nullable: true })
  connectionId: string | null;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'state', type: 'text' })
  state: string;

  @Column({ name: 'reason', type: 'text', default: '' })
  reason: string;

  @Column({ name: 'began_at', type: 'timestamptz' })
  beganAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
