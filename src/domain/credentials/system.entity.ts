import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Party', ['partyId'], ['id'], { name: 'system_party_fk' })
@Unique('system_external_key', ['source', 'externalKey'])
@Entity({ name: 'system' })
export class ReachableSystem {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'system_pk' })
  id: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'kind', type: 'text', default: 'service' })
  kind: string;

  @Column({ name: 'environment', type: 'text', default: 'production' })
  environment: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
