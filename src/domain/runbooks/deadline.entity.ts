import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** By when a step owes an answer. `missed_at` is decided once and stays, whatever comes later. */
@Unique('deadline_once', ['stepId', 'family', 'kind'])
@Check('deadline_kind_known', `kind IN ('due', 'answer', 'approval')`)
@Check('deadline_otherwise_known', `otherwise IN ('escalate', 'act')`)
@Index('deadline_due', { synchronize: false })
@Index('deadline_warn', { synchronize: false })
@Index('deadline_missed', { synchronize: false })
@Entity({ name: 'deadline' })
export class Deadline {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'deadline_pk' })
  id: string;

  @Column({ name: 'run_id', type: 'uuid' })
  runId: string;

  @Column({ name: 'step_id', type: 'uuid' })
  stepId: string;

  @Column({ name: 'family', type: 'smallint' })
  family: number;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'otherwise', type: 'text' })
  otherwise: string;

  @Column({ name: 'owner_role', type: 'text', nullable: true })
  ownerRole: string | null;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({ name: 'warn_at', type: 'timestamptz', nullable: true })
  warnAt: Date | null;

  @Column({ name: 'due_at', type: 'timestamptz' })
  dueAt: Date;

  @Column({ name: 'warned_at', type: 'timestamptz', nullable: true })
  warnedAt: Date | null;

  @Column({ name: 'met_at', type: 'timestamptz', nullable: true })
  metAt: Date | null;

  @Column({ name: 'missed_at', type: 'timestamptz', nullable: true })
  missedAt: Date | null;
}
