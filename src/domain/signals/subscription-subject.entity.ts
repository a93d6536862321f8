import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Subscription', ['subscriptionId', 'partyId'], ['id', 'partyId'], {
  name: 'subscription_subject_subscription_fk',
})
@Entity({ name: 'subscription_subject', comment: 'credentials that a receiver wants to hear nothing of' })
export class SubscriptionSubject {
  @PrimaryColumn({
    name: 'subscription_id',
    type: 'uuid',
    primaryKeyConstraintName: 'subscription_subject_pk',
  })
  subscriptionId: string;

  @PrimaryColumn({ name: 'credential_id', type: 'uuid', primaryKeyConstraintName: 'subscription_subject_pk' })
  credentialId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'removed_at', type: 'timestamptz' })
  removedAt: Date;
}
