import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Check(
  'matrix_invitation_purpose_known',
  `(purpose = ANY (ARRAY['attest'::text, 'changed'::text, 'confirm'::text]))`,
)
@Check(
  'matrix_invitation_mail_known',
  `(mail = ANY (ARRAY['owed'::text, 'attempting'::text, 'accepted'::text, 'failed'::text]))`,
)
@ForeignKey('MatrixVersion', ['matrixVersionId', 'integrationId'], ['id', 'integrationId'], {
  name: 'matrix_invitation_version_fk',
})
@ForeignKey('Contact', ['contactId', 'partyId'], ['id', 'partyId'], { name: 'matrix_invitation_contact_fk' })
@Index('matrix_invitation_by_version', ['matrixVersionId'])
@Entity({ name: 'matrix_invitation' })
export class MatrixInvitation {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'matrix_invitation_pk' })
  id: string;

  @Column({ name: 'matrix_version_id', type: 'uuid' })
  matrixVersionId: string;

  @Column({ name: 'integration_id', type: 'uuid' })
  integrationId: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'contact_id', type: 'uuid' })
  contactId: string;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  @Column({ name: 'mail', type: 'text', default: 'owed' })
  mail: string;

  @Column({ name: 'peer_answer', type: 'text', default: '' })
  peerAnswer: string;

  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'sent_at', type: 'timestamptz', nullable: true })
  sentAt: Date | null;

  @Column({ name: 'opened_at', type: 'timestamptz', nullable: true })
  openedAt: Date | null;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;

  @Column({ name: 'withdrawn_by', type: 'text', nullable: true })
  withdrawnBy: string | null;
}
