import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Party', ['partyId'], ['id'], { name: 'offering_party_fk' })
@Unique('offering_external_key', ['source', 'externalKey'])
@Entity({ name: 'offering' })
export class Offering {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'offering_pk' })
  id: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'body', type: 'jsonb', default: () => "'{}'" })
  body: unknown;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
