import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'session_user_fk', onDelete: 'CASCADE' })
@Index('session_by_user', ['userId'])
@Index('session_expires', ['expiresAt'])
@Entity({ name: 'session' })
export class Session {
  @PrimaryColumn({ name: 'sid_hash', type: 'text', primaryKeyConstraintName: 'session_pkey' })
  sidHash: string;

  @Column({ name: 'user_id', type: 'uuid', nullable: true })
  userId: string | null;

  @Column({ name: 'data', type: 'jsonb' })
  data: unknown;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
