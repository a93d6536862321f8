import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ name: 'person' })
export class Person {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'person_pkey' })
  id: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'erased_at', type: 'timestamptz', nullable: true })
  erasedAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
