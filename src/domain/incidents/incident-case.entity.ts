import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'incident_case_state_known',
  `(state = ANY (ARRAY['open'::text, 'contained'::text, 'closed'::text, 'dismissed'::text]))`,
)
@ForeignKey('AgreementVersion', ['agreementVersionId'], ['id'], {
  name: 'incident_case_agreement_version_fk',
})
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'incident_case_incident_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'incident_case_integration_fk' })
@ForeignKey('MatrixVersion', ['matrixVersionId'], ['id'], { name: 'incident_case_matrix_version_fk' })
@Unique('incident_case_id_integration', ['id', 'integrationId'])
@Unique('incident_case_once', ['incidentId', 'integrationId'])
@Unique('incident_case_reference', ['reference'])
@Index('incident_case_by_integration', { synchronize: false })
@Entity({ name: 'incident_case' })
export class IncidentCase {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'incident_case_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'state', type: 'text', default: 'open' })
  state: string;

  @Column({
    name: 'matrix_version_id',
    type: 'uuid',
    nullable: true,
    comment: 'in force at awareness; frozen',
  })
  matrixVersionId: string | null;

  @Column({ name: 'agreement_version_id', type: 'uuid', nullable: true })
  agreementVersionId: string | null;

  @Column({ name: 'awareness_at', type: 'timestamptz' })
  awarenessAt: Date;

  @Column({ name: 'opened_at', type: 'timestamptz' })
  openedAt: Date;

  @Column({ name: 'contained_at', type: 'timestamptz', nullable: true })
  containedAt: Date | null;

  @Column({ name: 'closed_at', type: 'timestamptz', nullable: true })
  closedAt: Date | null;

  @Column({ name: 'outside_summary', type: 'text', default: '' })
  outsideSummary: string;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
