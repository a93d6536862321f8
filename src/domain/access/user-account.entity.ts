import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

@Check('user_account_email_check', `(email = lower(email))`)
@Check('user_account_state_check', `(state = ANY (ARRAY['active'::text, 'disabled'::text]))`)
@ForeignKey('Person', ['personId'], ['id'], { name: 'user_account_person_fk' })
@Unique('user_account_email_key', ['email'])
@Index('user_account_person', ['personId'])
@Entity({ name: 'user_account' })
export class UserAccount {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'user_account_pkey' })
  id: string;

  @Column({ name: 'person_id', type: 'uuid' })
  personId: string;

  @Column({ name: 'email', type: 'text' })
  email: string;

  @Column({ name: 'password_hash', type: 'text', nullable: true })
  passwordHash: string | null;

  @Column({ name: 'party_id', type: 'uuid', nullable: true })
  partyId: string | null;

  @Column({ name: 'state', type: 'text', default: 'active' })
  state: string;

  @Column({
    name: 'language',
    type: 'text',
    nullable: true,
    comment: 'in which they are written to; without one, English',
  })
  language: string | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'last_login_at', type: 'timestamptz', nullable: true })
  lastLoginAt: Date | null;

  @Column({ name: 'row_version', type: 'int', default: 1 })
  rowVersion: number;
}
