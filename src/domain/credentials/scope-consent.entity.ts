import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A person's explicit consent to one sensitive scope of a credential. */
@Check('scope_consent_withdrawn_whole', `((withdrawn_at IS NULL) = (withdrawn_by IS NULL))`)
@ForeignKey('Credential', ['credentialId', 'integrationId'], ['id', 'integrationId'], {
  name: 'scope_consent_credential_fk',
})
@ForeignKey('Person', ['personId'], ['id'], { name: 'scope_consent_person_fk' })
@Index('scope_consent_standing', { synchronize: false })
@Entity({ name: 'scope_consent' })
export class ScopeConsent {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'scope_consent_pk' })
  id: string;

  @Column({ name: 'credential_id', type: 'uuid' })
  credentialId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'scope', type: 'text' })
  scope: string;

  @Column({ name: 'statement', type: 'text' })
  statement: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'withdrawn_by', type: 'text', nullable: true })
  withdrawnBy: string | null;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;
}
