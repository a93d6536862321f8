import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

@Unique('connector_preset_content', ['key', 'contentHash'])
@Index('connector_preset_one_active', { synchronize: false })
@Entity({ name: 'connector_preset' })
export class ConnectorPreset {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'connector_preset_pk' })
  id: string;

  @Column({ name: 'key', type: 'text' })
  key: string;

  @Column({ name: 'content_hash', type: 'bytea' })
  contentHash: Buffer;

  @Column({ name: 'connector', type: 'text' })
  connector: string;

  @Column({ name: 'title', type: 'text' })
  title: string;

  @Column({ name: 'body', type: 'jsonb' })
  body: unknown;

  @Column({ name: 'source', type: 'text' })
  source: string;

  @Column({ name: 'active', type: 'boolean', default: true })
  active: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
