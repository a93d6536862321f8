import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A lease: one credential, released to one machine for one purpose until an instant. Never the value. */
@Check('checkout_open_is_released', `state <> 'open' OR released_at IS NOT NULL`)
@Check(
  'checkout_released_ends',
  `released_at IS NULL OR (version_id IS NOT NULL AND expires_at IS NOT NULL AND latest_end IS NOT NULL)`,
)
@Check(
  'checkout_state_known',
  `state IN ('waiting', 'consented', 'refused', 'open', 'returned', 'expired', 'revoked', 'failed')`,
)
@ForeignKey(
  'CheckoutGrant',
  ['grantId', 'identityId', 'credentialId', 'integrationId'],
  ['id', 'identityId', 'credentialId', 'integrationId'],
  { name: 'checkout_grant_fk' },
)
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'checkout_version_fk' })
@Index('checkout_by_credential', ['credentialId', 'askedAt'])
@Index('checkout_by_integration', ['integrationId', 'askedAt'])
@Index('checkout_open', { synchronize: false })
@Index('checkout_to_end', { synchronize: false })
@Entity({ name: 'checkout' })
export class Checkout {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'checkout_pk' })
  id: string;

  @Column({ name: 'grant_id', type: 'uuid' })
  grantId: string;

  @Column({ name: 'identity_id', type: 'uuid' })
  identityId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid', nullable: true })
  versionId: string | null;

  @Column({ name: 'state', type: 'text' })
  state: string;

  @Column({ name: 'seconds', type: 'int' })
  seconds: number;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'answer_until', type: 'timestamptz', nullable: true })
  answerUntil: Date | null;

  @Column({ name: 'consent_by', type: 'text', nullable: true })
  consentBy: string | null;

  @Column({ name: 'consent_at', type: 'timestamptz', nullable: true })
  consentAt: Date | null;

  @Column({ name: 'released_at', type: 'timestamptz', nullable: true })
  releasedAt: Date | null;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  @Column({ name: 'latest_end', type: 'timestamptz', nullable: true })
  latestEnd: Date | null;

  @Column({ name: 'renewals', type: 'int', default: 0 })
  renewals: number;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  @Column({ name: 'ended_by', type: 'text', nullable: true })
  endedBy: string | null;
}
