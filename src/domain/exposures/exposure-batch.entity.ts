import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Index('exposure_batch_holding', { synchronize: false })
@Entity({ name: 'exposure_batch', comment: 'what arrived together is matched and accepted together' })
export class ExposureBatch {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'exposure_batch_pk' })
  id: string;

  @Column({
    name: 'values_ref',
    type: 'text',
    nullable: true,
    comment: 'one sealed envelope with the reported values; destroyed by the match',
  })
  valuesRef: string | null;

  @Column({ name: 'correlation_id', type: 'text' })
  correlationId: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
