import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Check(
  'sealed_secret_destroyed_whole',
  `(((destroyed_at IS NULL) = (ciphertext IS NOT NULL)) AND ((ciphertext IS NULL) = (wrapped_key IS NULL)))`,
)
@Index('sealed_secret_by_kek', { synchronize: false })
@Entity({ name: 'sealed_secret' })
export class SealedSecret {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'sealed_secret_pk' })
  id: string;

  @Column({ name: 'bound_to', type: 'text' })
  boundTo: string;

  @Column({ name: 'kek_id', type: 'text' })
  kekId: string;

  @Column({ name: 'wrapped_key', type: 'bytea', nullable: true })
  wrappedKey: Buffer | null;

  @Column({ name: 'nonce', type: 'bytea' })
  nonce: Buffer;

  @Column({ name: 'ciphertext', type: 'bytea', nullable: true })
  ciphertext: Buffer | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'destroyed_at', type: 'timestamptz', nullable: true })
  destroyedAt: Date | null;
}
