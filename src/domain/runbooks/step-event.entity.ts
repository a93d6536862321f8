import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What happened to a step: each answer, take-over, late answer and act of a person. */
@Entity({ name: 'step_event' })
export class StepEvent {
  @PrimaryColumn({ name: 'step_id', type: 'uuid', primaryKeyConstraintName: 'step_event_pk' })
  stepId: string;

  /** Order of writing, within a step. */
  @PrimaryColumn({
    name: 'n',
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'step_event_pk',
  })
  n: string;

  @Column({ name: 'run_id', type: 'uuid' })
  runId: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'worker', type: 'uuid', nullable: true })
  worker: string | null;

  @Column({ name: 'fence', type: 'int' })
  fence: number;

  @Column({ name: 'attempt', type: 'int' })
  attempt: number;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'state', type: 'text', nullable: true })
  state: string | null;

  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;

  @Column({ name: 'by', type: 'text', nullable: true })
  by: string | null;

  @Column({ name: 'evidence', type: 'uuid', array: true, nullable: true })
  evidence: string[] | null;
}
