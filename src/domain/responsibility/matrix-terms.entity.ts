import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('AgreementVersion', ['agreementVersionId', 'partyId'], ['id', 'partyId'], {
  name: 'matrix_terms_agreement_fk',
})
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_terms_version_fk',
})
@Entity({ name: 'matrix_terms' })
export class MatrixTerms {
  @PrimaryColumn({ name: 'matrix_version_id', type: 'uuid', primaryKeyConstraintName: 'matrix_terms_pk' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'content', type: 'jsonb' })
  content: unknown;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({
    name: 'texts',
    type: 'jsonb',
    comment: 'as people read it, by language; the hash of each stands in the text that is signed',
  })
  texts: unknown;

  @Column({
    name: 'agreement_version_id',
    type: 'uuid',
    nullable: true,
    comment: 'in which they hold, once every side has signed',
  })
  agreementVersionId: string | null;
}
