import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { RotationIntervals } from '../rotation/intervals.ts';
import { Policies } from './policies.ts';
import { limitFor } from './policy.schema.ts';

/** The greatest age of a version, of the policy that its integration inherits by its tier and the class of its data. */
@Injectable()
export class PolicyRotationIntervals extends RotationIntervals {
  constructor(private readonly policies: Policies) {
    super();
  }

  async of(db: Db, credentialIds: readonly Id[]): Promise<ReadonlyMap<Id, Millis>> {
    const rows = await db.query<{ id: Id; kind: string; riskTier: number; dataClass: string }[]>(
      `SELECT c.id, c.kind, i.risk_tier AS "riskTier", i.data_class AS "dataClass"
         FROM credential c JOIN integration i ON i.id = c.integration_id WHERE c.id = ANY($1::uuid[])`,
      [credentialIds],
    );
    return new Map(
      rows.flatMap((row): [Id, Millis][] => {
        const every = limitFor(this.policies.of(row).policy.limits.rotateEvery, row.kind);
        return every === null ? [] : [[row.id, every]];
      }),
    );
  }
}
