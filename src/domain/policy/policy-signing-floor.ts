import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Strength } from '../responsibility/attestation.rules.ts';
import { SigningFloor } from '../responsibility/signing-floor.ts';
import { Policies } from './policies.ts';

/** The least strength of the policy that an integration inherits by its tier and the class of its data. */
@Injectable()
export class PolicySigningFloor extends SigningFloor {
  constructor(private readonly policies: Policies) {
    super();
  }

  async least(db: Db, integrationId: Id): Promise<Strength> {
    const [integration] = await db.query<{ riskTier: number; dataClass: string }[]>(
      'SELECT risk_tier AS "riskTier", data_class AS "dataClass" FROM integration WHERE id = $1',
      [integrationId],
    );
    return integration ? this.policies.of(integration).policy.limits.signatureStrength : 'mailbox';
  }
}
