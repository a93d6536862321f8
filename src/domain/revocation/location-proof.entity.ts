import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'location_proof_verdict_known',
  `(verdict = ANY (ARRAY['gone'::text, 'present'::text, 'cannot_be_proven'::text]))`,
)
@ForeignKey('Evidence', ['evidenceId'], ['id'], { name: 'location_proof_evidence_fk' })
@ForeignKey('CredentialLocation', ['locationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'location_proof_location_fk',
})
@ForeignKey('Statement', ['statementId'], ['id'], { name: 'location_proof_statement_fk' })
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'location_proof_version_fk' })
@Index('location_proof_by_location', { synchronize: false })
@Entity({ name: 'location_proof' })
export class LocationProof {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'location_proof_pk' })
  id: string;

  @Column({ name: 'location_id', type: 'uuid' })
  locationId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'verdict', type: 'text' })
  verdict: string;

  @Column({ name: 'method', type: 'text' })
  method: string;

  @Column({ name: 'why', type: 'text', default: '' })
  why: string;

  @Column({ name: 'evidence_id', type: 'uuid', nullable: true })
  evidenceId: string | null;

  @Column({ name: 'statement_id', type: 'uuid', nullable: true })
  statementId: string | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
