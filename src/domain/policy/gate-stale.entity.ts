import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An integration of which something changed that the gate rests on. Written by triggers. */
@Index('gate_stale_by_integration', ['integrationId'])
@Entity({ name: 'gate_stale' })
export class GateStale {
  @PrimaryColumn({
    name: 'id',
    type: 'uuid',
    primaryKeyConstraintName: 'gate_stale_pk',
  })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;
}
