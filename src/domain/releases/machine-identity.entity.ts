import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** A workload that may prove who it is: by a key of its own, or by the word of its platform. */
@Check('machine_identity_four_eyes', `decided_by <> registered_by`)
@Check(
  'machine_identity_proof',
  `CASE kind WHEN 'key' THEN public_key IS NOT NULL AND thumbprint IS NOT NULL AND issuer IS NULL AND subject IS NULL WHEN 'oidc' THEN public_key IS NULL AND thumbprint IS NULL AND issuer IS NOT NULL AND subject IS NOT NULL ELSE false END`,
)
@Check('machine_identity_state_known', `state IN ('proposed', 'approved', 'refused', 'retired')`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'machine_identity_integration_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'machine_identity_party_fk' })
@Unique('machine_identity_id_integration', ['id', 'integrationId'])
@Unique('machine_identity_reference', ['reference'])
@Index('machine_identity_by_integration', ['integrationId'])
@Index('machine_identity_one_key', { synchronize: false })
@Index('machine_identity_one_subject', { synchronize: false })
@Entity({ name: 'machine_identity' })
export class MachineIdentity {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'machine_identity_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'environment', type: 'text' })
  environment: string;

  @Column({ name: 'kind', type: 'text' })
  kind: string;

  @Column({ name: 'public_key', type: 'jsonb', nullable: true })
  publicKey: unknown;

  @Column({ name: 'thumbprint', type: 'text', nullable: true })
  thumbprint: string | null;

  @Column({ name: 'issuer', type: 'text', nullable: true })
  issuer: string | null;

  @Column({ name: 'subject', type: 'text', nullable: true })
  subject: string | null;

  @Column({ name: 'state', type: 'text', default: 'proposed' })
  state: string;

  @Column({ name: 'registered_by', type: 'text' })
  registeredBy: string;

  @Column({ name: 'registered_at', type: 'timestamptz' })
  registeredAt: Date;

  @Column({ name: 'decided_by', type: 'text', nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt: Date | null;

  @Column({ name: 'retired_by', type: 'text', nullable: true })
  retiredBy: string | null;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt: Date | null;

  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt: Date | null;
}
