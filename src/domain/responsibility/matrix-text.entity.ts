import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_text_version_fk',
})
@Entity({ name: 'matrix_text' })
export class MatrixText {
  @PrimaryColumn({ name: 'matrix_version_id', type: 'uuid', primaryKeyConstraintName: 'matrix_text_pk' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'language', type: 'text', primaryKeyConstraintName: 'matrix_text_pk' })
  language: string;

  @Column({ name: 'text', type: 'text' })
  text: string;

  @Column({ name: 'text_hash', type: 'bytea' })
  textHash: Buffer;
}
