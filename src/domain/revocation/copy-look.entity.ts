import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One look at a place for one version, and what it told: also where it told nothing. */
@Check(
  'copy_look_method_known',
  `(method = ANY (ARRAY['scan'::text, 'fingerprint'::text, 'store_api'::text]))`,
)
@Check(
  'copy_look_verdict_known',
  `(verdict = ANY (ARRAY['gone'::text, 'present'::text, 'indeterminate'::text]))`,
)
@ForeignKey('CredentialLocation', ['locationId', 'integrationId'], ['id', 'integrationId'], {
  name: 'copy_look_location_fk',
})
@ForeignKey('CredentialVersion', ['versionId'], ['id'], { name: 'copy_look_version_fk' })
@Index('copy_look_by_location', ['locationId', 'versionId', 'recordedAt'])
@Entity({ name: 'copy_look' })
export class CopyLook {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'copy_look_pk' })
  id: string;

  @Column({ name: 'location_id', type: 'uuid' })
  locationId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'version_id', type: 'uuid' })
  versionId: string;

  @Column({ name: 'method', type: 'text' })
  method: string;

  @Column({ name: 'verdict', type: 'text' })
  verdict: string;

  @Column({ name: 'why', type: 'text' })
  why: string;

  @Column({ name: 'tool', type: 'text', default: '' })
  tool: string;

  @Column({
    name: 'document_hash',
    type: 'bytea',
    nullable: true,
    comment: 'SHA-256 of the file that was judged; the file itself is not kept',
  })
  documentHash: Buffer | null;

  @Column({ name: 'looked_at', type: 'timestamptz' })
  lookedAt: Date;

  @Column({ name: 'recorded_by', type: 'text' })
  recordedBy: string;

  @Column({ name: 'recorded_at', type: 'timestamptz' })
  recordedAt: Date;
}
