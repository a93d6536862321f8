import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('connection_max_concurrent_range', `((max_concurrent >= 1) AND (max_concurrent <= 1000))`)
@Check('connection_sandbox_is_another', `sandbox_connection_id <> id`)
@ForeignKey('Connection', ['sandboxConnectionId'], ['id'], { name: 'connection_sandbox_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'connection_party_fk' })
@Unique('connection_external_key', ['source', 'externalKey'])
@Entity({ name: 'connection' })
export class Connection {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'connection_pk' })
  id: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'preset_key', type: 'text' })
  presetKey: string;

  @Column({ name: 'base_url', type: 'text', default: '' })
  baseUrl: string;

  @Column({ name: 'environment', type: 'text', default: 'production' })
  environment: string;

  @Column({
    name: 'auth_refs',
    type: 'jsonb',
    default: () => "'{}'",
    comment: 'name of the secret -> reference into a store',
  })
  authRefs: unknown;

  @Column({
    name: 'control_ref',
    type: 'text',
    nullable: true,
    comment: 'the canary whose life proves that a probe can tell live from dead',
  })
  controlRef: string | null;

  @Column({ name: 'control_supplier_id', type: 'text', nullable: true })
  controlSupplierId: string | null;

  @Column({ name: 'max_concurrent', type: 'int', default: 4 })
  maxConcurrent: number;

  @Column({ name: 'per_second', type: 'numeric', precision: 8, scale: 2, nullable: true })
  perSecond: string | null;

  @Column({
    name: 'sandbox_connection_id',
    type: 'uuid',
    nullable: true,
    comment: 'the same supplier where nothing is at stake; drills run there',
  })
  sandboxConnectionId: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
