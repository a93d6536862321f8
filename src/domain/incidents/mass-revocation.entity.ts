import { Check, Column, Entity, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'mass_revocation_approved',
  `((state <> ALL (ARRAY['approved'::text, 'started'::text])) OR (approved_by IS NOT NULL))`,
)
@Check('mass_revocation_four_eyes', `(approved_by <> asked_by)`)
@Check(
  'mass_revocation_state_known',
  `(state = ANY (ARRAY['draft'::text, 'approved'::text, 'started'::text, 'withdrawn'::text]))`,
)
@Unique('mass_revocation_reference', ['reference'])
@Entity({ name: 'mass_revocation' })
export class MassRevocation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'mass_revocation_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'selection', type: 'jsonb' })
  selection: unknown;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({
    name: 'force',
    type: 'boolean',
    comment: 'goes on where a replacement or an approval would be waited for; proves nothing',
  })
  force: boolean;

  @Column({ name: 'state', type: 'text', default: 'draft' })
  state: string;

  @Column({ name: 'asked_by', type: 'text' })
  askedBy: string;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'approved_by', type: 'text', nullable: true })
  approvedBy: string | null;

  @Column({ name: 'approved_at', type: 'timestamptz', nullable: true })
  approvedAt: Date | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  @Column({ name: 'started_at', type: 'timestamptz', nullable: true })
  startedAt: Date | null;

  @Column({ name: 'batch_id', type: 'uuid', nullable: true })
  batchId: string | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
