import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** When a contact is on duty and when it wants quiet. Without a row: always on duty, never quiet. */
@Check('contact_hours_days_known', `(duty_days <@ ARRAY[1, 2, 3, 4, 5, 6, 7])`)
@Check('contact_hours_measure_positive', `(most_per_hour > 0)`)
@Check('contact_hours_quiet_whole', `((quiet_from IS NULL) = (quiet_until IS NULL))`)
@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], {
  name: 'contact_hours_contact_fk',
  onDelete: 'CASCADE',
})
@Entity({
  name: 'contact_hours',
  comment:
    'when a contact is on duty and wants quiet, in a zone of its own; without a row: always on duty, never quiet',
})
export class ContactHours {
  @PrimaryColumn({ name: 'contact_id', type: 'uuid', primaryKeyConstraintName: 'contact_hours_pk' })
  contactId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'zone', type: 'text' })
  zone: string;

  @Column({ name: 'duty_days', type: 'int', array: true, default: () => "'{1,2,3,4,5,6,7}'" })
  dutyDays: number[];

  @Column({ name: 'duty_from', type: 'text', default: '00:00' })
  dutyFrom: string;

  @Column({ name: 'duty_until', type: 'text', default: '24:00' })
  dutyUntil: string;

  @Column({ name: 'quiet_from', type: 'text', nullable: true })
  quietFrom: string | null;

  @Column({ name: 'quiet_until', type: 'text', nullable: true })
  quietUntil: string | null;

  @Column({ name: 'most_per_hour', type: 'int', nullable: true })
  mostPerHour: number | null;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;
}
