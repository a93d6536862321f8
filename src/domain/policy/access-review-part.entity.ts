import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** What one reviewer has to look at in a campaign: one integration, or the accounts and tokens of the installation. */
@Check('access_review_part_counts', `decided BETWEEN 0 AND items AND removed BETWEEN 0 AND decided`)
@Check('access_review_part_clocks', `remind_at < escalate_at AND escalate_at < due_at`)
@Check('access_review_part_finished_whole', `((finished_at IS NULL) = (content_hash IS NULL))`)
@ForeignKey('AccessReview', ['reviewId'], ['id'], { name: 'access_review_part_review_fk' })
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'access_review_part_integration_fk' })
@ForeignKey('Contact', ['reviewerContactId'], ['id'], { name: 'access_review_part_reviewer_contact_fk' })
@ForeignKey('Person', ['reviewerPersonId'], ['id'], { name: 'access_review_part_reviewer_person_fk' })
@Unique('access_review_part_once', ['reviewId', 'integrationId'])
@Unique('access_review_part_id_review', ['id', 'reviewId'])
@Index('access_review_part_by_integration', ['integrationId', 'dueAt'])
@Index('access_review_part_due', { synchronize: false })
@Index('access_review_part_to_list', { synchronize: false })
@Entity({ name: 'access_review_part' })
export class AccessReviewPart {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'access_review_part_pk' })
  id: string;

  @Column({ name: 'review_id', type: 'uuid' })
  reviewId: string;

  @Column({
    name: 'integration_id',
    type: 'uuid',
    nullable: true,
    comment: 'null: the accounts and tokens of the installation',
  })
  integrationId: string | null;

  @Column({ name: 'reviewer_contact_id', type: 'uuid', nullable: true })
  reviewerContactId: string | null;

  @Column({ name: 'reviewer_person_id', type: 'uuid', nullable: true })
  reviewerPersonId: string | null;

  @Column({ name: 'reason_to_keep', type: 'boolean' })
  reasonToKeep: boolean;

  @Column({ name: 'zone', type: 'text' })
  zone: string;

  @Column({ name: 'remind_at', type: 'timestamptz' })
  remindAt: Date;

  @Column({ name: 'escalate_at', type: 'timestamptz' })
  escalateAt: Date;

  @Column({ name: 'due_at', type: 'timestamptz' })
  dueAt: Date;

  @Column({ name: 'reminded_at', type: 'timestamptz', nullable: true })
  remindedAt: Date | null;

  @Column({ name: 'escalated_at', type: 'timestamptz', nullable: true })
  escalatedAt: Date | null;

  @Column({ name: 'missed_at', type: 'timestamptz', nullable: true })
  missedAt: Date | null;

  @Column({
    name: 'listed_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'when its items were drawn from the record',
  })
  listedAt: Date | null;

  @Column({ name: 'items', type: 'int', default: 0 })
  items: number;

  @Column({ name: 'decided', type: 'int', default: 0 })
  decided: number;

  @Column({ name: 'removed', type: 'int', default: 0 })
  removed: number;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;

  @Column({ name: 'content_hash', type: 'bytea', nullable: true })
  contentHash: Buffer | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
