import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Abilities } from './connector.ts';
import { Targets } from './targets.service.ts';
import { neededFor, type NeededFor } from './value-needs.rules.ts';
import { waysOf } from './ways.queries.ts';

/** Says before a revocation which versions will need a person, because no value is at hand that a machine would need. */
@Injectable()
export class ValuesAtHand {
  constructor(
    private readonly targets: Targets,
    private readonly clock: Clock,
  ) {}

  /**
   * @param versions  whose values are not kept here
   * @returns those of them that no machine can revoke, or none can look at, without the value
   */
  async missed(
    db: Db,
    versions: readonly { id: Id; credentialId: Id; kind: string }[],
  ): Promise<ReadonlyMap<Id, NeededFor>> {
    const ways = await waysOf(db, [...new Set(versions.map((one) => one.credentialId))], this.clock.now());
    const known = new Map<string, Abilities | null>();
    const missed = new Map<Id, NeededFor>();
    for (const { id, credentialId, kind } of versions) {
      const abilities: Abilities[] = [];
      for (const { connectionId } of ways.get(credentialId) ?? []) {
        if (connectionId === null) continue;
        const key = `${connectionId} ${kind}`;
        if (!known.has(key)) known.set(key, await this.targets.abilitiesOf(db, connectionId, kind));
        const can = known.get(key);
        if (can) abilities.push(can);
      }
      const needed = neededFor(abilities);
      if (needed) missed.set(id, needed);
    }
    return missed;
  }
}
