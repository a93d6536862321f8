import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What no role gives: a permission for one person, one thing and a short time, given by somebody else. */
@Check(
  'temporary_permission_given_ends',
  `state <> 'given' OR (valid_until IS NOT NULL AND decided_by IS NOT NULL)`,
)
@Check('temporary_permission_is_short', `minutes BETWEEN 1 AND 480`)
@Check('temporary_permission_state_known', `state IN ('asked', 'given', 'refused', 'withdrawn')`)
@ForeignKey('Person', ['personId'], ['id'], { name: 'temporary_permission_person_fk' })
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'temporary_permission_user_fk' })
@Index('temporary_permission_asked_once', { synchronize: false })
@Index('temporary_permission_in_force', { synchronize: false })
@Entity({ name: 'temporary_permission' })
export class TemporaryPermission {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'temporary_permission_pk' })
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId: string;

  @Column({ name: 'permission', type: 'text' })
  permission: string;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'minutes', type: 'int' })
  minutes: number;

  @Column({ name: 'state', type: 'text', default: 'asked' })
  state: string;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'valid_until', type: 'timestamptz', nullable: true })
  validUntil: Date | null;
}
