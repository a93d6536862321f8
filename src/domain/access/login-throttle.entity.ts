import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ name: 'login_throttle' })
export class LoginThrottle {
  @PrimaryColumn({ name: 'subject_hash', type: 'text', primaryKeyConstraintName: 'login_throttle_pkey' })
  subjectHash: string;

  @Column({ name: 'failures', type: 'int' })
  failures: number;

  @Column({ name: 'last_at', type: 'timestamptz' })
  lastAt: Date;

  @Column({ name: 'locked_until', type: 'timestamptz', nullable: true })
  lockedUntil: Date | null;
}
