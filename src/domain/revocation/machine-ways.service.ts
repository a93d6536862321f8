import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Abilities } from './connector.ts';
import { Targets } from './targets.service.ts';
import { waysOf } from './ways.queries.ts';

/** A connection by which a credential can be stopped, and what it is able to do about it. */
export interface MachineWay {
  connectionId: Id;
  /** null: its preset is not usable. */
  abilities: Abilities | null;
}

/** What machines are able to do about many credentials, found out without reading a value. */
@Injectable()
export class MachineWays {
  constructor(
    private readonly targets: Targets,
    private readonly clock: Clock,
  ) {}

  /** @returns each credential's ways by machine, in the order in which they are tried */
  async of(
    db: Db,
    credentials: readonly { credentialId: Id; kind: string }[],
  ): Promise<ReadonlyMap<Id, readonly MachineWay[]>> {
    const kinds = new Map(credentials.map(({ credentialId, kind }) => [credentialId, kind]));
    const known = new Map<string, Abilities | null>();
    const found = new Map<Id, MachineWay[]>();
    for (const [credentialId, ways] of await waysOf(db, [...kinds.keys()], this.clock.now())) {
      const kind = kinds.get(credentialId)!;
      const own: MachineWay[] = [];
      for (const { connectionId } of ways) {
        if (connectionId === null) continue;
        const key = `${connectionId} ${kind}`;
        if (!known.has(key)) known.set(key, await this.targets.abilitiesOf(db, connectionId, kind));
        own.push({ connectionId, abilities: known.get(key) ?? null });
      }
      found.set(credentialId, own);
    }
    return found;
  }
}
