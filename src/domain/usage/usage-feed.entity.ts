import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('usage_feed_clock_known', `(clock = ANY (ARRAY['unknown'::text, 'synchronised'::text]))`)
@Check('usage_feed_quiet_range', `((quiet_after_minutes >= 1) AND (quiet_after_minutes <= 525600))`)
@ForeignKey('Party', ['partyId'], ['id'], { name: 'usage_feed_party_fk' })
@Unique('usage_feed_once', ['key', 'partyId'])
@Entity({ name: 'usage_feed' })
export class UsageFeed {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'usage_feed_pk' })
  id: string;

  @Column({ name: 'key', type: 'text' })
  key: string;

  @Column({ name: 'reported_by', type: 'text' })
  reportedBy: string;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({ name: 'clock', type: 'text', default: 'unknown' })
  clock: string;

  @Column({ name: 'quiet_after_minutes', type: 'int', default: 1440 })
  quietAfterMinutes: number;

  @Column({
    name: 'ahead_ms',
    type: 'int',
    default: 0,
    comment: 'how far its events were ahead of our clock at most',
  })
  aheadMs: number;

  @Column({ name: 'first_received_at', type: 'timestamptz' })
  firstReceivedAt: Date;

  @Column({ name: 'last_received_at', type: 'timestamptz' })
  lastReceivedAt: Date;
}
