import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A throwaway credential at a supplier, for drills: nobody uses it, and a drill kills it. */
@Check('canary_names_something', `state <> 'ready' OR supplier_id IS NOT NULL OR value_ref IS NOT NULL`)
@Check('canary_state_known', `state IN ('ready', 'taken', 'used', 'withdrawn')`)
@ForeignKey('Connection', ['connectionId'], ['id'], { name: 'canary_connection_fk' })
@Index('canary_ready', { synchronize: false })
@Entity({ name: 'canary' })
export class Canary {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'canary_pk' })
  id: string;

  @Column({ name: 'connection_id', type: 'uuid' })
  connectionId: string;

  @Column({ name: 'label', type: 'text' })
  label: string;

  @Column({ name: 'supplier_id', type: 'text', nullable: true })
  supplierId: string | null;

  @Column({ name: 'value_ref', type: 'text', nullable: true })
  valueRef: string | null;

  @Column({ name: 'state', type: 'text', default: 'ready' })
  state: string;

  @Column({ name: 'made_by', type: 'text' })
  madeBy: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'taken_at', type: 'timestamptz', nullable: true })
  takenAt: Date | null;
}
