import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'exposure_batch_incident_fk' })
@Index('exposure_batch_waiting', { synchronize: false })
@Index('exposure_batch_holding', { synchronize: false })
@Entity({ name: 'exposure_batch', comment: 'what arrived together is matched and accepted together' })
export class ExposureBatch {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'exposure_batch_pk' })
  id: string;

  @Column({
    name: 'values_ref',
    type: 'text',
    nullable: true,
    comment: 'one sealed envelope with the reported values; destroyed by the match',
  })
  valuesRef: string | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({
    name: 'reports_ref',
    type: 'text',
    nullable: true,
    comment: 'the reports of a large delivery, sealed, until all of them are filed',
  })
  reportsRef: string | null;

  @Column({
    name: 'filed',
    type: 'bytea',
    nullable: true,
    comment: 'a bit for each of those reports, set by the transaction that files it',
  })
  filed: Buffer | null;

  @Column({
    name: 'incident_id',
    type: 'uuid',
    nullable: true,
    comment: 'the incident that the first of those reports opened',
  })
  incidentId: string | null;
}
