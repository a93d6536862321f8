import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** The end of an integration, as a run of a runbook. */
@Check('offboarding_state_known', `state IN ('open', 'done', 'failed', 'cancelled')`)
@Check('offboarding_ended', `(state = 'open') = (ended_at IS NULL)`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'offboarding_integration_fk' })
@ForeignKey('Run', ['runId'], ['id'], { name: 'offboarding_run_fk' })
@Index('offboarding_one_open', { synchronize: false })
@Index('offboarding_by_integration', ['integrationId', 'requestedAt'])
@Index('offboarding_by_run', ['runId'])
@Entity({ name: 'offboarding' })
export class Offboarding {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'offboarding_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'run_id', type: 'uuid' })
  runId: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({ name: 'state', type: 'text', default: 'open' })
  state: string;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'requested_at', type: 'timestamptz' })
  requestedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
