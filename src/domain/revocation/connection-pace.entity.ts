import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** When the next request to a supplier account may leave, for all processes together. */
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'connection_pace_connection_fk' })
@Entity({ name: 'connection_pace' })
export class ConnectionPace {
  @PrimaryColumn({ name: 'connection_id', type: 'uuid', primaryKeyConstraintName: 'connection_pace_pk' })
  connectionId: string;

  @Column({
    name: 'next_at',
    type: 'timestamptz',
    comment: 'by the clock of the database: when the next request may leave',
  })
  nextAt: Date;
}
