import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'incident_severity_known',
  `(severity = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))`,
)
@Check(
  'incident_state_known',
  `(state = ANY (ARRAY['reported'::text, 'triage'::text, 'containing'::text, 'contained'::text, 'recovering'::text, 'closed'::text, 'dismissed'::text]))`,
)
@Check('incident_update_every', `((update_every_hours >= 1) AND (update_every_hours <= 720))`)
@ForeignKey('Incident', ['previousIncidentId'], ['id'], { name: 'incident_previous_fk' })
@Unique('incident_reference', ['reference'])
@Index('incident_by_opening', { synchronize: false })
@Entity({ name: 'incident' })
export class Incident {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'incident_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'state', type: 'text', default: 'reported' })
  state: string;

  @Column({ name: 'severity', type: 'text', default: 'high' })
  severity: string;

  @Column({ name: 'previous_incident_id', type: 'uuid', nullable: true })
  previousIncidentId: string | null;

  @Column({ name: 'awareness_at', type: 'timestamptz' })
  awarenessAt: Date;

  @Column({ name: 'opened_at', type: 'timestamptz' })
  openedAt: Date;

  @Column({ name: 'contained_at', type: 'timestamptz', nullable: true })
  containedAt: Date | null;

  @Column({ name: 'closed_at', type: 'timestamptz', nullable: true })
  closedAt: Date | null;

  @Column({ name: 'dismiss_requested_by', type: 'text', nullable: true })
  dismissRequestedBy: string | null;

  @Column({ name: 'acknowledged_by', type: 'text', nullable: true })
  acknowledgedBy: string | null;

  @Column({ name: 'acknowledged_at', type: 'timestamptz', nullable: true })
  acknowledgedAt: Date | null;

  @Column({
    name: 'update_every_hours',
    type: 'int',
    nullable: true,
    comment: 'how often those who were told hear again; null: as its severity says',
  })
  updateEveryHours: number | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
