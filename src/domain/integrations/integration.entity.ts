import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('integration_max_connections_range', `((max_connections >= 1) AND (max_connections <= 1000000))`)
@Check('integration_pass_known', `(pass = ANY (ARRAY['held'::text, 'lost'::text, 'refused'::text]))`)
@Check('integration_risk_tier_range', `((risk_tier >= 1) AND (risk_tier <= 4))`)
@Check(
  'integration_state_known',
  `(state = ANY (ARRAY['draft'::text, 'in_review'::text, 'approved'::text, 'live'::text, 'suspended'::text, 'retired'::text, 'quarantined'::text]))`,
)
@ForeignKey('Agreement', ['agreementId'], ['id'], { name: 'integration_agreement_fk' })
@ForeignKey('Contact', ['ownerContactId'], ['id'], { name: 'integration_owner_contact_fk' })
@Unique('integration_external_key', ['source', 'externalKey'])
@Unique('integration_reference', ['reference'])
@Index('integration_by_name', ['name', 'id'])
@Index('integration_by_owner_contact', { synchronize: false })
@Index('integration_by_agreement', { synchronize: false })
@Index('integration_unowned', { synchronize: false })
@Entity({ name: 'integration' })
export class Integration {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'integration_pk' })
  id: string;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'source', type: 'text', default: 'console' })
  source: string;

  @Column({ name: 'external_key', type: 'text', nullable: true })
  externalKey: string | null;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'purpose', type: 'text', default: '' })
  purpose: string;

  @Column({ name: 'data_class', type: 'text', default: 'internal' })
  dataClass: string;

  @Column({ name: 'risk_tier', type: 'int', default: 2 })
  riskTier: number;

  @Column({ name: 'state', type: 'text', default: 'draft' })
  state: string;

  @Column({ name: 'pass', type: 'text', default: 'refused' })
  pass: string;

  @Column({ name: 'pass_grace_until', type: 'timestamptz', nullable: true })
  passGraceUntil: Date | null;

  @Column({ name: 'owner_contact_id', type: 'uuid', nullable: true })
  ownerContactId: string | null;

  @Column({ name: 'agreement_id', type: 'uuid', nullable: true })
  agreementId: string | null;

  @Column({ name: 'environments', type: 'text', array: true, default: () => "'{production}'" })
  environments: string[];

  @Column({ name: 'regions', type: 'text', array: true, default: () => "'{}'" })
  regions: string[];

  @Column({ name: 'sectors', type: 'text', array: true, default: () => "'{}'" })
  sectors: string[];

  @Column({ name: 'shadow', type: 'boolean', default: false })
  shadow: boolean;

  @Column({ name: 'unowned_since', type: 'timestamptz', nullable: true })
  unownedSince: Date | null;

  @Column({ name: 'state_before_quarantine', type: 'text', nullable: true })
  stateBeforeQuarantine: string | null;

  @Column({
    name: 'max_connections',
    type: 'int',
    nullable: true,
    comment: 'how many connections it holds open at once at most; null: nobody said',
  })
  maxConnections: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
