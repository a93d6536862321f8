import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'rotation_place_state_known',
  `(state = ANY (ARRAY['holds_new'::text, 'left'::text, 'taken_back'::text]))`,
)
@Check('rotation_place_how_known', `(how = ANY (ARRAY['statement'::text, 'seen'::text, 'store'::text]))`)
@ForeignKey('Rotation', ['rotationId'], ['id'], { name: 'rotation_place_rotation_fk' })
@ForeignKey('CredentialLocation', ['locationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'rotation_place_location_fk',
})
@Index('rotation_place_by_location', ['locationId'])
@Entity({ name: 'rotation_place' })
export class RotationPlace {
  @PrimaryColumn({ name: 'rotation_id', type: 'uuid', primaryKeyConstraintName: 'rotation_place_pk' })
  rotationId: string;

  @PrimaryColumn({ name: 'location_id', type: 'uuid', primaryKeyConstraintName: 'rotation_place_pk' })
  locationId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'state', type: 'text' })
  state: string;

  @Column({ name: 'how', type: 'text' })
  how: string;

  @Column({ name: 'by', type: 'text' })
  by: string;

  @Column({ name: 'note', type: 'text', default: '' })
  note: string;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
