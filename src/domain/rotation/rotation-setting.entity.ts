import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@Check('rotation_setting_lead_range', `lead_days BETWEEN 0 AND 90`)
@Check('rotation_setting_overlap_positive', `overlap_hours > 0`)
@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'rotation_setting_integration_fk' })
@Entity({ name: 'rotation_setting' })
export class RotationSetting {
  @PrimaryColumn({ name: 'integration_id', type: 'uuid', primaryKeyConstraintName: 'rotation_setting_pk' })
  integrationId: string;

  @Column({ name: 'automatic', type: 'boolean', default: false })
  automatic: boolean;

  @Column({ name: 'lead_days', type: 'int', default: 7 })
  leadDays: number;

  @Column({ name: 'overlap_hours', type: 'int', nullable: true })
  overlapHours: number | null;

  @Column({
    name: 'windows',
    type: 'jsonb',
    default: () => "'[]'",
    comment: 'maintenance: [{ days: [1..7], from: HH:MM, until: HH:MM }]; empty: any time',
  })
  windows: unknown;

  @Column({ name: 'zone', type: 'text', default: 'UTC' })
  zone: string;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
