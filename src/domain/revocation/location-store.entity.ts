import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** Which entry of which store a copy is. Whoever writes it decides where a value is sent. */
@ForeignKey('CredentialLocation', ['locationId'], ['id'], { name: 'location_store_location_fk' })
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'location_store_connection_fk' })
@Index('location_store_by_connection', ['connectionId'])
@Entity({ name: 'location_store' })
export class LocationStore {
  @PrimaryColumn({ name: 'location_id', type: 'uuid', primaryKeyConstraintName: 'location_store_pk' })
  locationId: string;

  @Column({ name: 'connection_id', type: 'uuid' })
  connectionId: string;

  @Column({ name: 'entry', type: 'text' })
  entry: string;

  @Column({ name: 'field', type: 'text', nullable: true })
  field: string | null;

  @Column({ name: 'set_by', type: 'text' })
  setBy: string;

  @Column({ name: 'set_at', type: 'timestamptz' })
  setAt: Date;
}
