import { Check, Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** A campaign in which people look again at who may view, rotate and revoke. Kept for ever. */
@Check(
  'access_review_cause_known',
  `(cause = ANY (ARRAY['monthly'::text, 'person_left'::text, 'party_changed'::text, 'incident_closed'::text, 'by_hand'::text]))`,
)
@Check('access_review_finished_whole', `((finished_at IS NULL) = (content_hash IS NULL))`)
@Unique('access_review_reference', ['reference'])
@Index('access_review_one_a_month', { synchronize: false })
@Index('access_review_by_opening', { synchronize: false })
@Entity({ name: 'access_review' })
export class AccessReview {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'access_review_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'cause', type: 'text' })
  cause: string;

  @Column({
    name: 'period',
    type: 'text',
    nullable: true,
    comment: 'of a monthly one: 2026-11, in the zone of the operator',
  })
  period: string | null;

  @Column({
    name: 'subject_id',
    type: 'uuid',
    nullable: true,
    comment: 'the contact or user who left, the party that changed, the incident that closed',
  })
  subjectId: string | null;

  @Column({ name: 'reason', type: 'text', default: '' })
  reason: string;

  @Column({ name: 'opened_by', type: 'text' })
  openedBy: string;

  @Column({ name: 'opened_at', type: 'timestamptz' })
  openedAt: Date;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;

  @Column({
    name: 'content_hash',
    type: 'bytea',
    nullable: true,
    comment: 'SHA-256 of the outcome, which follows from the hashes of its parts',
  })
  contentHash: Buffer | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
