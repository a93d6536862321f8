import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('RevocationPath', ['revocationPathId'], ['id'], { name: 'drill_path_fk' })
@Index('drill_by_path', ['revocationPathId', 'startedAt'])
@Entity({ name: 'drill' })
export class Drill {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'drill_pk' })
  id: string;

  @Column({ name: 'revocation_path_id', type: 'uuid' })
  revocationPathId: string;

  @Column({ name: 'run_id', type: 'uuid', nullable: true })
  runId: string | null;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  @Column({ name: 'outcome', type: 'text', nullable: true })
  outcome: string | null;
}
