import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Inheriting } from './inherit.rules.ts';
import { isolatesEnvironments } from './isolation.rules.ts';
import { Policies } from './policies.ts';

/** Asks the policy of an integration whether its values may stand in several environments. */
@Injectable()
export class Isolation {
  constructor(private readonly policies: Policies) {}

  holds(integration: Inheriting): boolean {
    return isolatesEnvironments(this.policies.of(integration).policy);
  }

  /** By the integration that is the credential's home. True for a credential that is not there. */
  async holdsFor(db: Db, credentialId: Id): Promise<boolean> {
    const [home] = await db.query<Inheriting[]>(
      `SELECT i.risk_tier AS "riskTier", i.data_class AS "dataClass" FROM credential c JOIN integration i ON i.id = c.integration_id WHERE c.id = $1`,
      [credentialId],
    );
    return home === undefined || this.holds(home);
  }
}
