import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Calendar', ['calendarId'], ['id'], { name: 'party_calendar_fk' })
@Unique('party_external_key', ['source', 'externalKey'])
@Unique('party_id_name', ['id', 'name'])
@Unique('party_reference', ['reference'])
@Entity({ name: 'party' })
export class Party {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'party_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'is_operator', type: 'boolean', default: false })
  isOperator: boolean;

  @Column({ name: 'region', type: 'text', nullable: true })
  region: string | null;

  @Column({ name: 'sector', type: 'text', nullable: true })
  sector: string | null;

  @Column({ name: 'zone', type: 'text', default: 'UTC' })
  zone: string;

  @Column({ name: 'calendar_id', type: 'uuid', nullable: true })
  calendarId: string | null;

  @Column({ name: 'language', type: 'text', default: 'en' })
  language: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
