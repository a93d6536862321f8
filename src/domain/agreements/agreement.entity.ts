import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Party', ['partyId'], ['id'], { name: 'agreement_party_fk' })
@Unique('agreement_external_key', ['source', 'externalKey'])
@Unique('agreement_id_party', ['id', 'partyId'])
@Unique('agreement_reference', ['reference'])
@Index('agreement_by_title', ['title', 'id'])
@Entity({ name: 'agreement' })
export class Agreement {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'agreement_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
