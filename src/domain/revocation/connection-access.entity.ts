import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** What was last seen of our own token at a supplier, where tokens end by themselves. */
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'connection_access_connection_fk' })
@Entity({ name: 'connection_access' })
export class ConnectionAccess {
  @PrimaryColumn({ name: 'connection_id', type: 'uuid', primaryKeyConstraintName: 'connection_access_pk' })
  connectionId: string;

  @Column({ name: 'ends_at', type: 'timestamptz', nullable: true })
  endsAt: Date | null;

  @Column({ name: 'problem', type: 'text', nullable: true })
  problem: string | null;

  @Column({ name: 'looked_at', type: 'timestamptz' })
  lookedAt: Date;
}
