import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Where a secret is on its way to a store outside, there, and away from it. */
@Check('outside_secret_somewhere', `((sealed_ref IS NULL) OR (kept_at IS NULL))`)
@Check('outside_secret_destroyed_in_order', `((destroyed_at IS NULL) OR (destroy_at IS NOT NULL))`)
@Index('outside_secret_to_do', { synchronize: false })
@Entity({ name: 'outside_secret' })
export class OutsideSecret {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'outside_secret_pk' })
  id: string;

  @Column({ name: 'store', type: 'text' })
  store: string;

  @Column({ name: 'bound_to', type: 'text' })
  boundTo: string;

  @Column({ name: 'sealed_ref', type: 'text', nullable: true, comment: 'until it is kept outside' })
  sealedRef: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({
    name: 'tried_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'before the first call to the store: from then on it may hold the value',
  })
  triedAt: Date | null;

  @Column({ name: 'kept_at', type: 'timestamptz', nullable: true })
  keptAt: Date | null;

  @Column({
    name: 'destroy_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'of no use to anybody from then on',
  })
  destroyAt: Date | null;

  @Column({ name: 'destroyed_at', type: 'timestamptz', nullable: true, comment: 'removed from the store' })
  destroyedAt: Date | null;

  @Column({ name: 'problem', type: 'text', nullable: true, comment: 'why the last try came to nothing' })
  problem: string | null;
}
