import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'matrix_draft_integration_fk' })
@ForeignKey('MatrixVersion', ['basedOnId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_draft_based_on_fk',
})
@Entity({ name: 'matrix_draft' })
export class MatrixDraft {
  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'matrix_draft_pk' })
  integrationId: string;

  @Column({ name: 'based_on_id', type: 'uuid', nullable: true })
  basedOnId: string | null;

  @Column({ name: 'editors', type: 'jsonb', default: () => "'[]'" })
  editors: unknown;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
