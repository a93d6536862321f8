import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import {
  DomainChallenges,
  type AskDomain,
  type DomainChallengeView,
} from '../parties/domain-challenges.service.ts';
import {
  VerificationsService,
  type VerificationView,
  type VerifyParty,
} from '../parties/verifications.service.ts';

/**
 * Verifies partners with four eyes: whoever asks for an onboarding does not vouch for the partner of it, neither by their
 * word nor by naming the domain that is to vouch.
 */
@Injectable()
export class PartnersService {
  constructor(
    private readonly transactions: Transactions,
    private readonly verifications: VerificationsService,
    private readonly challenges: DomainChallenges,
  ) {}

  verify(partyId: Id, input: VerifyParty, by: Principal): Promise<Result<VerificationView, Refusal>> {
    return this.#apart(partyId, by, () => this.verifications.verify(partyId, input, by));
  }

  askDomain(partyId: Id, input: AskDomain, by: Principal): Promise<Result<DomainChallengeView, Refusal>> {
    return this.#apart(partyId, by, () => this.challenges.ask(partyId, input, by));
  }

  checkDomain(partyId: Id, challengeId: Id, by: Principal): Promise<Result<VerificationView, Refusal>> {
    return this.#apart(partyId, by, () => this.challenges.check(partyId, challengeId, by));
  }

  async #apart<T>(
    partyId: Id,
    by: Principal,
    work: () => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    const [asked] = await this.transactions.run(by, (db) =>
      db.query<{ reference: string }[]>(
        `SELECT i.reference FROM onboarding o JOIN integration i ON i.id = o.integration_id
          WHERE o.state = 'open' AND o.requested_by = $2
            AND EXISTS (SELECT FROM integration_party ip WHERE ip.integration_id = o.integration_id AND ip.party_id = $1) LIMIT 1`,
        [partyId, by.personId ?? by.id],
      ),
    );
    return asked
      ? err(
          refusal(
            'forbidden',
            'separation-of-duties',
            `You asked for the onboarding of ${asked.reference}, so that somebody else verifies its partner.`,
          ),
        )
      : work();
  }
}

/** Of the partners of an integration, one for whom nobody vouches but this person; undefined: somebody else does, or nobody. */
export async function vouchedForAlone(db: Db, integrationId: Id, personId: Id): Promise<string | undefined> {
  const [party] = await db.query<{ name: string }[]>(
    `SELECT p.name FROM (SELECT DISTINCT party_id FROM integration_party WHERE integration_id = $1) ip
       JOIN party p ON p.id = ip.party_id AND NOT p.is_operator
      WHERE EXISTS (SELECT FROM party_verification v WHERE v.party_id = p.id AND v.withdrawn_at IS NULL)
        AND NOT EXISTS (SELECT FROM party_verification v WHERE v.party_id = p.id AND v.withdrawn_at IS NULL AND v.verified_by <> $2)
      ORDER BY p.name LIMIT 1`,
    [integrationId, personId],
  );
  return party?.name;
}
