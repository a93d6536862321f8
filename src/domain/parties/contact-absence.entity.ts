import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A time in which a contact is not there, and who stands in. */
@Check('contact_absence_another', `(stand_in_id <> contact_id)`)
@Check('contact_absence_has_length', `(until_at > from_at)`)
@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], {
  name: 'contact_absence_contact_fk',
  onDelete: 'CASCADE',
})
@ForeignKey('Contact', ['standInId', 'partyId'], ['id', 'partyId'], { name: 'contact_absence_stand_in_fk' })
@Index('contact_absence_by_contact', ['contactId', 'untilAt'])
@Entity({ name: 'contact_absence' })
export class ContactAbsence {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'contact_absence_pk' })
  id: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'from_at', type: 'timestamptz' })
  fromAt: Date;

  @Column({ name: 'until_at', type: 'timestamptz' })
  untilAt: Date;

  @Column({ name: 'stand_in_id', type: 'uuid', nullable: true })
  standInId: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
