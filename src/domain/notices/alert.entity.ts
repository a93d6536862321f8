import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Check('alert_severity_known', `(severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))`)
@Index('alert_one_open', { synchronize: false })
@Index('alert_to_mail', { synchronize: false })
@Entity({ name: 'alert' })
export class Alert {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'alert_pk' })
  id: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'severity', type: 'text' })
  severity: string;

  @Column({ name: 'subject_kind', type: 'text', nullable: true })
  subjectKind: string | null;

  @Column({ name: 'subject_id', type: 'uuid', nullable: true })
  subjectId: string | null;

  @Column({ name: 'message', type: 'text' })
  message: string;

  @Column({ name: 'dedupe_key', type: 'text' })
  dedupeKey: string;

  @Column({ name: 'occurrences', type: 'int', default: 1 })
  occurrences: number;

  @Column({ name: 'first_at', type: 'timestamptz' })
  firstAt: Date;

  @Column({ name: 'last_at', type: 'timestamptz' })
  lastAt: Date;

  @Column({ name: 'handled_by', type: 'text', nullable: true })
  handledBy: string | null;

  @Column({ name: 'handled_at', type: 'timestamptz', nullable: true })
  handledAt: Date | null;

  @Column({ name: 'mailed_at', type: 'timestamptz', nullable: true })
  mailedAt: Date | null;
}
