import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** One person's word on one step that asks for approval. */
@Unique('step_approval_once', ['stepId', 'family', 'who'])
@ForeignKey('Step', ['stepId'], ['id'], { name: 'step_approval_step_fk' })
@Check('step_approval_decision_known', `decision IN ('approve', 'reject')`)
@Entity({ name: 'step_approval' })
export class StepApproval {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'step_approval_pk' })
  id: string;

  @Column({ name: 'step_id', type: 'uuid' })
  stepId: string;

  @Column({ name: 'family', type: 'smallint' })
  family: number;

  @Column({ name: 'who', type: 'text' })
  who: string;

  @Column({ name: 'decision', type: 'text' })
  decision: string;

  @Column({ name: 'note', type: 'text', nullable: true })
  note: string | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
