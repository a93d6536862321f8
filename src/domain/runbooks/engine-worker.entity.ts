import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that runs steps. Its lease carries all its `short` steps; a peer takes them over when it lapses. */
@Entity({ name: 'engine_worker' })
export class EngineWorker {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'engine_worker_pk' })
  id: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'lease_until', type: 'timestamptz' })
  leaseUntil: Date;
}
