import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'subscription_attempt_outcome_known',
  `(outcome = ANY (ARRAY['started'::text, 'delivered'::text, 'failed'::text, 'unknown'::text]))`,
)
@ForeignKey('SubscriptionDelivery', ['eventId'], ['id'], { name: 'subscription_attempt_delivery_fk' })
@Index('subscription_attempt_by_event', ['eventId'])
@ForeignKey('Subscription', ['subscriptionId', 'partyId'], ['id', 'partyId'], {
  name: 'subscription_attempt_subscription_fk',
})
@Unique('subscription_attempt_once', ['subscriptionId', 'eventId', 'number'])
@Entity({ name: 'subscription_attempt' })
export class SubscriptionAttempt {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'subscription_attempt_pk' })
  id: string;

  @Column({ name: 'subscription_id', type: 'uuid' })
  subscriptionId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId: string;

  @Column({ name: 'number', type: 'int' })
  number: number;

  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  @Column({ name: 'status', type: 'int', nullable: true })
  status: number | null;

  @Column({ name: 'peer_answer', type: 'text', default: '' })
  peerAnswer: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'next_at', type: 'timestamptz', nullable: true })
  nextAt: Date | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
