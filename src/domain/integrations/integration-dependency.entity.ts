import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('integration_dependency_depth_range', `((depth >= 1) AND (depth <= 5))`)
@Check('integration_dependency_not_itself', `(depends_on_integration_id <> integration_id)`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'integration_dependency_integration_fk' })
@ForeignKey('Integration', ['dependsOnIntegrationId'], ['id'], { name: 'integration_dependency_on_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'integration_dependency_party_fk' })
@Unique('integration_dependency_once', ['integrationId', 'partyId', 'depth'])
@Entity({ name: 'integration_dependency' })
export class IntegrationDependency {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'integration_dependency_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'depends_on_integration_id', type: 'uuid', nullable: true })
  dependsOnIntegrationId: string | null;

  @Column({ name: 'depth', type: 'int' })
  depth: number;

  @Column({ name: 'via', type: 'text', default: '' })
  via: string;
}
