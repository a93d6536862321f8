import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'supplier_account_judgement_known',
  `(judgement = ANY (ARRAY['in_time'::text, 'late'::text, 'no_number'::text, 'nothing_agreed'::text]))`,
)
@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'supplier_account_incident_fk' })
@ForeignKey('IncidentCase', ['caseId', 'integrationId'], ['id', 'integrationId'], {
  name: 'supplier_account_case_fk',
})
@ForeignKey('Party', ['partyId'], ['id'], { name: 'supplier_account_party_fk' })
@ForeignKey('Term', ['termId'], ['id'], { name: 'supplier_account_term_fk' })
@ForeignKey('SupplierAccount', ['disputesId'], ['id'], { name: 'supplier_account_disputes_fk' })
@Index('supplier_account_by_case', ['caseId', 'recordedAt'])
@Index('supplier_account_by_party', { synchronize: false })
@Entity({ name: 'supplier_account' })
export class SupplierAccount {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'supplier_account_pk' })
  id: string;

  @Column({ name: 'incident_id', type: 'uuid' })
  incidentId: string;

  @Column({ name: 'case_id', type: 'uuid' })
  caseId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'term_id', type: 'uuid', nullable: true })
  termId: string | null;

  @Column({ name: 'knew_at', type: 'timestamptz' })
  knewAt: Date;

  @Column({ name: 'knew_basis', type: 'text' })
  knewBasis: string;

  @Column({ name: 'told_at', type: 'timestamptz' })
  toldAt: Date;

  @Column({ name: 'told_basis', type: 'text' })
  toldBasis: string;

  @Column({ name: 'zone', type: 'text' })
  zone: string;

  @Column({ name: 'due_at', type: 'timestamptz', nullable: true })
  dueAt: Date | null;

  @Column({ name: 'due_why', type: 'text' })
  dueWhy: string;

  @Column({
    name: 'frozen',
    type: 'jsonb',
    comment: 'the window, zone and calendar that the due time was computed from',
  })
  frozen: unknown;

  @Column({ name: 'judgement', type: 'text' })
  judgement: string;

  @Column({ name: 'disputes_id', type: 'uuid', nullable: true })
  disputesId: string | null;

  @Column({ name: 'by_kind', type: 'text' })
  byKind: string;

  @Column({ name: 'by_id', type: 'text' })
  byId: string;

  @Column({ name: 'recorded_at', type: 'timestamptz' })
  recordedAt: Date;
}
