import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** Something happened that calls for a review. Written by triggers, removed once it was answered. */
@Check(
  'access_review_occasion_cause_known',
  `(cause = ANY (ARRAY['person_left'::text, 'party_changed'::text, 'incident_closed'::text]))`,
)
@Entity({ name: 'access_review_occasion' })
export class AccessReviewOccasion {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'access_review_occasion_pk' })
  id: string;

  @Column({ name: 'cause', type: 'text' })
  cause: string;

  @Column({ name: 'subject_id', type: 'uuid' })
  subjectId: string;
}
