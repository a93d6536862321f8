import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Offering', ['offeringId'], ['id'], { name: 'offering_version_offering_fk' })
@Unique('offering_version_id_offering', ['id', 'offeringId'])
@Unique('offering_version_number', ['offeringId', 'number'])
@Entity({ name: 'offering_version' })
export class OfferingVersion {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'offering_version_pk' })
  id: string;

  @Column({ name: 'offering_id', type: 'uuid' })
  offeringId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'body', type: 'jsonb' })
  body: unknown;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'editors', type: 'jsonb' })
  editors: unknown;

  @Column({ name: 'published_by', type: 'text' })
  publishedBy: string;

  @Column({ name: 'published_at', type: 'timestamptz' })
  publishedAt: Date;
}
