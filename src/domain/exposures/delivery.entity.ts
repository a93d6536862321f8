import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'delivery_outcome_known',
  `(outcome = ANY (ARRAY['accepted'::text, 'acknowledged'::text, 'repeated'::text]))`,
)
@Check('delivery_via_known', `(via = ANY (ARRAY['push'::text, 'poll'::text, 'file'::text]))`)
@ForeignKey('ExposureSource', ['sourceId'], ['id'], { name: 'delivery_source_fk' })
@Unique('delivery_once_by_id', ['sourceId', 'deliveryId'])
@Index('delivery_by_source', { synchronize: false })
@Index('delivery_by_time', { synchronize: false })
@Index('delivery_once_by_content', { synchronize: false })
@Entity({ name: 'delivery' })
export class Delivery {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'delivery_pk' })
  id: string;

  @Column({ name: 'source_id', type: 'uuid' })
  sourceId: string;

  @Column({ name: 'delivery_id', type: 'text' })
  deliveryId: string;

  @Column({ name: 'content_key', type: 'text' })
  contentKey: string;

  @Column({ name: 'body_hash', type: 'bytea' })
  bodyHash: Buffer;

  @Column({ name: 'size', type: 'int' })
  size: number;

  @Column({ name: 'event', type: 'text' })
  event: string;

  @Column({ name: 'reports', type: 'int', default: 0 })
  reports: number;

  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  @Column({ name: 'reason', type: 'text', default: '' })
  reason: string;

  @Column({ name: 'redeliveries', type: 'int', default: 0 })
  redeliveries: number;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'received_at', type: 'timestamptz' })
  receivedAt: Date;

  @Column({ name: 'via', type: 'text', default: 'push' })
  via: string;

  @Column({ name: 'replays', type: 'int', default: 0 })
  replays: number;

  @Column({ name: 'replayed_at', type: 'timestamptz', nullable: true })
  replayedAt: Date | null;
}
