import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One definition step of one run: how far it is planned, and the counters that open barriers and end the run. */
@ForeignKey('Run', ['runId'], ['id'], { name: 'run_node_run_fk' })
@Index('run_node_unplanned', { synchronize: false })
@Entity({ name: 'run_node' })
export class RunNode {
  @PrimaryColumn({ name: 'run_id', type: 'uuid', primaryKeyConstraintName: 'run_node_pk' })
  runId: string;

  @PrimaryColumn({ name: 'node', type: 'smallint', primaryKeyConstraintName: 'run_node_pk' })
  node: number;

  @Column({ name: 'step', type: 'text' })
  step: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'ad_hoc', type: 'jsonb', nullable: true })
  adHoc: unknown;

  @Column({ name: 'on_demand', type: 'boolean' })
  onDemand: boolean;

  @Column({ name: 'planned', type: 'boolean' })
  planned: boolean;

  @Column({ name: 'closed', type: 'boolean', default: false })
  closed: boolean;

  @Column({ name: 'barred', type: 'boolean', default: false })
  barred: boolean;

  @Column({ name: 'gate', type: 'int' })
  gate: number;

  @Column({ name: 'gate_barred', type: 'boolean', default: false })
  gateBarred: boolean;

  @Column({ name: 'draining', type: 'boolean', default: false })
  draining: boolean;

  @Column({ name: 'cursor', type: 'text', nullable: true })
  cursor: string | null;

  @Column({ name: 'expected', type: 'int', nullable: true })
  expected: number | null;

  @Column({ name: 'total', type: 'int', default: 0 })
  total: number;

  @Column({ name: 'open', type: 'int', default: 0 })
  open: number;

  @Column({ name: 'done', type: 'int', default: 0 })
  done: number;

  @Column({ name: 'failed', type: 'int', default: 0 })
  failed: number;

  @Column({ name: 'skipped', type: 'int', default: 0 })
  skipped: number;

  @Column({ name: 'cancelled', type: 'int', default: 0 })
  cancelled: number;

  @Column({ name: 'moved_at', type: 'timestamptz', nullable: true })
  movedAt: Date | null;
}
