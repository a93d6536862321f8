import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@Check('term_recipient_minutes', `((after_minutes >= 0) AND (after_minutes <= 43200))`)
@Check('term_recipient_one_time', `(num_nonnulls(after_minutes, after_percent) <= 1)`)
@Check('term_recipient_percent', `((after_percent >= 0) AND (after_percent <= 100))`)
@Check('term_recipient_time_of_fallback', `(fallback OR (num_nonnulls(after_minutes, after_percent) = 0))`)
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'term_recipient_contact_fk' })
@ForeignKey('Term', ['termId', 'partyId'], ['id', 'partyId'], { name: 'term_recipient_term_fk' })
@Entity({ name: 'term_recipient' })
export class TermRecipient {
  @PrimaryColumn({ name: 'term_id', type: 'uuid', primaryKeyConstraintName: 'term_recipient_pk' })
  termId: string;

  @PrimaryColumn({ name: 'contact_id', type: 'uuid', primaryKeyConstraintName: 'term_recipient_pk' })
  contactId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'ordinal', type: 'int' })
  ordinal: number;

  @Column({ name: 'fallback', type: 'boolean', default: false })
  fallback: boolean;

  @Column({ name: 'after_minutes', type: 'int', nullable: true })
  afterMinutes: number | null;

  @Column({ name: 'after_percent', type: 'int', nullable: true })
  afterPercent: number | null;
}
