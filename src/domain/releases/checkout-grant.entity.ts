import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** What was declared beforehand: which machine may check out which credential, what for, how many at once and for how long. */
@Check('checkout_grant_four_eyes', `decided_by <> requested_by`)
@Check('checkout_grant_limits', `max_simultaneous BETWEEN 1 AND 1000 AND max_seconds BETWEEN 10 AND 86400`)
@Check('checkout_grant_state_known', `state IN ('proposed', 'approved', 'refused', 'ended')`)
@ForeignKey('Person', ['consentPersonId'], ['id'], { name: 'checkout_grant_consent_fk' })
@ForeignKey('MachineIdentity', ['identityId', 'integrationId'], ['id', 'integrationId'], {
  name: 'checkout_grant_identity_fk',
})
@ForeignKey('CredentialUse', ['credentialId', 'integrationId'], ['credentialId', 'integrationId'], {
  name: 'checkout_grant_use_fk',
})
@Unique('checkout_grant_whole', ['id', 'identityId', 'credentialId', 'integrationId'])
@Index('checkout_grant_by_credential', ['credentialId'])
@Index('checkout_grant_by_integration', ['integrationId'])
@Index('checkout_grant_one_purpose', { synchronize: false })
@Entity({ name: 'checkout_grant' })
export class CheckoutGrant {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'checkout_grant_pk' })
  id: string;

  @Column({ name: 'identity_id', type: 'uuid' })
  identityId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  @Column({ name: 'max_simultaneous', type: 'int' })
  maxSimultaneous: number;

  @Column({ name: 'max_seconds', type: 'int' })
  maxSeconds: number;

  @Column({ name: 'consent_person_id', type: 'uuid', nullable: true })
  consentPersonId: string | null;

  @Column({ name: 'consent_until', type: 'timestamptz', nullable: true })
  consentUntil: Date | null;

  @Column({ name: 'state', type: 'text', default: 'proposed' })
  state: string;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'requested_at', type: 'timestamptz' })
  requestedAt: Date;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'ended_by', type: 'text', nullable: true })
  endedBy: string | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
