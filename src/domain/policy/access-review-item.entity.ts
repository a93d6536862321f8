import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** One access that was found on record, and what was decided about it. Its names stand in the rows that it points at. */
@Check(
  'access_review_item_subject_known',
  `(subject_kind = ANY (ARRAY['user'::text, 'token'::text, 'contact'::text, 'party'::text, 'connection'::text]))`,
)
@Check(
  'access_review_item_basis_known',
  `(basis = ANY (ARRAY['role'::text, 'token'::text, 'holder'::text, 'location'::text, 'path'::text, 'connection'::text, 'matrix'::text, 'owner'::text]))`,
)
@Check(
  'access_review_item_access_known',
  `(access <@ ARRAY['view'::text, 'rotate'::text, 'revoke'::text]) AND (cardinality(access) > 0)`,
)
@Check('access_review_item_decision_known', `(decision = ANY (ARRAY['keep'::text, 'remove'::text]))`)
@Check(
  'access_review_item_decided_whole',
  `((decision IS NULL) = (decided_by IS NULL)) AND ((decision IS NULL) = (decided_at IS NULL))`,
)
@Check(
  'access_review_item_removal_has_reason',
  `(decision IS DISTINCT FROM 'remove'::text) OR (length(TRIM(BOTH FROM reason)) > 0)`,
)
@Check('access_review_item_work_known', `(work = ANY (ARRAY['done'::text, 'waiting'::text, 'failed'::text]))`)
@Check(
  'access_review_item_removal_is_work',
  `((NOT (decision IS DISTINCT FROM 'remove'::text)) = (work IS NOT NULL))`,
)
@Check('access_review_item_not_own', `(decided_by <> person_id)`)
@ForeignKey('AccessReviewPart', ['partId', 'reviewId'], ['id', 'reviewId'], {
  name: 'access_review_item_part_fk',
})
@ForeignKey('Credential', ['credentialId'], ['id'], { name: 'access_review_item_credential_fk' })
@ForeignKey('Person', ['personId'], ['id'], { name: 'access_review_item_person_fk' })
@ForeignKey('Person', ['decidedBy'], ['id'], { name: 'access_review_item_decided_by_fk' })
@Unique('access_review_item_number', ['partId', 'number'])
@Index('access_review_item_by_review', ['reviewId', 'partId', 'number'])
@Index('access_review_item_waiting', { synchronize: false })
@Entity({ name: 'access_review_item' })
export class AccessReviewItem {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'access_review_item_pk' })
  id: string;

  @Column({ name: 'review_id', type: 'uuid' })
  reviewId: string;

  @Column({ name: 'part_id', type: 'uuid' })
  partId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'subject_kind', type: 'text' })
  subjectKind: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;

  @Column({
    name: 'person_id',
    type: 'uuid',
    nullable: true,
    comment: 'the human being whose access it is, where one is known; never the one who decides',
  })
  personId: string | null;

  @Column({ name: 'basis', type: 'text' })
  basis: string;

  @Column({ name: 'basis_id', type: 'uuid', nullable: true })
  basisId: string | null;

  @Column({ name: 'role', type: 'text', default: '' })
  role: string;

  @Column({ name: 'access', type: 'text', array: true })
  access: string[];

  @Column({ name: 'decision', type: 'text', nullable: true })
  decision: string | null;

  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;

  @Column({ name: 'decided_by', type: 'uuid', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({
    name: 'work',
    type: 'text',
    nullable: true,
    comment: 'of a removal: done, waiting for a person, or failed',
  })
  work: string | null;

  @Column({ name: 'run_id', type: 'uuid', nullable: true })
  runId: string | null;

  @Column({ name: 'work_note', type: 'text', nullable: true })
  workNote: string | null;

  @Column({ name: 'carried_out_at', type: 'timestamptz', nullable: true })
  carriedOutAt: Date | null;
}
