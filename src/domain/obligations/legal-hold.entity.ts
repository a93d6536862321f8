import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('legal_hold_lifted_whole', `(num_nonnulls(lifted_by, lifted_at, lifted_reason) = ANY (ARRAY[0, 3]))`)
@Check('legal_hold_second_person', `(lifted_by <> placed_by)`)
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'legal_hold_incident_fk' })
@Index('legal_hold_one_open', { synchronize: false })
@Entity({ name: 'legal_hold' })
export class LegalHold {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'legal_hold_pk' })
  id: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'placed_by', type: 'text' })
  placedBy: string;

  @Column({ name: 'placed_at', type: 'timestamptz' })
  placedAt: Date;

  @Column({ name: 'lifted_by', type: 'text', nullable: true })
  liftedBy: string | null;

  @Column({ name: 'lifted_at', type: 'timestamptz', nullable: true })
  liftedAt: Date | null;

  @Column({ name: 'lifted_reason', type: 'text', nullable: true })
  liftedReason: string | null;
}
