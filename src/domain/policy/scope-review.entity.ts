import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** A person's word on one scope. */
@Check('scope_review_decision_known', `decision IN ('justified', 'unjustified')`)
@Check('scope_review_says_why', `decision = 'unjustified' OR justification <> ''`)
@ForeignKey('Onboarding', ['onboardingId'], ['id'], { name: 'scope_review_onboarding_fk' })
@ForeignKey('Credential', ['credentialId'], ['id'], { name: 'scope_review_credential_fk' })
@Unique('scope_review_once', ['onboardingId', 'credentialId', 'scope'])
@Entity({ name: 'scope_review' })
export class ScopeReview {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'scope_review_pk' })
  id: string;

  @Column({ name: 'onboarding_id', type: 'uuid' })
  onboardingId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'scope', type: 'text' })
  scope: string;

  @Column({ name: 'decision', type: 'text' })
  decision: string;

  @Column({ name: 'justification', type: 'text' })
  justification: string;

  @Column({ name: 'decided_by', type: 'text' })
  decidedBy: string;

  @Column({ name: 'decided_at', type: 'timestamptz' })
  decidedAt: Date;
}
