import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Index('idempotency_key_expires', ['expiresAt'])
@Entity({ name: 'idempotency_key' })
export class IdempotencyKey {
  @PrimaryColumn({ name: 'principal', type: 'text', primaryKeyConstraintName: 'idempotency_key_pkey' })
  principal: string;

  @PrimaryColumn({ name: 'key', type: 'text', primaryKeyConstraintName: 'idempotency_key_pkey' })
  key: string;

  @Column({ name: 'request_hash', type: 'text' })
  requestHash: string;

  @Column({ name: 'status', type: 'int', nullable: true })
  status: number | null;

  @Column({ name: 'headers', type: 'jsonb', nullable: true })
  headers: unknown | null;

  @Column({ name: 'body', type: 'text', nullable: true })
  body: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({
    name: 'held_until',
    type: 'timestamptz',
    nullable: true,
    comment: 'by the clock of the database; prolonged while the process lives',
  })
  heldUntil: Date | null;

  @Column({
    name: 'stored',
    type: 'boolean',
    default: false,
    comment: 'a transaction of the request that wrote something has committed',
  })
  stored: boolean;
}
