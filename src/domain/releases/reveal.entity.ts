import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** One value that was shown to one person, once. Never the value. */
@Check('reveal_permitted', `break_glass OR (permission_id IS NOT NULL AND skipped = '{}')`)
@ForeignKey('TemporaryPermission', ['permissionId'], ['id'], { name: 'reveal_permission_fk' })
@ForeignKey('Person', ['personId'], ['id'], { name: 'reveal_person_fk' })
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'reveal_user_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'reveal_version_fk' },
)
@Unique('reveal_key', ['key'])
@Unique('reveal_reference', ['reference'])
@Index('reveal_by_credential', ['credentialId', 'at'])
@Index('reveal_by_person', ['personId', 'at'])
@Entity({ name: 'reveal' })
export class Reveal {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'reveal_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({
    name: 'key',
    type: 'uuid',
    comment: 'of the form that it came from: a form that is sent again shows nothing again',
  })
  key: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId: string;

  @Column({ name: 'permission_id', type: 'uuid', nullable: true })
  permissionId: string | null;

  @Column({ name: 'break_glass', type: 'boolean' })
  breakGlass: boolean;

  @Column({
    name: 'skipped',
    type: 'text',
    array: true,
    default: () => `'{}'`,
    comment: 'what stood against it and was passed over',
  })
  skipped: string[];

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'told', type: 'int' })
  told: number;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'hidden_at', type: 'timestamptz' })
  hiddenAt: Date;
}
