import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'known_actor_credential_fk',
})
@Entity({ name: 'known_actor' })
export class KnownActor {
  @PrimaryColumn({ name: 'credential_id', type: 'uuid', primaryKeyConstraintName: 'known_actor_pk' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'actor', type: 'text', primaryKeyConstraintName: 'known_actor_pk' })
  actor: string;

  @Column({ name: 'declared_by', type: 'text' })
  declaredBy: string;

  @Column({ name: 'declared_at', type: 'timestamptz' })
  declaredAt: Date;
}
