import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** How somebody made sure that a party is who it says. */
@Check('party_verification_method_known', `method IN ('contact', 'document', 'domain')`)
@Check('party_verification_names_contact', `(method = 'contact') = (contact_id IS NOT NULL)`)
@Check('party_verification_names_challenge', `(method = 'domain') = (challenge_id IS NOT NULL)`)
@ForeignKey('DomainChallenge', ['challengeId'], ['id'], { name: 'party_verification_challenge_fk' })
@ForeignKey('Party', ['partyId'], ['id'], { name: 'party_verification_party_fk' })
@ForeignKey('Contact', ['contactId'], ['id'], { name: 'party_verification_contact_fk' })
@Index('party_verification_by_party', ['partyId', 'verifiedAt'])
@Entity({ name: 'party_verification' })
export class PartyVerification {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'party_verification_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'method', type: 'text' })
  method: string;

  @Column({ name: 'contact_id', type: 'uuid', nullable: true })
  contactId: string | null;

  @Column({ name: 'challenge_id', type: 'uuid', nullable: true })
  challengeId: string | null;

  @Column({ name: 'statement', type: 'text' })
  statement: string;

  @Column({ name: 'verified_by', type: 'text' })
  verifiedBy: string;

  @Column({ name: 'verified_at', type: 'timestamptz' })
  verifiedAt: Date;

  @Column({ name: 'withdrawn_at', type: 'timestamptz', nullable: true })
  withdrawnAt: Date | null;
}
