import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** How many deliveries of a source were turned away in a day, and why. It outlives the single rows. */
@Check(
  'refused_delivery_count_why_known',
  `(why = ANY (ARRAY['unknown-source'::text, 'no-key'::text, 'not-signed'::text, 'stale'::text, 'switched-off'::text, 'over-quota'::text, 'too-large'::text, 'unreadable'::text, 'conflicting'::text]))`,
)
@ForeignKey('ExposureSource', ['sourceId'], ['id'], { name: 'refused_delivery_count_source_fk' })
@Unique('refused_delivery_count_once', ['sourceId', 'why', 'day'])
@Entity({ name: 'refused_delivery_count' })
export class RefusedDeliveryCount {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'refused_delivery_count_pk' })
  id: string;

  @Column({ name: 'source_id', type: 'uuid', nullable: true })
  sourceId: string | null;

  @Column({ name: 'why', type: 'text' })
  why: string;

  @Column({ name: 'day', type: 'date', comment: 'in UTC' })
  day: string;

  @Column({ name: 'count', type: 'bigint' })
  count: string;

  @Column({ name: 'last_at', type: 'timestamptz' })
  lastAt: Date;
}
