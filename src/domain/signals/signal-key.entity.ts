import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Index('signal_key_one_signs', { synchronize: false })
@Entity({ name: 'signal_key' })
export class SignalKey {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'signal_key_pk' })
  id: string;

  @Column({ name: 'alg', type: 'text' })
  alg: string;

  @Column({ name: 'public_jwk', type: 'jsonb' })
  publicJwk: unknown;

  @Column({ name: 'private_ref', type: 'text' })
  privateRef: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;
}
