import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@Check(
  'user_role_role_check',
  `(role = ANY (ARRAY['admin'::text, 'vendor_risk'::text, 'responder'::text, 'contract_owner'::text, 'integration_engineer'::text, 'auditor'::text, 'party_contact'::text]))`,
)
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'user_role_user_fk', onDelete: 'CASCADE' })
@Entity({ name: 'user_role' })
export class UserRole {
  @PrimaryColumn({ name: 'user_id', type: 'uuid', primaryKeyConstraintName: 'user_role_pkey' })
  userId: string;

  @PrimaryColumn({ name: 'role', type: 'text', primaryKeyConstraintName: 'user_role_pkey' })
  role: string;

  @Column({ name: 'granted_at', type: 'timestamptz' })
  grantedAt: Date;
}
