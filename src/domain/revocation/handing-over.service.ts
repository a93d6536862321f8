import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Deaths } from './deaths.service.ts';
import type { RevocationCall } from './probing.service.ts';
import type { RevokeResult, VerifyResult } from './revocation-results.ts';
import { Targets } from './targets.service.ts';
import { latestFamily } from './ways.queries.ts';
import { EMPTY_PROMISES } from './ways.rules.ts';
import { familyOf, Ways } from './ways.service.ts';

/** Gives the way in use up when looks show that it came to nothing, whatever its supplier had said. */
@Injectable()
export class HandingOver {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly deaths: Deaths,
    private readonly ways: Ways,
  ) {}

  /** A supplier that says yes time and again, while the credential lives on: another machine is tried, where there is one. */
  async promisesBroken(versionId: Id, call: RevocationCall): Promise<RevokeResult | null> {
    return this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, versionId, familyOf(call));
      if (!loaded?.way?.connectionId) return null;
      const [row] = await db.query<{ promises: number }[]>(
        `SELECT count(*)::int AS promises FROM evidence
          WHERE version_id = $1 AND kind = 'revoke' AND connection_id = $2 AND outcome IN ('accepted', 'gone')`,
        [versionId, loaded.way.connectionId],
      );
      const death = await this.deaths.lock(db, loaded.version);
      if ((row?.promises ?? 0) < EMPTY_PROMISES) return null;
      // A person is asked when the look itself is out of tries.
      if ((await this.ways.next(db, loaded, death))?.by !== 'machine') return null;
      const given = { ending: 'without_effect' as const, why: '', evidence: [] };
      return this.ways.giveUp(db, loaded, death, call, given);
    });
  }

  /**
   * The look has no try left, and nothing is proven: the next way is asked, and somebody is told.
   *
   * @returns null when no way is left; an alert says so
   */
  async outOfLooks(
    versionId: Id,
    call: RevocationCall,
    { outcome, why, evidence }: Extract<VerifyResult, { outcome: 'live' | 'indeterminate' }>,
  ): Promise<RevokeResult | null> {
    return this.transactions.run(call.by, async (db) => {
      const family = (await latestFamily(db, versionId)) ?? familyOf(call);
      const loaded = await this.targets.load(db, versionId, family);
      if (!loaded) return { outcome: 'not_found' };
      const death = await this.deaths.lock(db, loaded.version);
      const given =
        outcome === 'live' && death.revocation === 'accepted'
          ? { ending: 'without_effect' as const, why: '', evidence }
          : { ending: 'out_of_tries' as const, why, evidence };
      return this.ways.giveUp(db, loaded, death, { ...call, family }, given);
    });
  }
}
