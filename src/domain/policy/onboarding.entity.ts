import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** The way of an integration into production, as a run of a runbook. */
@Check('onboarding_state_known', `state IN ('open', 'done', 'failed', 'cancelled')`)
@Check('onboarding_ended', `(state = 'open') = (ended_at IS NULL)`)
@Check('onboarding_control_ends', `(compensating_control IS NULL) = (control_until IS NULL)`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'onboarding_integration_fk' })
@ForeignKey('Run', ['runId'], ['id'], { name: 'onboarding_run_fk' })
@Index('onboarding_one_open', { synchronize: false })
@Index('onboarding_by_integration', ['integrationId', 'requestedAt'])
@Index('onboarding_by_run', ['runId'])
@Entity({ name: 'onboarding' })
export class Onboarding {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'onboarding_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'run_id', type: 'uuid' })
  runId: string;

  @Column({ name: 'runbook', type: 'text' })
  runbook: string;

  @Column({ name: 'reason', type: 'text' })
  reason: string;

  @Column({
    name: 'compensating_control',
    type: 'text',
    nullable: true,
    comment: 'what stands in for what the fast path leaves out',
  })
  compensatingControl: string | null;

  @Column({ name: 'control_until', type: 'timestamptz', nullable: true })
  controlUntil: Date | null;

  @Column({ name: 'state', type: 'text', default: 'open' })
  state: string;

  @Column({ name: 'requested_by', type: 'text' })
  requestedBy: string;

  @Column({ name: 'requested_at', type: 'timestamptz' })
  requestedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
