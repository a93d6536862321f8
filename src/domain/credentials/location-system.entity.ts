import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('CredentialLocation', ['locationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'location_system_location_fk',
})
@ForeignKey('ReachableSystem', ['systemId'], ['id'], { name: 'location_system_system_fk' })
@Index('location_system_by_system', ['systemId'])
@Entity({ name: 'location_system' })
export class LocationSystem {
  @PrimaryColumn({ name: 'location_id', type: 'uuid', primaryKeyConstraintName: 'location_system_pk' })
  locationId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @PrimaryColumn({ name: 'system_id', type: 'uuid', primaryKeyConstraintName: 'location_system_pk' })
  systemId: string;
}
