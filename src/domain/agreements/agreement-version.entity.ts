import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'agreement_version_approval_has_time',
  `((authority <> 'approve_within'::text) OR (approve_within_minutes > 0))`,
)
@Check(
  'agreement_version_authority_known',
  `(authority = ANY (ARRAY['revoke_now'::text, 'replace_first'::text, 'approve_within'::text]))`,
)
@Check(
  'agreement_version_otherwise_known',
  `(approve_otherwise = ANY (ARRAY['act'::text, 'escalate'::text]))`,
)
@Check('agreement_version_drills_positive', `(drill_every_days > 0)`)
@ForeignKey('Agreement', ['agreementId', 'partyId'], ['id', 'partyId'], {
  name: 'agreement_version_agreement_fk',
})
@Unique('agreement_version_id_party', ['id', 'partyId'])
@Unique('agreement_version_number', ['agreementId', 'number'])
@Entity({ name: 'agreement_version' })
export class AgreementVersion {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'agreement_version_pk' })
  id: string;

  @Column({ name: 'agreement_id', type: 'uuid' })
  agreementId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'valid_from', type: 'timestamptz' })
  validFrom: Date;

  @Column({ name: 'valid_until', type: 'timestamptz', nullable: true })
  validUntil: Date | null;

  @Column({ name: 'review_on', type: 'date', nullable: true })
  reviewOn: string | null;

  @Column({ name: 'prevailing_language', type: 'text', default: 'en' })
  prevailingLanguage: string;

  @Column({ name: 'authority', type: 'text', default: 'approve_within' })
  authority: string;

  @Column({ name: 'approve_within_minutes', type: 'int', nullable: true })
  approveWithinMinutes: number | null;

  @Column({ name: 'approve_otherwise', type: 'text', default: 'escalate' })
  approveOtherwise: string;

  @Column({ name: 'containment_steps', type: 'jsonb', default: () => "'[]'" })
  containmentSteps: unknown;

  @Column({ name: 'drill_every_days', type: 'int', nullable: true })
  drillEveryDays: number | null;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
