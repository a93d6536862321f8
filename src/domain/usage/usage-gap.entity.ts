import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('UsageFeed', ['feedId'], ['id'], { name: 'usage_gap_feed_fk' })
@Entity({ name: 'usage_gap', comment: 'when a feed said nothing for longer than it may' })
export class UsageGap {
  @PrimaryColumn({ name: 'feed_id', type: 'uuid', primaryKeyConstraintName: 'usage_gap_pk' })
  feedId: string;

  @PrimaryColumn({ name: 'from_at', type: 'timestamptz', primaryKeyConstraintName: 'usage_gap_pk' })
  fromAt: Date;

  @Column({ name: 'until_at', type: 'timestamptz' })
  untilAt: Date;
}
