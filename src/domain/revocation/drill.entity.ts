import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check('drill_outcome_known', `outcome IN ('passed', 'failed', 'cancelled')`)
@ForeignKey('Canary', ['canaryId'], ['id'], { name: 'drill_canary_fk' })
@ForeignKey('Notice', ['noticeId'], ['id'], { name: 'drill_notice_fk' })
@ForeignKey('RevocationPath', ['revocationPathId'], ['id'], { name: 'drill_path_fk' })
@Index('drill_by_path', ['revocationPathId', 'startedAt'])
@Index('drill_one_open', { synchronize: false })
@Index('drill_open_run', { synchronize: false })
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

  @Column({ name: 'canary_id', type: 'uuid', nullable: true })
  canaryId: string | null;

  @Column({ name: 'notice_id', type: 'uuid', nullable: true })
  noticeId: string | null;

  @Column({ name: 'requested_by', type: 'text', default: '' })
  requestedBy: string;

  @Column({ name: 'why', type: 'text', default: '' })
  why: string;

  @Column({
    name: 'evidence',
    type: 'jsonb',
    default: () => "'[]'",
    comment: 'each exchange: kind, outcome, why, asked, status, extract (redacted), path, from and until',
  })
  evidence: unknown;

  @Column({ name: 'revoke_sent_at', type: 'timestamptz', nullable: true })
  revokeSentAt: Date | null;

  @Column({ name: 'proven_at', type: 'timestamptz', nullable: true })
  provenAt: Date | null;
}
