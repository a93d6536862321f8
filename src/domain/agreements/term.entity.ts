import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('term_direction_known', `(direction = ANY (ARRAY['to_party'::text, 'from_party'::text]))`)
@Check(
  'term_fulfilled_by_known',
  `(fulfilled_by = ANY (ARRAY['dispatched'::text, 'accepted_by_peer'::text, 'received'::text, 'acknowledged'::text]))`,
)
@Check(
  'term_least_strength_known',
  `(least_strength = ANY (ARRAY['mailbox'::text, 'second_channel'::text, 'account_mfa'::text, 'detached_signature'::text]))`,
)
@Check(
  'term_start_event_known',
  `(start_event = ANY (ARRAY['occurred'::text, 'detected'::text, 'received'::text, 'matched'::text, 'suspected'::text, 'confirmed'::text, 'determined'::text, 'classified'::text, 'contained'::text, 'submitted'::text]))`,
)
@Check(
  'term_thresholds_in_order',
  `((0 < warn_percent) AND (warn_percent <= escalate_percent) AND (escalate_percent <= 100))`,
)
@Check(
  'term_trigger_known',
  `(trigger = ANY (ARRAY['suspected'::text, 'confirmed'::text, 'contained'::text, 'determined'::text, 'classified'::text, 'resolved'::text]))`,
)
@Check(
  'term_window_unit_known',
  `(window_unit = ANY (ARRAY['elapsed-hours'::text, 'calendar-days'::text, 'business-days'::text, 'months'::text]))`,
)
@Check(
  'term_window_whole',
  `(((window_count IS NULL) = (window_unit IS NULL)) AND ((window_count IS NULL) OR (window_count > 0)))`,
)
@ForeignKey('AgreementVersion', ['agreementVersionId', 'partyId'], ['id', 'partyId'], {
  name: 'term_agreement_version_fk',
})
@ForeignKey('Calendar', ['calendarId'], ['id'], { name: 'term_calendar_fk' })
@Unique('term_id_party', ['id', 'partyId'])
@Index('term_by_agreement_version', ['agreementVersionId'])
@Entity({ name: 'term' })
export class Term {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'term_pk' })
  id: string;

  @Column({ name: 'agreement_version_id', type: 'uuid' })
  agreementVersionId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'direction', type: 'text' })
  direction: string;

  @Column({ name: 'trigger', type: 'text' })
  trigger: string;

  @Column({ name: 'start_event', type: 'text' })
  startEvent: string;

  @Column({
    name: 'window_count',
    type: 'int',
    nullable: true,
    comment: 'null: "without undue delay", a duty without a number',
  })
  windowCount: number | null;

  @Column({ name: 'window_unit', type: 'text', nullable: true })
  windowUnit: string | null;

  @Column({ name: 'zone', type: 'text', default: 'UTC' })
  zone: string;

  @Column({ name: 'calendar_id', type: 'uuid', nullable: true })
  calendarId: string | null;

  @Column({ name: 'warn_percent', type: 'int', default: 50 })
  warnPercent: number;

  @Column({ name: 'escalate_percent', type: 'int', default: 80 })
  escalatePercent: number;

  @Column({ name: 'fulfilled_by', type: 'text', default: 'accepted_by_peer' })
  fulfilledBy: string;

  @Column({
    name: 'least_strength',
    type: 'text',
    nullable: true,
    comment: 'what an acknowledgement must have at least; null: as the policy says',
  })
  leastStrength: string | null;

  @Column({ name: 'language', type: 'text', default: 'en' })
  language: string;

  @Column({ name: 'category', type: 'text', default: 'exposure' })
  category: string;

  @Column({ name: 'rule_version', type: 'text', default: '1' })
  ruleVersion: string;

  @Column({ name: 'valid_from', type: 'timestamptz' })
  validFrom: Date;

  @Column({ name: 'valid_until', type: 'timestamptz', nullable: true })
  validUntil: Date | null;
}
