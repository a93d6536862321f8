import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'rotation_issue_state_known',
  `(state = ANY (ARRAY['asked'::text, 'issued'::text, 'nothing'::text, 'rejected'::text, 'unknown'::text, 'orphaned'::text, 'gone'::text, 'superseded'::text]))`,
)
@ForeignKey('Rotation', ['rotationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'rotation_issue_rotation_fk',
})
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'rotation_issue_connection_fk' })
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'rotation_issue_version_fk' })
@Unique('rotation_issue_number', ['rotationId', 'number'])
@Unique('rotation_issue_label', ['label'])
@Index('rotation_issue_one_asked', { synchronize: false })
@Entity({
  name: 'rotation_issue',
  comment:
    'each request for a new version, written before the call; a lost answer is settled by looking, never by asking again',
})
export class RotationIssue {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'rotation_issue_pk' })
  id: string;

  @Column({ name: 'rotation_id', type: 'uuid' })
  rotationId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'connection_id', type: 'uuid' })
  connectionId: string;

  @Column({ name: 'label', type: 'text' })
  label: string;

  @Column({ name: 'state', type: 'text', default: 'asked' })
  state: string;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'settled_at', type: 'timestamptz', nullable: true })
  settledAt: Date | null;

  @Column({ name: 'version_id', type: 'uuid', nullable: true })
  versionId: string | null;

  @Column({ name: 'supplier_id', type: 'text', nullable: true })
  supplierId: string | null;

  @Column({ name: 'why', type: 'text', default: '' })
  why: string;
}
