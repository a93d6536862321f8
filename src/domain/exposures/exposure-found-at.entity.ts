import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@ForeignKey('Exposure', ['exposureId'], ['id'], { name: 'exposure_found_at_exposure_fk' })
@Unique('exposure_found_at_once', ['exposureId', 'type', 'url', 'path', 'line'])
@Entity({ name: 'exposure_found_at' })
export class ExposureFoundAt {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'exposure_found_at_pk' })
  id: string;

  @Column({ name: 'exposure_id', type: 'uuid' })
  exposureId: string;

  @Column({ name: 'type', type: 'text' })
  type: string;

  @Column({ name: 'url', type: 'text', nullable: true })
  url: string | null;

  @Column({ name: 'path', type: 'text', nullable: true })
  path: string | null;

  @Column({ name: 'line', type: 'int', nullable: true })
  line: number | null;

  @Column({ name: 'seen_at', type: 'timestamptz' })
  seenAt: Date;
}
