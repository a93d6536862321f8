import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'instant_kind_known',
  `(kind = ANY (ARRAY['occurred'::text, 'detected'::text, 'received'::text, 'matched'::text, 'suspected'::text, 'confirmed'::text, 'determined'::text, 'classified'::text, 'contained'::text]))`,
)
@ForeignKey('IncidentCase', ['caseId'], ['id'], { name: 'instant_case_fk' })
@ForeignKey('Instant', ['disputesId'], ['id'], { name: 'instant_disputes_fk' })
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'instant_incident_fk' })
@Index('instant_by_case', { synchronize: false })
@Index('instant_by_incident', ['incidentId', 'recordedAt'])
@Entity({ name: 'instant' })
export class Instant {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'instant_pk' })
  id: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'case_id', type: 'uuid', nullable: true })
  caseId: string | null;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'zone', type: 'text', default: 'UTC' })
  zone: string;

  @Column({ name: 'asserted_by_kind', type: 'text' })
  assertedByKind: string;

  @Column({ name: 'asserted_by', type: 'text' })
  assertedBy: string;

  @Column({ name: 'basis', type: 'text' })
  basis: string;

  @Column({ name: 'disputes_id', type: 'uuid', nullable: true })
  disputesId: string | null;

  @Column({ name: 'recorded_at', type: 'timestamptz' })
  recordedAt: Date;
}
