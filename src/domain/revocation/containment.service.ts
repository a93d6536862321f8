import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { containmentOf, isDead, type Containment } from './containment.rules.ts';
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

  /** @param since from when on each is known to be exposed: an older proof is none of that. Absent: any proof counts */
  async of(db: Db, versionIds: readonly Id[], since?: ReadonlyMap<Id, Millis>): Promise<Containment> {
    const now = this.clock.now();
    const first = await deathFacetsOf(db, versionIds, new Set(), now, since);
    // Whether a machine can look matters only where no look has settled it; loading a target reads the vault.
    const unprobeable = new Set<Id>();
    for (const one of first) {
      if (isDead(one) || one.liveness === 'live') continue;
      const loaded = await this.targets.load(db, one.versionId);
      if (loaded && this.probing.obstacle(loaded) !== null) unprobeable.add(one.versionId);
    }
    const facets = first.map((one) => ({ ...one, probeable: !unprobeable.has(one.versionId) }));
    const copies = await copyFacetsOf(db, versionIds, now);
    return containmentOf(facets, copies, now);
  }
}
