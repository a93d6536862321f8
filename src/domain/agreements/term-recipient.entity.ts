import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

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
}
