import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'import_job_format_known',
  `(format = ANY (ARRAY['json'::text, 'yaml'::text, 'csv'::text, 'jsonl'::text]))`,
)
@Check(
  'import_job_state_known',
  `(state = ANY (ARRAY['queued'::text, 'reading'::text, 'checking'::text, 'applying'::text, 'done'::text, 'refused'::text, 'failed'::text]))`,
)
@Check(
  'import_job_ends',
  `((ended_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'refused'::text, 'failed'::text])))`,
)
@Unique('import_job_reference', ['reference'])
@Index('import_job_unfinished', { synchronize: false })
@Entity({ name: 'import_job' })
export class ImportJob {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'import_job_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'source', type: 'text' })
  source: string;

  @Column({ name: 'format', type: 'text' })
  format: string;

  @Column({ name: 'kind', type: 'text', nullable: true })
  kind: string | null;

  @Column({ name: 'file_name', type: 'text', default: '' })
  fileName: string;

  @Column({ name: 'dry_run', type: 'boolean', default: false })
  dryRun: boolean;

  @Column({ name: 'partial', type: 'boolean', default: false })
  partial: boolean;

  @Column({ name: 'state', type: 'text', default: 'queued' })
  state: string;

  @Column({ name: 'run_id', type: 'uuid', nullable: true })
  runId: string | null;

  @Column({
    name: 'spool',
    type: 'text',
    nullable: true,
    comment: 'name of the uploaded file in the data folder, until the job has ended',
  })
  spool: string | null;

  @Column({ name: 'bytes_total', type: 'bigint', default: 0 })
  bytesTotal: string;

  @Column({ name: 'bytes_read', type: 'bigint', default: 0 })
  bytesRead: string;

  @Column({ name: 'rows_read', type: 'int', default: 0 })
  rowsRead: number;

  @Column({ name: 'counts', type: 'jsonb', default: {} })
  counts: unknown;

  @Column({
    name: 'problems',
    type: 'int',
    default: 0,
    comment: 'all that were found; at most 10,000 of them are kept as rows',
  })
  problems: number;

  @Column({ name: 'failure', type: 'text', nullable: true })
  failure: string | null;

  @Column({ name: 'mend', type: 'text', nullable: true })
  mend: string | null;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt: Date | null;

  @Column({ name: 'beat_at', type: 'timestamptz', nullable: true })
  beatAt: Date | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
