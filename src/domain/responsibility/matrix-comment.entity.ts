import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'matrix_comment_duty_known',
  `(duty = ANY (ARRAY['admission'::text, 'issuance'::text, 'storage'::text, 'distribution'::text, 'scope_approval'::text, 'rotation'::text, 'monitoring'::text, 'revocation'::text, 'notification'::text, 'containment'::text, 'downstream_impact'::text, 'recovery'::text]))`,
)
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_comment_version_fk',
})
@ForeignKey('Party', ['partyId'], ['id'], { name: 'matrix_comment_party_fk' })
@Index('matrix_comment_by_version', ['matrixVersionId'])
@Entity({ name: 'matrix_comment' })
export class MatrixComment {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'matrix_comment_pk' })
  id: string;

  @Column({ name: 'matrix_version_id', type: 'uuid' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'author_id', type: 'text' })
  authorId: string;

  @Column({ name: 'author_name', type: 'text' })
  authorName: string;

  @Column({ name: 'duty', type: 'text', nullable: true })
  duty: string | null;

  @Column({ name: 'part', type: 'text', default: '' })
  part: string;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'text', type: 'text' })
  text: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
