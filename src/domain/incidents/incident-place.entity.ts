import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('Incident', ['incidentId'], ['id'], { name: 'incident_place_incident_fk' })
@Index('incident_place_one_open', { synchronize: false })
@Entity({
  name: 'incident_place',
  comment: 'where the leak was found; leaks at one place while its incident is open belong together',
})
export class IncidentPlace {
  @PrimaryColumn({ name: 'incident_id', type: 'uuid', primaryKeyConstraintName: 'incident_place_pk' })
  incidentId: string;

  @PrimaryColumn({ name: 'place', type: 'text', primaryKeyConstraintName: 'incident_place_pk' })
  place: string;

  @Column({ name: 'open', type: 'boolean', default: true })
  open: boolean;
}
