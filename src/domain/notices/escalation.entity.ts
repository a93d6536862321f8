import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Contact', ['contactId'], ['id'], { name: 'escalation_contact_fk' })
@Unique('escalation_once', ['subjectId', 'level'])
@Entity({ name: 'escalation' })
export class Escalation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'escalation_pk' })
  id: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'level', type: 'text' })
  level: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'role', type: 'text', nullable: true })
  role: string | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
