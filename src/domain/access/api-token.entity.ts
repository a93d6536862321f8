import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

@Check('api_token_may_something', `((role IS NOT NULL) OR (permissions IS NOT NULL))`)
@Check(
  'api_token_party_contact_bound',
  `((role IS DISTINCT FROM 'party_contact'::text) OR (party_id IS NOT NULL))`,
)
@Check(
  'api_token_role_check',
  `(role = ANY (ARRAY['admin'::text, 'vendor_risk'::text, 'responder'::text, 'contract_owner'::text, 'integration_engineer'::text, 'auditor'::text, 'party_contact'::text]))`,
)
@ForeignKey('UserAccount', ['userId'], ['id'], { name: 'api_token_user_fk' })
@Unique('api_token_hash_key', ['tokenHash'])
@Entity({ name: 'api_token' })
export class ApiToken {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'api_token_pkey' })
  id: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'token_hash', type: 'text' })
  tokenHash: string;

  @Column({ name: 'hint', type: 'text' })
  hint: string;

  @Column({ name: 'role', type: 'text', nullable: true })
  role: string | null;

  @Column({ name: 'permissions', type: 'text', array: true, nullable: true })
  permissions: string[] | null;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({
    name: 'user_id',
    type: 'uuid',
    nullable: true,
    comment: 'the account whose person acts with it; null: a machine',
  })
  userId: string | null;

  @Column({ name: 'created_by', type: 'text' })
  createdBy: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;

  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt: Date | null;

  @Column({
    name: 'made_by',
    type: 'text',
    comment: 'whose hand it is where it belongs to no account: a person, or the word for what made it',
  })
  madeBy: string;
}
