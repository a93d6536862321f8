import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { Call, RevokeAnswer } from './connector.ts';
import type { RevocationFacet } from './containment.rules.ts';
import { wasSigned } from './deaths.queries.ts';
import type { DeathRow } from './death-rows.queries.ts';
import { Deaths } from './deaths.service.ts';
import { HandingOver } from './handing-over.service.ts';
import { inTurn, Probing, type Look, type RevocationCall } from './probing.service.ts';
import type { RevokeResult, SessionsResult, VerifyResult } from './revocation-results.ts';
import { lastWhy, mendAuthentication, planRevoke, type RevokePlan } from './plan-revoke.ts';
import { Sessions } from './sessions.service.ts';
import { Targets, type LoadedVersion, type MachinePath } from './targets.service.ts';
import { endAttempt, latestFamily } from './ways.queries.ts';
import { endingOf, keyOfWay, OWN_AUTHENTICATION_TRIES, type Ending } from './ways.rules.ts';
import { familyOf, Ways } from './ways.service.ts';

/**
 * Kills credentials and proves it. Each operation reads what it needs in one transaction, calls the supplier outside any,
 * and records what it heard in another; the intent to revoke is committed before the first byte leaves.
 */
@Injectable()
export class RevocationService {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly deaths: Deaths,
    private readonly probing: Probing,
    private readonly ways: Ways,
    private readonly handingOver: HandingOver,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the supplier to revoke. Under one idempotency key an answer that the supplier gave once is given again without
   * asking; a revoke is never repeated without a look in between, nor sent after a takeover without one.
   */
  async revoke(versionId: Id, call: RevocationCall): Promise<RevokeResult> {
    const start = await this.transactions.gathered(call.by, versionId, async (db) => {
      const loaded = await this.targets.load(db, versionId, familyOf(call));
      if (!loaded) return null;
      const death = await this.deaths.lock(db, loaded.version);
      const asked = { ...call, idempotencyKey: keyOfWay(call.idempotencyKey, loaded.attempts) };
      const plan = await this.#beforeRevoke(db, loaded, death, call, asked);
      const intended = plan.go === 'send' ? await this.#intend(db, loaded, death, asked) : null;
      return { loaded, asked, plan, intended };
    });
    if (start === null) return { outcome: 'not_found' };
    const { loaded, asked, plan } = start;
    if (plan.go === 'answer') return plan.result;
    const path = loaded.path as MachinePath;
    let looked: Look | null = null;
    if (plan.go === 'look_first') {
      looked = await this.probing.look({ ...loaded, path }, asked);
      if (looked.verdict === 'dead') {
        await this.transactions.gathered(call.by, versionId, (db) =>
          this.#succeeded(db, loaded, call, 'it was dead already'),
        );
        return { outcome: 'already_dead', evidence: looked.evidence, note: `not asked again: ${looked.why}` };
      }
      const refused = looked.ownAuthenticationRefused
        ? await this.#ownAuthenticationRefused(loaded, call, looked)
        : null;
      if (refused) return refused;
    }
    const { lastSentAt } =
      start.intended ??
      (await this.transactions.gathered(call.by, versionId, async (db) =>
        this.#intend(db, loaded, await this.deaths.lock(db, loaded.version), asked),
      ));
    const answer = path.connector.revoke
      ? await inTurn(call, () => path.connector.revoke!(path.target, this.#callOf(asked)))
      : ({ outcome: 'manual', instructions: 'This supplier has no machine path.' } satisfies RevokeAnswer);
    return this.#afterRevoke(loaded, path, answer, lastSentAt, looked?.evidence ?? [], call, asked);
  }

  /**
   * Asks once more for a revoke that was asked for before and, as a look has just shown, did not happen: a supplier that
   * said yes and did nothing. Never the first to ask, and not before the supplier had time to do it.
   *
   * @returns null when it is not time, or nobody ever asked.
   */
  async revokeAgain(versionId: Id, call: RevocationCall): Promise<RevokeResult | null> {
    const [row] = await this.transactions.run(call.by, (db) =>
      db.query<{ revoke_sent_at: Date; liveness: string; revocability: string }[]>(
        `SELECT d.revoke_sent_at, d.liveness, c.revocability FROM version_death d JOIN credential c ON c.id = d.credential_id
          WHERE d.version_id = $1 AND d.revoke_sent_at IS NOT NULL`,
        [versionId],
      ),
    );
    if (row?.liveness !== 'live') return null;
    const patience = row.revocability === 'delayed' ? 2 * MINUTE : 5 * SECOND;
    if (this.clock.now() - row.revoke_sent_at.getTime() < patience) return null;
    const family =
      (await this.transactions.run(call.by, (db) => latestFamily(db, versionId))) ?? familyOf(call);
    const broken = await this.handingOver.promisesBroken(versionId, { ...call, family });
    if (broken) return broken;
    return this.revoke(versionId, {
      ...call,
      family,
      tries: undefined,
      idempotencyKey: `${call.idempotencyKey}:again:${call.attempt}`,
    });
  }

  /**
   * One look at the verifier, with its control.
   *
   * @param controlVersionId  another version of the same credential, known to be live: the control where its connection has none
   */
  async verifyDead(versionId: Id, call: RevocationCall, controlVersionId?: Id): Promise<VerifyResult> {
    const start = await this.transactions.gathered(call.by, versionId, async (db) => {
      const used = await this.targets.load(db, versionId);
      const seen = used && (await this.probing.throughWhichToLook(db, used));
      const loaded = seen && (await this.targets.withControl(db, seen, controlVersionId));
      const obstacle = loaded && this.probing.obstacle(loaded);
      const signed = obstacle !== null && (await wasSigned(db, versionId));
      const control =
        loaded?.path && obstacle === null ? await this.probing.recentControl(db, loaded.path) : null;
      return loaded && { loaded, obstacle, signed, control };
    });
    if (!start) return { outcome: 'not_found' };
    const { loaded, obstacle } = start;
    if (obstacle !== null || !loaded.path) {
      const { contactId, label } = loaded.version;
      return {
        outcome: 'unprovable',
        why: obstacle ?? 'there is no path',
        contactId,
        label,
        statementSigned: start.signed,
      };
    }
    const look = await this.probing.look({ ...loaded, path: loaded.path }, call, start.control);
    if (look.verdict === 'dead') return { outcome: 'dead', why: look.why, evidence: look.evidence };
    return {
      outcome: look.verdict,
      why: look.why,
      evidence: look.evidence,
      ownAuthenticationRefused: look.ownAuthenticationRefused,
      ...(look.retryAfter === undefined ? {} : { after: look.retryAfter }),
    };
  }

  /** Ends what was derived from the version, or says until when it lives. */
  endSessions(versionId: Id, call: RevocationCall): Promise<SessionsResult> {
    return this.sessions.end(versionId, call);
  }

  async #beforeRevoke(
    db: Db,
    loaded: LoadedVersion,
    death: DeathRow,
    call: RevocationCall,
    asked: RevocationCall,
  ): Promise<RevokePlan> {
    const plan = await planRevoke(db, loaded, death, asked, {
      obstacle: this.probing.obstacle(loaded),
      now: this.clock.now(),
    });
    const giveUp = async (ending: Ending, why: string): Promise<RevokePlan> => {
      const result = await this.ways.giveUp(db, loaded, death, call, { ending, why, evidence: [] });
      return result ? { go: 'answer', result } : plan;
    };
    if (plan.go === 'unusable') {
      const next = await this.ways.next(db, loaded, death);
      return next?.by === 'machine' ? giveUp('unusable', plan.why) : { go: 'answer', result: plan.result };
    }
    // The last try is for handing over: were it spent on a call that never answers, nobody would hand over.
    const { failed, left } = call.tries ?? { failed: 0, left: 1 };
    if (plan.go !== 'answer' && left === 0 && failed > 0 && (await this.ways.next(db, loaded, death)))
      return giveUp('out_of_tries', await lastWhy(db, loaded));
    return plan;
  }

  /** @returns when the last request before this one left; null: none did */
  async #intend(
    db: Db,
    { version, path }: LoadedVersion,
    death: DeathRow,
    asked: RevocationCall,
  ): Promise<{ lastSentAt: Millis | null }> {
    const { connectionId, connector } = path as MachinePath;
    await this.deaths.intendRevoke(db, version, death, asked, { connectionId, connector: connector.key });
    return { lastSentAt: death.revokeSentAt };
  }

