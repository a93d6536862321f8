import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('ImportJob', ['jobId'], ['id'], { name: 'import_problem_job_fk', onDelete: 'CASCADE' })
@Entity({ name: 'import_problem' })
export class ImportProblem {
  @PrimaryColumn({ name: 'job_id', type: 'uuid', primaryKeyConstraintName: 'import_problem_pk' })
  jobId: string;

  @PrimaryColumn({ name: 'ordinal', type: 'int', primaryKeyConstraintName: 'import_problem_pk' })
  ordinal: number;

  @Column({ name: 'line', type: 'int' })
  line: number;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'row_key', type: 'text', nullable: true })
  rowKey: string | null;

  @Column({ name: 'field', type: 'text' })
  field: string;

  @Column({ name: 'problem', type: 'text' })
  problem: string;

  @Column({ name: 'mend', type: 'text' })
  mend: string;
}
