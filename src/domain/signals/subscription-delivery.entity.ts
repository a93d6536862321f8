import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check(
  'subscription_delivery_state_known',
  `(state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text]))`,
)
@Check('subscription_delivery_pending', `((state = 'pending'::text) = (ended_at IS NULL))`)
@Check('subscription_delivery_small', `(octet_length((data)::text) < 19000)`)
@ForeignKey('Subscription', ['subscriptionId', 'partyId'], ['id', 'partyId'], {
  name: 'subscription_delivery_subscription_fk',
})
@Unique('subscription_delivery_once', ['subscriptionId', 'dedupe'])
@Index('subscription_delivery_due', { synchronize: false })
@Index('subscription_delivery_pending_since', { synchronize: false })
@Index('subscription_delivery_log', { synchronize: false })
@Index('subscription_delivery_updates', { synchronize: false })
@Entity({ name: 'subscription_delivery' })
export class SubscriptionDelivery {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'subscription_delivery_pk' })
  id: string;

  @Column({ name: 'subscription_id', type: 'uuid' })
  subscriptionId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'type', type: 'text' })
  type: string;

  @Column({ name: 'txn', type: 'uuid' })
  txn: string;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'data', type: 'jsonb' })
  data: unknown;

  @Column({ name: 'dedupe', type: 'text', nullable: true })
  dedupe: string | null;

  @Column({ name: 'occurred_at', type: 'timestamptz' })
  occurredAt: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'state', type: 'text', default: 'pending' })
  state: string;

  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  @Column({ name: 'next_at', type: 'timestamptz', nullable: true })
  nextAt: Date | null;

  @Column({ name: 'lease_until', type: 'timestamptz', nullable: true })
  leaseUntil: Date | null;

  @Column({ name: 'fence', type: 'int', default: 0 })
  fence: number;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
