import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { AcknowledgementFloor } from '../notices/acknowledgement-floor.ts';
import type { Strength } from '../notices/acknowledgement.rules.ts';
import { Policies } from './policies.ts';

/** The least strength of the policy that an integration inherits by its tier and the class of its data. */
@Injectable()
export class PolicyAcknowledgementFloor extends AcknowledgementFloor {
  constructor(private readonly policies: Policies) {
    super();
  }

  async least(db: Db, integrationIds: readonly Id[]): Promise<ReadonlyMap<Id, Strength>> {
    const rows = await db.query<{ id: Id; riskTier: number; dataClass: string }[]>(
      'SELECT id, risk_tier AS "riskTier", data_class AS "dataClass" FROM integration WHERE id = ANY ($1)',
      [integrationIds],
    );
    return new Map(rows.map((one) => [one.id, this.policies.of(one).policy.limits.acknowledgementStrength]));
  }
}
