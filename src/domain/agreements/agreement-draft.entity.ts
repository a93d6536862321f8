import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Agreement', ['agreementId', 'partyId'], ['id', 'partyId'], {
  name: 'agreement_draft_agreement_fk',
})
@Entity({ name: 'agreement_draft' })
export class AgreementDraft {
  @PrimaryColumn({ name: 'agreement_id', type: 'uuid', primaryKeyConstraintName: 'agreement_draft_pk' })
  agreementId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({
    name: 'based_on',
    type: 'int',
    default: 0,
    comment: 'number of the version that it was copied from; 0: none',
  })
  basedOn: number;

  @Column({ name: 'content', type: 'jsonb' })
  content: unknown;

  @Column({ name: 'valid_from', type: 'timestamptz', nullable: true })
  validFrom: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