  /** The way in use has done it. */
  async #succeeded(db: Db, loaded: LoadedVersion, call: RevocationCall, reason: string): Promise<void> {
    if (loaded.attempts.length === 0) return;
    const how = { state: 'accepted' as const, reason, at: this.clock.now() };
    await endAttempt(db, loaded.version.id, familyOf(call), how);
  }

  async #afterRevoke(
    loaded: LoadedVersion,
    path: MachinePath,
    answer: RevokeAnswer,
    lastSentAt: Millis | null,
    evidence: Id[],
    call: RevocationCall,
    asked: RevocationCall,
  ): Promise<RevokeResult> {
    const { version } = loaded;
    return this.transactions.gathered(call.by, version.id, async (db) => {
      const death = await this.deaths.lock(db, version);
      const exchange = 'exchange' in answer ? answer.exchange : null;
      const why =
        'why' in answer
          ? answer.why
          : answer.outcome === 'manual'
            ? 'a person has to do it'
            : `the supplier answered ${exchange?.status ?? ''}`;
      const id = await this.deaths.addEvidence(
        db,
        version,
        {
          kind: 'revoke',
          outcome: answer.outcome,
          why,
          exchange,
          connectionId: path.connectionId,
          pathKey: path.pathKey,
        },
        asked,
      );
      const all = [...evidence, id];
      const ownAuthenticationFailed = answer.outcome === 'rejected' && answer.ownAuthentication === true;
      const neverSent =
        answer.outcome === 'manual' || (answer.outcome === 'retry' && exchange?.status === null);
      await this.deaths.settleRevoke(
        db,
        version,
        death,
        {
          facet: FACET[answer.outcome],
          outcome: answer.outcome === 'manual' ? 'handed-to-a-person' : answer.outcome,
          evidenceId: id,
          ownAuthenticationFailed,
          ...(neverSent ? { neverSent: { lastSentAt } } : {}),
        },
        asked,
      );
      const failures = death.ownAuthenticationFailures + (ownAuthenticationFailed ? 1 : 0);
      const ending = endingOf(
        {
          outcome: answer.outcome,
          ownAuthenticationFailures: failures,
          ownAuthenticationRefused: ownAuthenticationFailed,
        },
        call.tries?.left ?? 1,
      );
      if (ending !== null) {
        const after = { ...death, revokeSentAt: neverSent ? lastSentAt : death.revokeSentAt };
        const handed = await this.ways.giveUp(db, loaded, after, call, { ending, why, evidence: all });
        if (handed) return handed;
      }
      switch (answer.outcome) {
        case 'accepted':
        case 'gone':
          await this.#succeeded(db, loaded, call, '');
          return {
            outcome: answer.outcome,
            evidence: all,
            note:
              answer.outcome === 'gone'
                ? 'the supplier knows no such credential'
                : 'the supplier accepted it',
          };
        case 'retry':
          return { outcome: 'retry', why, after: answer.after, evidence: all };
        case 'unknown':
          return { outcome: 'unknown', why, evidence: all };
        case 'manual':
          return {
            outcome: 'person',
            forWhat: answer.instructions,
            contactId: version.contactId,
            evidence: all,
          };
        case 'rejected':
          if (!ownAuthenticationFailed) return { outcome: 'rejected', why, evidence: all };
          return failures >= OWN_AUTHENTICATION_TRIES
            ? {
                outcome: 'person',
                forWhat: mendAuthentication(version.label),
                contactId: null,
                evidence: all,
              }
            : { outcome: 'retry', why, after: 5 * SECOND, evidence: all };
      }
    });
  }

  /** The look showed that our own authentication is refused: counted like a refusal of the revoke itself. */
  async #ownAuthenticationRefused(
    loaded: LoadedVersion,
    call: RevocationCall,
    looked: Look,
  ): Promise<RevokeResult | null> {
    return this.transactions.run(call.by, async (db) => {
      const death = await this.deaths.lock(db, loaded.version);
      const failures = death.ownAuthenticationFailures + 1;
      await db.query(
        `UPDATE version_death SET own_authentication_failures = $2, updated_at = $3 WHERE version_id = $1`,
        [loaded.version.id, failures, this.clock.date()],
      );
      if (failures < OWN_AUTHENTICATION_TRIES) return null;
      const { why, evidence } = looked;
      const given = { ending: 'own_authentication' as const, why, evidence };
      return (
        (await this.ways.giveUp(db, loaded, death, call, given)) ?? {
          outcome: 'person',
          forWhat: mendAuthentication(loaded.version.label),
          contactId: null,
          evidence,
        }
      );
    });
  }

  #callOf(call: RevocationCall): Call {
    return { idempotencyKey: call.idempotencyKey, signal: call.signal, now: () => this.clock.now() };
  }
}

const FACET: Record<RevokeAnswer['outcome'], RevocationFacet | null> = {
  accepted: 'accepted',
  gone: 'accepted',
  rejected: 'rejected',
  retry: null,
  unknown: null,
  manual: null,
};
