import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A delivery that was turned away; of its body only size and hash. */
@Check('refused_delivery_via_known', `(via = ANY (ARRAY['push'::text, 'poll'::text]))`)
@Check(
  'refused_delivery_why_known',
  `(why = ANY (ARRAY['unknown-source'::text, 'no-key'::text, 'not-signed'::text, 'stale'::text, 'switched-off'::text, 'over-quota'::text, 'too-large'::text, 'unreadable'::text, 'conflicting'::text]))`,
)
@ForeignKey('ExposureSource', ['sourceId'], ['id'], { name: 'refused_delivery_source_fk' })
@Index('refused_delivery_by_source', { synchronize: false })
@Index('refused_delivery_by_time', { synchronize: false })
@Entity({ name: 'refused_delivery' })
export class RefusedDelivery {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'refused_delivery_pk' })
  id: string;

  @Column({
    name: 'source_id',
    type: 'uuid',
    nullable: true,
    comment: 'null: there is no source at the address that was asked',
  })
  sourceId: string | null;

  @Column({ name: 'asked_for', type: 'text', comment: 'the key in the address' })
  askedFor: string;

  @Column({ name: 'via', type: 'text' })
  via: string;

  @Column({ name: 'why', type: 'text' })
  why: string;

  @Column({ name: 'said', type: 'text' })
  said: string;

  @Column({
    name: 'size',
    type: 'bigint',
    nullable: true,
    comment: 'bytes read, or announced where none were read; null: neither',
  })
  size: string | null;

  @Column({
    name: 'body_sha256',
    type: 'bytea',
    nullable: true,
    comment: 'of what was read; null: nothing was, or not to its end',
  })
  bodySha256: Buffer | null;

  @Column({ name: 'headers', type: 'jsonb', default: () => "'{}'" })
  headers: unknown;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'received_at', type: 'timestamptz' })
  receivedAt: Date;
}
