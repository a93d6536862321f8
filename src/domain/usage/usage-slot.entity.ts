import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'usage_slot_version_fk' })
@Index('usage_slot_by_time', ['slot'])
@Entity({ name: 'usage_slot' })
export class UsageSlot {
  @PrimaryColumn({ name: 'version_id', type: 'uuid', primaryKeyConstraintName: 'usage_slot_pk' })
  versionId: string;

  @PrimaryColumn({ name: 'slot', type: 'timestamptz', primaryKeyConstraintName: 'usage_slot_pk' })
  slot: Date;

  @Column({ name: 'accepted', type: 'int' })
  accepted: number;

  @Column({ name: 'refused', type: 'int' })
  refused: number;
}
