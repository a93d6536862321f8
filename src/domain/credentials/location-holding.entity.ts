import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Which version a copy came to hold, how and when: written once, in order. The newest is what it holds. */
@Check(
  'location_holding_shown_by_known',
  `(shown_by = ANY (ARRAY['record'::text, 'fingerprint'::text, 'store_api'::text]))`,
)
@ForeignKey('CredentialLocation', ['locationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'location_holding_location_fk',
})
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'location_holding_version_fk' })
@Index('location_holding_by_version', ['versionId', 'locationId'])
@Entity({ name: 'location_holding' })
export class LocationHolding {
  @PrimaryColumn({ name: 'location_id', type: 'uuid', primaryKeyConstraintName: 'location_holding_pk' })
  locationId: string;

  /** Order of writing. */
  @PrimaryColumn({
    name: 'seq',
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'location_holding_pk',
  })
  seq: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'arrived_by', type: 'text' })
  arrivedBy: string;

  @Column({ name: 'put_by', type: 'text', nullable: true })
  putBy: string | null;

  @Column({ name: 'put_at', type: 'timestamptz', nullable: true })
  putAt: Date | null;

  @Column({
    name: 'shown_by',
    type: 'text',
    comment: 'record: somebody wrote it down; otherwise what was seen there',
  })
  shownBy: string;

  @Column({ name: 'recorded_at', type: 'timestamptz' })
  recordedAt: Date;
}
