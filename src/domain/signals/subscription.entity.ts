import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('subscription_state_known', `(state = ANY (ARRAY['enabled'::text, 'paused'::text, 'disabled'::text]))`)
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

  @Column({ name: 'url', type: 'text' })
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
}
