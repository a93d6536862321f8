import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'usage_event_version_fk' },
)
@Check('usage_event_outcome_known', `(outcome = ANY (ARRAY['accepted'::text, 'refused'::text]))`)
@ForeignKey('UsageFeed', ['feedId'], ['id'], { name: 'usage_event_feed_fk' })
@Index('usage_event_once', ['feedId', 'eventId'], { unique: true })
@Index('usage_event_by_version', ['versionId', 'at'])
@Index('usage_event_by_time', ['at'])
@Entity({ name: 'usage_event' })
export class UsageEvent {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'usage_event_pk' })
  id: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'location_id', type: 'uuid', nullable: true })
  locationId: string | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  @Column({ name: 'actor', type: 'text', nullable: true })
  actor: string | null;

  @Column({ name: 'environment', type: 'text', nullable: true })
  environment: string | null;

  @Column({ name: 'reported_by', type: 'text' })
  reportedBy: string;

  @Column({ name: 'feed_id', type: 'uuid', nullable: true })
  feedId: string | null;

  @Column({ name: 'event_id', type: 'text', nullable: true, comment: 'as its feed names it' })
  eventId: string | null;

  @Column({
    name: 'location_key',
    type: 'text',
    nullable: true,
    comment: 'what the feed said where that is no location on record',
  })
  locationKey: string | null;

  @Column({
    name: 'address_pseudonym',
    type: 'bytea',
    nullable: true,
    comment: 'keyed hash of the source address: equal addresses are seen to be equal, none can be read',
  })
  addressPseudonym: Buffer | null;

  @Column({ name: 'received_at', type: 'timestamptz', nullable: true })
  receivedAt: Date | null;
}
