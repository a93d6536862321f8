import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'drill_faults_known',
  `faults <@ ARRAY['invalid-new-secret', 'supplier-rejects-reauthentication', 'worker-dies', 'response-lost', 'lying-200']`,
)
@Check('drill_faults_on_a_canary', `faults = '{}' OR canary_id IS NOT NULL`)
@Check('drill_runbook_known', `runbook IN ('drill', 'rotation-drill')`)
@Check('drill_outcome_known', `outcome IN ('passed', 'failed', 'cancelled')`)
@ForeignKey('Canary', ['canaryId'], ['id'], { name: 'drill_canary_fk' })
@ForeignKey('Canary', ['successorId'], ['id'], { name: 'drill_successor_fk' })
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

  @Column({ name: 'faults', type: 'text', array: true, default: '{}', comment: 'what is made to go wrong' })
  faults: string[];

  @Column({
    name: 'injections',
    type: 'jsonb',
    default: () => "'[]'",
    comment: 'each time that something was made to go wrong: fault, part, at, did, reached, early',
  })
  injections: unknown;

  @Column({
    name: 'findings',
    type: 'jsonb',
    default: () => "'[]'",
    comment: 'what came of each fault: expected, held, said, times, at, seconds',
  })
  findings: unknown;

  @Column({
    name: 'counts',
    type: 'boolean',
    default: true,
    comment: 'whether it says something about the path; not where a fault forbade any proof, and held',
  })
  counts: boolean;

  @Column({ name: 'runbook', type: 'text', default: 'drill' })
  runbook: string;

  @Column({ name: 'successor_id', type: 'uuid', nullable: true })
  successorId: string | null;

  @Column({
    name: 'successor_label',
    type: 'text',
    nullable: true,
    comment: 'under which name a new canary was asked for; kept before the supplier is',
  })
  successorLabel: string | null;

  @Column({ name: 'validated_at', type: 'timestamptz', nullable: true })
  validatedAt: Date | null;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;

  @Column({ name: 'revoke_sent_at', type: 'timestamptz', nullable: true })
  revokeSentAt: Date | null;

  @Column({ name: 'proven_at', type: 'timestamptz', nullable: true })
  provenAt: Date | null;
}
