import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Party', ['partyId'], ['id'], { name: 'matrix_performer_party_fk' })
@ForeignKey('MatrixRow', ['matrixRowId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_performer_row_fk',
})
@Entity({ name: 'matrix_performer' })
export class MatrixPerformer {
  @PrimaryColumn({ name: 'matrix_row_id', type: 'uuid', primaryKeyConstraintName: 'matrix_performer_pk' })
  matrixRowId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'party_id', type: 'uuid', primaryKeyConstraintName: 'matrix_performer_pk' })
  partyId: string;
}
