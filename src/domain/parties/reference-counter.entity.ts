import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ name: 'reference_counter' })
export class ReferenceCounter {
  @PrimaryColumn({ name: 'prefix', type: 'text', primaryKeyConstraintName: 'reference_counter_pk' })
  prefix: string;

  @PrimaryColumn({ name: 'year', type: 'int', primaryKeyConstraintName: 'reference_counter_pk' })
  year: number;

  @Column({ name: 'last', type: 'int' })
  last: number;
}
