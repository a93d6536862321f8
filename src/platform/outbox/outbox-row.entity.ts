import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Check(
  'outbox_queue_check',
  `(queue = ANY (ARRAY['engine'::text, 'notices'::text, 'intake'::text, 'housekeeping'::text]))`,
)
@Index('outbox_done', { synchronize: false })
@Index('outbox_due', { synchronize: false })
@Index('outbox_failed', { synchronize: false })
@Index('outbox_key', { synchronize: false })
@Entity({ name: 'outbox' })
export class OutboxRow {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'outbox_pkey' })
  id: string;

  @Column({ name: 'job', type: 'text' })
  job: string;

  @Column({ name: 'queue', type: 'text' })
  queue: string;

  @Column({ name: 'payload', type: 'jsonb' })
  payload: unknown;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'key', type: 'text', nullable: true })
  key: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'due_at', type: 'timestamptz' })
  dueAt: Date;

  @Column({ name: 'again_at', type: 'timestamptz', nullable: true })
  againAt: Date | null;

  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  @Column({ name: 'relays', type: 'int', default: 0 })
  relays: number;

  @Column({ name: 'relayed_at', type: 'timestamptz', nullable: true })
  relayedAt: Date | null;

  @Column({ name: 'lease_until', type: 'timestamptz', nullable: true })
  leaseUntil: Date | null;

  @Column({ name: 'fence', type: 'int', default: 0 })
  fence: number;

  @Column({
    name: 'deaths',
    type: 'int',
    default: 0,
    comment: 'how often its holder let the lease lapse, since it was last finished or revived',
  })
  deaths: number;

  @Column({ name: 'done_at', type: 'timestamptz', nullable: true })
  doneAt: Date | null;

  @Column({ name: 'failed_at', type: 'timestamptz', nullable: true })
  failedAt: Date | null;

  @Column({ name: 'last_error', type: 'text', nullable: true })
  lastError: string | null;
}
