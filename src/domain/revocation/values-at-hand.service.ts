import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { MachineWays } from './machine-ways.service.ts';
import { neededFor, type NeededFor } from './value-needs.rules.ts';

/** Says before a revocation which versions will need a person, because no value is at hand that a machine would need. */
@Injectable()
export class ValuesAtHand {
  constructor(private readonly ways: MachineWays) {}

  /**
   * @param versions  whose values are not kept here
   * @returns those of them that no machine can revoke, or none can look at, without the value
   */
  async missed(
    db: Db,
    versions: readonly { id: Id; credentialId: Id; kind: string }[],
  ): Promise<ReadonlyMap<Id, NeededFor>> {
    const ways = await this.ways.of(db, versions);
    return new Map(
      versions.flatMap(({ id, credentialId }): [Id, NeededFor][] => {
        const needed = neededFor((ways.get(credentialId) ?? []).flatMap(({ abilities }) => abilities ?? []));
        return needed ? [[id, needed]] : [];
      }),
    );
  }
}
