import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One execution of a runbook on behalf of a subject. Finishes on the definition that it started with. */
@ForeignKey('RunbookDefinition', ['definitionHash'], ['hash'], { name: 'run_definition_fk' })
@Check('run_state_known', `state IN ('running', 'cancelling', 'done', 'failed', 'cancelled')`)
@Check('run_finished_has_instant', `(state IN ('running', 'cancelling')) = (finished_at IS NULL)`)
@Index('run_by_subject', ['subjectId'])
@Index('run_open', { synchronize: false })
@Entity({ name: 'run' })
export class Run {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'run_pk' })
  id: string;

  @Column({ name: 'definition_hash', type: 'text' })
  definitionHash: string;

  @Column({ name: 'runbook', type: 'text' })
  runbook: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'input', type: 'jsonb' })
  input: unknown;

  @Column({ name: 'state', type: 'text' })
  state: string;

  @Column({ name: 'open_nodes', type: 'int' })
  openNodes: number;

  @Column({ name: 'barred', type: 'boolean', default: false })
  barred: boolean;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;

  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
