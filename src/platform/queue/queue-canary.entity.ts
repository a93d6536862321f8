import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ name: 'queue_canary' })
export class QueueCanary {
  @PrimaryColumn({ name: 'queue', type: 'text', primaryKeyConstraintName: 'queue_canary_pkey' })
  queue: string;

  @Column({ name: 'seen_at', type: 'timestamptz' })
  seenAt: Date;
}
