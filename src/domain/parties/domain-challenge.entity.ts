import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A record that a party is asked to set in its own domain, to show that it runs the domain. */
@Check('domain_challenge_looked', `(looked_at IS NULL) = (answer IS NULL)`)
@ForeignKey('Party', ['partyId'], ['id'], { name: 'domain_challenge_party_fk' })
@Index('domain_challenge_by_party', ['partyId', 'askedAt'])
@Entity({ name: 'domain_challenge' })
export class DomainChallenge {
  @PrimaryColumn({ name: 'id', type: 'uuid', primaryKeyConstraintName: 'domain_challenge_pk' })
  id: string;

  @Column({ name: 'party_id', type: 'uuid' })
  partyId: string;

  @Column({ name: 'domain', type: 'text' })
  domain: string;

  @Column({ name: 'token', type: 'text', comment: 'public: the domain shows it to everybody' })
  token: string;

  @Column({ name: 'asked_by', type: 'text' })
  askedBy: string;

  @Column({ name: 'asked_at', type: 'timestamptz' })
  askedAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'looked_at', type: 'timestamptz', nullable: true })
  lookedAt: Date | null;

  @Column({ name: 'answer', type: 'text', nullable: true, comment: 'what the last look found' })
  answer: string | null;

  @Column({ name: 'verified_at', type: 'timestamptz', nullable: true })
  verifiedAt: Date | null;
}
