import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { SecondPerson } from '../notices/second-person.ts';
import { Policies } from './policies.ts';

/** As the policy says that an integration inherits by its tier and the class of its data. */
@Injectable()
export class PolicySecondPerson extends SecondPerson {
  constructor(private readonly policies: Policies) {
    super();
  }

  async needed(db: Db, integrationId: Id, about: 'case' | 'integration'): Promise<boolean> {
    const [integration] = await db.query<{ riskTier: number; dataClass: string }[]>(
      'SELECT risk_tier AS "riskTier", data_class AS "dataClass" FROM integration WHERE id = $1',
      [integrationId],
    );
    // Of an integration that is not there nobody said that one is enough.
    const said = integration && this.policies.of(integration).policy.limits.writtenNotices;
    if (said === 'alone') return false;
    return said !== 'second-person-for-duties' || about === 'case';
  }
}
