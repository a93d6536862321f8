import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** One definition step for one item: the engine's unit of work. Moved by visible SQL only; the entity is its table's description. */
@Unique('step_item', ['runId', 'node', 'itemKey'])
@Check(
  'step_state_known',
  `state IN ('pending', 'ready', 'running', 'waiting', 'unknown', 'parked', 'done', 'failed', 'skipped', 'cancelled')`,
)
@Index('step_ready', { synchronize: false })
@Index('step_running', { synchronize: false })
@Index('step_call_lease', { synchronize: false })
@Index('step_wake', { synchronize: false })
@Index('step_put_off', { synchronize: false })
@Index('step_parked', { synchronize: false })
@Index('step_failed', { synchronize: false })
@Index('step_stalled', { synchronize: false })
@Index('step_parent', { synchronize: false })
@Index('step_gated', { synchronize: false })
@Entity({ name: 'step' })
export class Step {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'step_pk' })
  id: string;

  @Column({ name: 'run_id', type: 'uuid' })
  runId: string;

  @Column({ name: 'worker', type: 'uuid', nullable: true })
  worker: string | null;

  @Column({ name: 'lease_until', type: 'timestamptz', nullable: true })
  leaseUntil: Date | null;

  @Column({ name: 'wake_at', type: 'timestamptz', nullable: true })
  wakeAt: Date | null;

  @Column({ name: 'ready_at', type: 'timestamptz', nullable: true })
  readyAt: Date | null;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt: Date | null;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;

  @Column({ name: 'stalled_at', type: 'timestamptz', nullable: true })
  stalledAt: Date | null;

  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt: Date | null;

  @Column({ name: 'fence', type: 'int', default: 0 })
  fence: number;

  @Column({ name: 'node', type: 'smallint' })
  node: number;

  @Column({ name: 'priority', type: 'smallint' })
  priority: number;

  @Column({ name: 'blockers', type: 'smallint' })
  blockers: number;

  @Column({ name: 'attempt', type: 'int', default: 0 })
  attempt: number;

  @Column({ name: 'failures', type: 'smallint', default: 0 })
  failures: number;

  @Column({ name: 'family', type: 'smallint', default: 1 })
  family: number;

  @Column({ name: 'deaths', type: 'smallint', default: 0 })
  deaths: number;

  @Column({ name: 'gated', type: 'boolean', default: false })
  gated: boolean;

  @Column({ name: 'taken_over', type: 'boolean', default: false })
  takenOver: boolean;

  @Column({ name: 'approved', type: 'boolean', default: false })
  approved: boolean;

  @Column({ name: 'passed', type: 'boolean', nullable: true })
  passed: boolean | null;

  @Column({ name: 'state', type: 'text' })
  state: string;

  @Column({ name: 'item_key', type: 'text' })
  itemKey: string;

  @Column({ name: 'lane', type: 'text' })
  lane: string;

  @Column({ name: 'parent_key', type: 'text', nullable: true })
  parentKey: string | null;

  @Column({ name: 'covers', type: 'smallint', array: true, nullable: true })
  covers: number[] | null;

  @Column({ name: 'item', type: 'jsonb', nullable: true })
  item: unknown;

  @Column({ name: 'output', type: 'jsonb', nullable: true })
  output: unknown;

  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;

  @Column({ name: 'for_what', type: 'text', nullable: true })
  forWhat: string | null;

  @Column({ name: 'owner_role', type: 'text', nullable: true })
  ownerRole: string | null;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;
}
