import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** The limits that a supplier puts on us. Absent columns: no limit of that kind. */
@Check('lane_limits_positive', `concurrency > 0 AND per_second > 0`)
@Entity({ name: 'lane' })
export class Lane {
  @PrimaryColumn({ name: 'key', type: 'text', primaryKeyConstraintName: 'lane_pk' })
  key: string;

  @Column({ name: 'concurrency', type: 'int', nullable: true })
  concurrency: number | null;

  @Column({ name: 'per_second', type: 'real', nullable: true })
  perSecond: number | null;

  @Column({ name: 'next_slot_at', type: 'timestamptz' })
  nextSlotAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
