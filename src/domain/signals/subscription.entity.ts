import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('subscription_state_known', `(state = ANY (ARRAY['enabled'::text, 'paused'::text, 'disabled'::text]))`)
@Check('subscription_kind_known', `(kind = ANY (ARRAY['webhook'::text, 'set-push'::text, 'set-poll'::text]))`)
@Check('subscription_removed_is_disabled', `((removed_at IS NULL) OR (state = 'disabled'::text))`)
@Index('subscription_by_party', { synchronize: false })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'subscription_party_fk' })
@Unique('subscription_id_party', ['id', 'partyId'])
@Entity({ name: 'subscription' })
export class Subscription {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'subscription_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({
    name: 'url',
    type: 'text',
    comment: 'where it is, masked; the whole address is in the vault',
  })
  url: string;

  @Column({ name: 'events', type: 'text', array: true })
  events: string[];

  @Column({ name: 'key_refs', type: 'jsonb', default: () => "'[]'" })
  keyRefs: unknown;

  @Column({ name: 'state', type: 'text', default: 'enabled' })
  state: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;

  @Column({ name: 'name', type: 'text', default: '' })
  name: string;

  @Column({ name: 'url_ref', type: 'text', nullable: true })
  urlRef: string | null;

  @Column({ name: 'auth_ref', type: 'text', nullable: true })
  authRef: string | null;

  @Column({ name: 'settings', type: 'jsonb', default: () => "'{}'" })
  settings: unknown;

  @Column({ name: 'state_why', type: 'text', default: '' })
  stateWhy: string;

  @Column({
    name: 'failures',
    type: 'int',
    default: 0,
    comment: 'attempts that failed one after the other; 0: it is well',
  })
  failures: number;

  @Column({ name: 'failing_since', type: 'timestamptz', nullable: true })
  failingSince: Date | null;

  @Column({
    name: 'held_until',
    type: 'timestamptz',
    nullable: true,
    comment: 'nothing is sent there before',
  })
  heldUntil: Date | null;

  @Column({
    name: 'probe_until',
    type: 'timestamptz',
    nullable: true,
    comment: 'one message is trying it, and no other does before',
  })
  probeUntil: Date | null;

  @Column({ name: 'delivered_at', type: 'timestamptz', nullable: true })
  deliveredAt: Date | null;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'removed_at', type: 'timestamptz', nullable: true })
  removedAt: Date | null;
}
