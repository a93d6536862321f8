import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An assertion that was used, remembered until it expires: none is good for a second call. */
@ForeignKey('MachineIdentity', ['identityId'], ['id'], { name: 'used_assertion_identity_fk' })
@Index('used_assertion_expired', ['expiresAt'])
@Entity({ name: 'used_assertion' })
export class UsedAssertion {
  @PrimaryColumn({ name: 'identity_id', type: 'uuid', primaryKeyConstraintName: 'used_assertion_pk' })
  identityId: string;

  @PrimaryColumn({ name: 'jti_hash', type: 'bytea', primaryKeyConstraintName: 'used_assertion_pk' })
  jtiHash: Buffer;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
