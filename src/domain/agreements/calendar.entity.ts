import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

@Unique('calendar_key', ['key'])
@Entity({ name: 'calendar' })
export class Calendar {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'calendar_pk' })
  id: string;

  @Column({ name: 'key', type: 'text' })
  key: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'zone', type: 'text' })
  zone: string;

  @Column({ name: 'working_days', type: 'int', array: true })
  workingDays: number[];

  @Column({ name: 'day_ends', type: 'time', default: () => "'24:00:00'" })
  dayEnds: string;

  @Column({ name: 'holidays', type: 'date', array: true, default: () => "'{}'" })
  holidays: string[];

  @Column({ name: 'source', type: 'text', default: 'operator' })
  source: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
