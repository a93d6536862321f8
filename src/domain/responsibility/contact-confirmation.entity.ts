import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'contact_confirmation_integration_fk' })
@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], {
  name: 'contact_confirmation_contact_fk',
})
@Unique('contact_confirmation_once', ['integrationId', 'contactId'])
@Index('contact_confirmation_open', { synchronize: false })
@Entity({ name: 'contact_confirmation' })
export class ContactConfirmation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'contact_confirmation_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'due_at', type: 'timestamptz' })
  dueAt: Date;

  @Column({ name: 'confirmed_at', type: 'timestamptz', nullable: true })
  confirmedAt: Date | null;
}
