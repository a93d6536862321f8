import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'integration_party_role_known',
  `(role = ANY (ARRAY['supplier'::text, 'customer'::text, 'sub_processor'::text, 'authority'::text, 'insurer'::text]))`,
)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'integration_party_integration_fk' })
@ForeignKey('Party', ['partyId', 'partyName'], ['id', 'name'], {
  name: 'integration_party_party_fk',
  onUpdate: 'CASCADE',
})
@Index('integration_party_by_party', ['partyId', 'integrationId'])
@Entity({ name: 'integration_party' })
export class IntegrationParty {
  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'integration_party_pk' })
  integrationId: string;

  @PrimaryColumn({ name: 'party_id', type: 'uuid', primaryKeyConstraintName: 'integration_party_pk' })
  partyId: string;

  @Column({
    name: 'party_name',
    type: 'text',
    comment: "so that one side may read the other's name without seeing its party row",
  })
  partyName: string;

  @PrimaryColumn({ name: 'role', type: 'text', primaryKeyConstraintName: 'integration_party_pk' })
  role: string;
}
