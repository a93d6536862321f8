import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { SessionsAnswer } from './connector.ts';
import type { SessionsFacet } from './containment.rules.ts';
import type { DeathRow } from './death-rows.queries.ts';
import { Deaths } from './deaths.service.ts';
import { inTurn, Probing, type RevocationCall } from './probing.service.ts';
import type { SessionsResult } from './revocation-results.ts';
import { Targets, type LoadedVersion } from './targets.service.ts';

/** What of a version's sessions is to be written down. */
interface Told {
  answer: SessionsAnswer;
  /** They were to end by themselves, and that time is over. */
  residualOver: boolean;
}

/** Ends what a version had opened, where its supplier can, and says what is known of it. */
@Injectable()
export class Sessions {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly deaths: Deaths,
    private readonly probing: Probing,
    private readonly clock: Clock,
  ) {}

  /** Ends what was derived from the version, or says until when it lives. */
  async end(versionId: Id, call: RevocationCall): Promise<SessionsResult> {
    const start = await this.transactions.gathered(call.by, versionId, async (db) => {
      const used = await this.targets.load(db, versionId);
      if (!used) return null;
      const loaded = await this.probing.throughWhichToLook(db, used);
      const death = await this.deaths.lock(db, loaded.version);
      const told = this.#unasked(loaded, death);
      return { loaded, result: told && (await this.#settle(db, loaded, death, told, call)) };
    });
    if (!start) return { outcome: 'not_found' };
    const { loaded, result } = start;
    if (result) return result;
    const path = loaded.path!;
    const asked = {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    };
    const answer = await inTurn(call, () => path.connector.endSessions!(path.target, asked));
    return this.transactions.gathered(call.by, versionId, async (db) =>
      this.#settle(
        db,
        loaded,
        await this.deaths.lock(db, loaded.version),
        { answer, residualOver: false },
        call,
      ),
    );
  }

  /** What there is to say without asking anybody; null: the supplier is to be asked. */
  #unasked({ path }: LoadedVersion, death: DeathRow): Told | null {
    const residualOver =
      death.sessions === 'residual' &&
      death.sessionsUntil !== null &&
      death.sessionsUntil <= this.clock.now();
    if (residualOver)
      return {
        answer: { outcome: 'none', why: 'what was derived from it has expired by itself' },
        residualOver,
      };
    if (path?.connector.endSessions && path.abilities.endSessions) return null;
    return { answer: { outcome: 'unknown', why: 'no way to end its sessions is known' }, residualOver };
  }

  async #settle(
    db: Db,
    { version, path }: LoadedVersion,
    now: DeathRow,
    { answer, residualOver }: Told,
    call: RevocationCall,
  ): Promise<SessionsResult> {
    const facet: SessionsFacet = residualOver
      ? 'ended'
      : answer.outcome === 'retry'
        ? now.sessions
        : answer.outcome;
    const why = 'why' in answer ? answer.why : 'the supplier ended them';
    const exchange = 'exchange' in answer ? (answer.exchange ?? null) : null;
    const evidenceId = await this.deaths.addEvidence(
      db,
      version,
      {
        kind: 'sessions',
        outcome: answer.outcome,
        why,
        exchange,
        connectionId: path?.connectionId ?? null,
        pathKey: path?.pathKey ?? '',
      },
      call,
    );
    const evidence = [evidenceId];
    if (answer.outcome === 'retry') return { outcome: 'retry', why, after: answer.after, evidence };
    // Asked again, the supplier counts from now: what was derived cannot live longer than was said first.
    const first = now.sessions === 'residual' ? now.sessionsUntil : null;
    const until = answer.outcome === 'residual' ? Math.min(answer.until, first ?? Infinity) : null;
    await this.deaths.settleSessions(db, version, now, { facet, until, evidenceId }, call);
    if (answer.outcome === 'residual')
      return { outcome: 'residual', until: until ?? answer.until, why, evidence };
    if (answer.outcome === 'unknown')
      return { outcome: 'unknown', why, contactId: version.contactId, label: version.label, evidence };
    return { outcome: answer.outcome, why, evidence };
  }
}
