import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { containmentOf, type Containment } from './containment.rules.ts';
import { copyFacetsOf, deathFacetsOf } from './deaths.queries.ts';
import { Probing } from './probing.service.ts';
import { Targets } from './targets.service.ts';

/** Rolls facets and copies up. Computed each time it is asked for: a stored answer would go stale. */
@Injectable()
export class ContainmentService {
  constructor(
    private readonly targets: Targets,
    private readonly probing: Probing,
    private readonly clock: Clock,
  ) {}

  /** @param copiesOf only copies in these integrations count; absent: all. */
  async of(db: Db, versionIds: readonly Id[], copiesOf?: readonly Id[]): Promise<Containment> {
    const now = this.clock.now();
    const first = await deathFacetsOf(db, versionIds, new Set(), now);
    // Whether a machine can look matters only where no look has settled it; loading a target reads the vault.
    const unprobeable = new Set<Id>();
    for (const one of first) {
      if (one.liveness === 'dead' || one.liveness === 'live') continue;
      const loaded = await this.targets.load(db, one.versionId);
      if (loaded && this.probing.obstacle(loaded) !== null) unprobeable.add(one.versionId);
    }
    const facets = first.map((one) => ({ ...one, probeable: !unprobeable.has(one.versionId) }));
    const copies = await copyFacetsOf(db, versionIds, now);
    return containmentOf(
      facets,
      copies.filter((copy) => copiesOf?.includes(copy.integrationId) ?? true),
      now,
    );
  }
}
