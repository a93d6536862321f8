import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('offering_chase_range', `((chase_every_hours >= 24) AND (chase_every_hours <= 2160))`)
@Check(
  'offering_retired_whole',
  `(((retired_at IS NULL) = (retired_by IS NULL)) AND ((retired_at IS NULL) = (retired_because IS NULL)))`,
)
@Check('offering_reattest_range', `((reattest_days >= 1) AND (reattest_days <= 1830))`)
@ForeignKey('Party', ['partyId'], ['id'], { name: 'offering_party_fk' })
@Unique('offering_external_key', ['source', 'externalKey'])
@Index('offering_by_name', ['name', 'id'])
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

  @Column({
    name: 'body',
    type: 'jsonb',
    default: () => "'{}'",
    comment: 'what is drafted: rows of the matrix by role, and the term sheet',
  })
  body: unknown;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;

  @Column({ name: 'editors', type: 'jsonb', default: () => "'[]'" })
  editors: unknown;

  @Column({
    name: 'chase_every_hours',
    type: 'int',
    default: 72,
    comment: 'nobody is reminded more often',
  })
  chaseEveryHours: number;

  @Column({ name: 'reattest_days', type: 'int', default: 365 })
  reattestDays: number;

  @Column({ name: 'updated_at', type: 'timestamptz', nullable: true })
  updatedAt: Date | null;

  @Column({
    name: 'chase_by_itself',
    type: 'boolean',
    default: true,
    comment: 'whether whoever has not signed is reminded without being asked to',
  })
  chaseByItself: boolean;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'retired_by', type: 'text', nullable: true })
  retiredBy: string | null;

  @Column({ name: 'retired_because', type: 'text', nullable: true })
  retiredBecause: string | null;
}
