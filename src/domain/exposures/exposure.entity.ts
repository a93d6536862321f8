import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('exposure_accepted_has_incident', `((state <> 'accepted'::text) OR (incident_id IS NOT NULL))`)
@Check('exposure_match_known', `(match = ANY (ARRAY['value'::text, 'metadata'::text, 'none'::text]))`)
@Check(
  'exposure_source_says_known',
  `(source_says = ANY (ARRAY['live'::text, 'dead'::text, 'unknown'::text]))`,
)
@Check(
  'exposure_state_known',
  `(state = ANY (ARRAY['received'::text, 'fetching'::text, 'matched'::text, 'triage'::text, 'accepted'::text, 'dismissed'::text]))`,
)
@Check('exposure_trust_known', `(trust = ANY (ARRAY['act'::text, 'approve'::text, 'inform'::text]))`)
@Check('exposure_triage_has_reason', `((state <> 'triage'::text) OR (triage_reason IS NOT NULL))`)
@ForeignKey('ExposureBatch', ['batchId'], ['id'], { name: 'exposure_batch_fk' })
@ForeignKey('Delivery', ['deliveryId'], ['id'], { name: 'exposure_delivery_fk' })
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'exposure_incident_fk' })
@ForeignKey('Party', ['reporterPartyId'], ['id'], { name: 'exposure_reporter_party_fk' })
@ForeignKey('ExposureSource', ['sourceId'], ['id'], { name: 'exposure_source_fk' })
@ForeignKey(
  'CredentialVersion',
  ['versionId', 'credentialId', 'integrationId'],
  ['id', 'credentialId', 'integrationId'],
  { name: 'exposure_version_fk' },
)
@Unique('exposure_reference', ['reference'])
@Index('exposure_by_batch', ['batchId'])
@Index('exposure_by_delivery', ['deliveryId'])
@Index('exposure_unmatched', { synchronize: false })
@Index('exposure_by_reporter', { synchronize: false })
@Index('exposure_by_supplier_id', { synchronize: false })
@Index('exposure_by_version', { synchronize: false })
@Index('exposure_by_incident', { synchronize: false })
@Index('exposure_by_state', ['state', 'receivedAt'])
@Index('exposure_once_per_source', { synchronize: false })
@Entity({ name: 'exposure' })
export class Exposure {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'exposure_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'batch_id', type: 'uuid' })
  batchId: string;

  @Column({ name: 'source_id', type: 'uuid', nullable: true })
  sourceId: string | null;

  @Column({ name: 'delivery_id', type: 'uuid', nullable: true })
  deliveryId: string | null;

  @Column({ name: 'external_ref', type: 'text' })
  externalRef: string;

  @Column({ name: 'reporter_kind', type: 'text' })
  reporterKind: string;

  @Column({ name: 'reporter_id', type: 'text' })
  reporterId: string;

  @Column({ name: 'reporter_party_id', type: 'uuid', nullable: true })
  reporterPartyId: string | null;

  @Column({ name: 'trust', type: 'text', comment: 'of its source or reporter, when it came' })
  trust: string;

  @Column({ name: 'place', type: 'text', nullable: true })
  place: string | null;

  @Column({ name: 'state', type: 'text', default: 'received' })
  state: string;

  @Column({ name: 'triage_reason', type: 'text', nullable: true })
  triageReason: string | null;

  @Column({ name: 'match', type: 'text', nullable: true })
  match: string | null;

  @Column({ name: 'version_id', type: 'uuid', nullable: true })
  versionId: string | null;

  @Column({ name: 'credential_id', type: 'uuid', nullable: true })
  credentialId: string | null;

  @Column({ name: 'integration_id', type: 'uuid', nullable: true })
  integrationId: string | null;

  @Column({ name: 'incident_id', type: 'uuid', nullable: true })
  incidentId: string | null;

  @Column({ name: 'supplier_id', type: 'text', nullable: true })
  supplierId: string | null;

  @Column({ name: 'kind', type: 'text', nullable: true })
  kind: string | null;

  @Column({ name: 'source_says', type: 'text', default: 'unknown' })
  sourceSays: string;

  @Column({ name: 'publicly_leaked', type: 'boolean', default: false })
  publiclyLeaked: boolean;

  @Column({ name: 'occurred_at', type: 'timestamptz', nullable: true })
  occurredAt: Date | null;

  @Column({ name: 'detected_at', type: 'timestamptz', nullable: true })
  detectedAt: Date | null;

  @Column({ name: 'received_at', type: 'timestamptz' })
  receivedAt: Date;

  @Column({ name: 'matched_at', type: 'timestamptz', nullable: true })
  matchedAt: Date | null;

  @Column({ name: 'resolved_at', type: 'timestamptz', nullable: true })
  resolvedAt: Date | null;

  @Column({ name: 'resolution', type: 'text', nullable: true })
  resolution: string | null;

  @Column({ name: 'source_as_of', type: 'timestamptz', nullable: true })
  sourceAsOf: Date | null;

  @Column({ name: 'dismiss_requested_by', type: 'text', nullable: true })
  dismissRequestedBy: string | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
