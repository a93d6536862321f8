import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('MatrixVersion', ['matrixVersionId'], ['id'], { name: 'signing_code_version_fk' })
@Index('signing_code_by_holder', ['holder', 'createdAt'])
@Entity({ name: 'signing_code' })
export class SigningCode {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'signing_code_pk' })
  id: string;

  @Column({ name: 'matrix_version_id', type: 'uuid' })
  matrixVersionId: string;

  @Column({ name: 'holder', type: 'text' })
  holder: string;

  @Column({
    name: 'code_hash',
    type: 'bytea',
    comment: 'HMAC of the code under the link key: a copy of the table opens nothing',
  })
  codeHash: Buffer;

  @Column({ name: 'wrong', type: 'int', default: 0 })
  wrong: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'used_at', type: 'timestamptz', nullable: true })
  usedAt: Date | null;
}
