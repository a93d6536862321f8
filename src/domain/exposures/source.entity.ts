import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('source_body_limit_in_range', `((body_limit >= 1024) AND (body_limit <= 67108864))`)
@Check('source_poll_seconds_in_range', `((poll_seconds >= 20) AND (poll_seconds <= 86400))`)
@Check('source_trust_known', `(trust = ANY (ARRAY['act'::text, 'approve'::text, 'inform'::text]))`)
@ForeignKey('Contact', ['ownerContactId'], ['id'], { name: 'source_owner_contact_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'source_party_fk' })
@Unique('source_key', ['key'])
@Entity({ name: 'source' })
export class ExposureSource {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'source_pk' })
  id: string;

  @Column({ name: 'key', type: 'text' })
  key: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'environment', type: 'text', default: 'production' })
  environment: string;

  @Column({
    name: 'trust',
    type: 'text',
    default: 'approve',
    comment: 'how far a report of this source may go unattended: act on its word, ask first, or only inform',
  })
  trust: string;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({ name: 'key_refs', type: 'jsonb', default: () => "'[]'" })
  keyRefs: unknown;

  @Column({ name: 'api_base_url', type: 'text', nullable: true })
  apiBaseUrl: string | null;

  @Column({ name: 'api_token_ref', type: 'text', nullable: true })
  apiTokenRef: string | null;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({ name: 'active', type: 'boolean', default: true })
  active: boolean;

  @Column({ name: 'quota_per_hour', type: 'int', default: 100000 })
  quotaPerHour: number;

  @Column({ name: 'settings', type: 'jsonb', default: () => "'{}'" })
  settings: unknown;

  @Column({
    name: 'body_limit',
    type: 'int',
    nullable: true,
    comment: 'bytes of one delivery; null: what its kind takes',
  })
  bodyLimit: number | null;

  @Column({ name: 'published_keys', type: 'text', nullable: true })
  publishedKeys: string | null;

  @Column({ name: 'published_tag', type: 'text', nullable: true })
  publishedTag: string | null;

  @Column({
    name: 'published_at',
    type: 'timestamptz',
    nullable: true,
    comment: 'when its sender last said that these are its keys',
  })
  publishedAt: Date | null;

  @Column({ name: 'poll_seconds', type: 'int', default: 20 })
  pollSeconds: number;

  @Column({ name: 'polled_at', type: 'timestamptz', nullable: true })
  polledAt: Date | null;

  @Column({
    name: 'poll_problem',
    type: 'text',
    nullable: true,
    comment: 'why the last question failed; null: it did not',
  })
  pollProblem: string | null;

  @Column({
    name: 'poll_taken',
    type: 'int',
    default: 0,
    comment: 'deliveries that the last question brought and that were stored',
  })
  pollTaken: number;

  @Column({ name: 'poll_refused', type: 'int', default: 0 })
  pollRefused: number;

  @Column({ name: 'last_seen_at', type: 'timestamptz', nullable: true })
  lastSeenAt: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
