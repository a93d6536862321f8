import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@ForeignKey('Integration', ['integrationId'], ['id'], { name: 'attachment_integration_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'attachment_party_fk' })
@Entity({ name: 'attachment' })
export class Attachment {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'attachment_pk' })
  id: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'media_type', type: 'text' })
  mediaType: string;

  @Column({ name: 'size', type: 'int' })
  size: number;

  @Column({ name: 'sha256', type: 'bytea' })
  sha256: Buffer;

  @Column({ name: 'content', type: 'bytea', nullable: true })
  content: Buffer | null;

  @Column({ name: 'uploaded_by', type: 'text' })
  uploadedBy: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'erased_at', type: 'timestamptz', nullable: true })
  erasedAt: Date | null;
}
