import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'offering_target_state_known',
  `(state = ANY (ARRAY['queued'::text, 'proposed'::text, 'failed'::text]))`,
)
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'offering_target_matrix_fk',
})
@ForeignKey('OfferingVersion', ['proposedVersionId', 'offeringId'], ['id', 'offeringId'], {
  name: 'offering_target_proposed_fk',
})
@ForeignKey('OfferingVersion', ['wantedVersionId', 'offeringId'], ['id', 'offeringId'], {
  name: 'offering_target_wanted_fk',
})
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'offering_target_integration_fk' })
@ForeignKey('Offering', ['offeringId'], ['id'], { name: 'offering_target_offering_fk' })
@Unique('offering_target_integration', ['integrationId'])
@Index('offering_target_by_offering', ['offeringId', 'integrationId'])
@Entity({ name: 'offering_target' })
export class OfferingTarget {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'offering_target_pk' })
  id: string;

  @Column({ name: 'offering_id', type: 'uuid' })
  offeringId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'state', type: 'text', default: 'queued' })
  state: string;

  @Column({ name: 'wanted_version_id', type: 'uuid' })
  wantedVersionId: string;

  @Column({ name: 'proposed_version_id', type: 'uuid', nullable: true })
  proposedVersionId: string | null;

  @Column({ name: 'matrix_version_id', type: 'uuid', nullable: true })
  matrixVersionId: string | null;

  @Column({
    name: 'failure',
    type: 'jsonb',
    nullable: true,
    comment: 'why the last try came to nothing, and how to mend it',
  })
  failure: unknown;

  @Column({
    name: 'asked_by',
    type: 'jsonb',
    comment: 'the principal on whose behalf it is proposed',
  })
  askedBy: unknown;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'settled_at', type: 'timestamptz', nullable: true })
  settledAt: Date | null;

  @Column({ name: 'chased_at', type: 'timestamptz', nullable: true })
  chasedAt: Date | null;

  @Column({ name: 'chases', type: 'int', default: 0 })
  chases: number;
}
