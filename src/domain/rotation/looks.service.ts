import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { Verdict } from '../revocation/connector.ts';
import { Deaths } from '../revocation/deaths.service.ts';
import { Probing, type RevocationCall } from '../revocation/probing.service.ts';
import { Targets } from '../revocation/targets.service.ts';

export type Seen =
  | { outcome: Verdict; why: string; evidence: Id[]; after?: number }
  /** No machine can look. */
  | { outcome: 'unseeable'; why: string };

/**
 * Whether a version is accepted, as its verifier answers. A young version that is refused is not dead: suppliers need a
 * while until all their doors know it. So a refusal is evidence here and settles nothing.
 */
@Injectable()
export class Looks {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly probing: Probing,
    private readonly deaths: Deaths,
    private readonly clock: Clock,
  ) {}

  async accepted(versionId: Id, call: RevocationCall): Promise<Seen> {
    const found = await this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, versionId);
      if (!loaded) return null;
      const why: string[] = [];
      for (const { connectionId } of loaded.ways) {
        if (connectionId === null) continue;
        const other = { ...loaded, ...(await this.targets.pathTo(db, loaded.version, connectionId)) };
        const obstacle = this.probing.obstacle(other);
        if (obstacle === null && other.path?.connector.probe)
          return { version: loaded.version, path: other.path };
        why.push(obstacle ?? 'its connector cannot look');
      }
      return { path: undefined, why: why.join('; ') || 'no connection to its supplier is agreed' };
    });
    if (!found) return { outcome: 'unseeable', why: 'the version is gone from the record' };
    if (found.path === undefined) return { outcome: 'unseeable', why: found.why };
    const { version, path } = found;
    const answer = await path.connector.probe!(path.target, {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    const evidence = await this.transactions.run(call.by, async (db) => {
      const death = await this.deaths.lock(db, version);
      const finding = {
        kind: 'probe' as const,
        outcome: answer.verdict,
        why: answer.why,
        exchange: answer.exchange,
        connectionId: path.connectionId,
        pathKey: path.pathKey,
      };
      const id = await this.deaths.addEvidence(db, version, finding, call);
      const at = answer.exchange?.endedAt ?? this.clock.now();
      if (answer.verdict === 'live')
        await this.deaths.settleLiveness(
          db,
          version,
          death,
          { verdict: 'live', at, evidenceId: id, controlEvidenceId: null },
          call,
        );
      return id;
    });
    return {
      outcome: answer.verdict,
      why: answer.why,
      evidence: [evidence],
      ...(answer.retryAfter === undefined ? {} : { after: answer.retryAfter }),
    };
  }
}
