import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Deaths } from './deaths.service.ts';
import { inTurn, type RevocationCall } from './probing.service.ts';
import { Targets, type LoadedVersion, type MachinePath } from './targets.service.ts';

export type ClearingResult =
  | { outcome: 'cleared' | 'gone'; why: string; evidence: Id[] }
  /** Its supplier leaves nothing behind that could be undone. */
  | { outcome: 'nothing_left'; why: string }
  /** What is not proven dead is not removed: nobody could look at it any more. */
  | { outcome: 'not_proven'; why: string }
  | { outcome: 'retry' | 'unknown'; why: string; after?: Millis; evidence: Id[] }
  | { outcome: 'rejected'; why: string; evidence: Id[] }
  | { outcome: 'not_found' };

/** Removes for good what a revocation left so that it could be undone, after the proof and never before. */
@Injectable()
export class Clearing {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly deaths: Deaths,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async clearAway(versionId: Id, call: RevocationCall): Promise<ClearingResult> {
    const start = await this.transactions.gathered(call.by, versionId, async (db) => {
      const used = await this.targets.load(db, versionId);
      if (!used) return null;
      const loaded = await this.#throughWhichToClear(db, used);
      if (!loaded) return { loaded, proven: false };
      const death = await this.deaths.lock(db, used.version);
      return { loaded, proven: death.liveness === 'dead' };
    });
    if (!start) return { outcome: 'not_found' };
    const { loaded, proven } = start;
    if (!loaded) return { outcome: 'nothing_left', why: 'its supplier leaves nothing that could be undone' };
    if (!proven) return { outcome: 'not_proven', why: 'it is not proven dead' };
    const { path, version } = loaded;
    const asked = {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    };
    const answer = await inTurn(call, () => path.connector.clearAway!(path.target, asked));
    return this.transactions.gathered(call.by, versionId, async (db) => {
      await this.deaths.lock(db, version);
      const why =
        'why' in answer
          ? answer.why
          : answer.outcome === 'manual'
            ? answer.instructions
            : `the supplier answered ${answer.exchange.status ?? ''}`;
      const exchange = 'exchange' in answer ? answer.exchange : null;
      const { connectionId, pathKey } = path;
      const finding = {
        kind: 'clear_away' as const,
        outcome: answer.outcome,
        why,
        exchange,
        connectionId,
        pathKey,
      };
      const evidence = [await this.deaths.addEvidence(db, version, finding, call)];
      switch (answer.outcome) {
        case 'accepted':
        case 'gone':
          await this.ledger.append(db, {
            kind: 'credential_version.cleared-away',
            subject: { kind: 'credential_version', id: version.id },
            by: call.by,
            at: this.clock.now(),
            facts: {
              credentialId: version.credentialId,
              integrationId: version.integrationId,
              outcome: answer.outcome,
              evidence: evidence.join(' '),
            },
          });
          return { outcome: answer.outcome === 'gone' ? 'gone' : 'cleared', why, evidence };
        case 'retry':
          return {
            outcome: 'retry',
            why,
            evidence,
            ...(answer.after === undefined ? {} : { after: answer.after }),
          };
        case 'unknown':
          return { outcome: 'unknown', why, evidence };
        case 'rejected':
        case 'manual':
          return { outcome: 'rejected', why, evidence };
      }
    });
  }

  /** The way in use where it clears away, else the first connection that does. */
  async #throughWhichToClear(
    db: Db,
    used: LoadedVersion,
  ): Promise<{ version: LoadedVersion['version']; path: MachinePath } | null> {
    const { version, path } = used;
    if (path?.abilities.clearAway && path.connector.clearAway) return { version, path };
    for (const { connectionId } of used.ways) {
      if (connectionId === null || connectionId === used.way?.connectionId) continue;
      const other = await this.targets.pathTo(db, version, connectionId);
      if (other.path?.abilities.clearAway && other.path.connector.clearAway)
        return { version, path: other.path };
    }
    return null;
  }
}
