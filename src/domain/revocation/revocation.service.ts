import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { Call, RevokeAnswer, SessionsAnswer } from './connector.ts';
import type { RevocationFacet, SessionsFacet } from './containment.rules.ts';
import { CONTROL_WINDOW } from './death.rules.ts';
import { Deaths, type DeathRow } from './deaths.service.ts';
import { Probing, type Look, type RevocationCall } from './probing.service.ts';
import type { RevokeResult, SessionsResult, VerifyResult } from './revocation-results.ts';
import { Targets, type LoadedVersion, type MachinePath } from './targets.service.ts';

/** After so many refusals of our own authentication a person has to look: more would lock the account. */
const OWN_AUTHENTICATION_TRIES = 2;

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
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the supplier to revoke. Under one idempotency key an answer that the supplier gave once is given again without
   * asking; a revoke is never repeated without a look in between, nor sent after a takeover without one.
   */
  async revoke(versionId: Id, call: RevocationCall): Promise<RevokeResult> {
    const start = await this.#begin(versionId, call, (db, loaded, death) =>
      this.#beforeRevoke(db, loaded, death, call),
    );
    if (start === null) return { outcome: 'not_found' };
    const { loaded, plan } = start;
    if (plan.go === 'answer') return plan.result;
    const path = loaded.path as MachinePath;
    let looked: Look | null = null;
    if (plan.go === 'look_first') {
      looked = await this.probing.look({ ...loaded, path }, call);
      if (looked.verdict === 'dead') {
        return { outcome: 'already_dead', evidence: looked.evidence, note: `not asked again: ${looked.why}` };
      }
      const refused = looked.ownAuthenticationRefused
        ? await this.#ownAuthenticationRefused(loaded, call, looked.evidence)
        : null;
      if (refused) return refused;
    }
    const lastSentAt = await this.transactions.run(call.by, async (db) => {
      const death = await this.deaths.lock(db, loaded.version);
      await this.deaths.intendRevoke(db, loaded.version, death, call, {
        connectionId: path.connectionId,
        connector: path.connector.key,
      });
      return death.revokeSentAt;
    });
    const answer = path.connector.revoke
      ? await path.connector.revoke(path.target, this.#callOf(call))
      : ({ outcome: 'manual', instructions: 'This supplier has no machine path.' } satisfies RevokeAnswer);
    return this.#afterRevoke(loaded, path, answer, lastSentAt, looked?.evidence ?? [], call);
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
    return this.revoke(versionId, {
      ...call,
      idempotencyKey: `${call.idempotencyKey}:again:${call.attempt}`,
    });
  }

  /** One look at the verifier, with its control. */
  async verifyDead(versionId: Id, call: RevocationCall): Promise<VerifyResult> {
    const start = await this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, versionId);
      const obstacle = loaded && this.probing.obstacle(loaded);
      const signed = obstacle !== null && (await wasSigned(db, versionId));
      return loaded && { loaded, obstacle, signed };
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
    const look = await this.probing.look({ ...loaded, path: loaded.path }, call);
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
  async endSessions(versionId: Id, call: RevocationCall): Promise<SessionsResult> {
    const start = await this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, versionId);
      return loaded && { loaded, death: await this.deaths.lock(db, loaded.version) };
    });
    if (!start) return { outcome: 'not_found' };
    const { loaded, death } = start;
    const { version, path } = loaded;
    const residualOver =
      death.sessions === 'residual' &&
      death.sessionsUntil !== null &&
      death.sessionsUntil <= this.clock.now();
    let answer: SessionsAnswer;
    if (residualOver) answer = { outcome: 'none', why: 'what was derived from it has expired by itself' };
    else if (path?.connector.endSessions && path.abilities.endSessions)
      answer = await path.connector.endSessions(path.target, this.#callOf(call));
    else answer = { outcome: 'unknown', why: 'no way to end its sessions is known' };

    return this.transactions.run(call.by, async (db) => {
      const now = await this.deaths.lock(db, version);
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
    });
  }

  async #begin<T>(
    versionId: Id,
    call: RevocationCall,
    plan: (db: Db, loaded: LoadedVersion, death: DeathRow) => Promise<T>,
  ): Promise<{ loaded: LoadedVersion; plan: T } | null> {
    return this.transactions.run(call.by, async (db) => {
      const loaded = await this.targets.load(db, versionId);
      if (!loaded) return null;
      const death = await this.deaths.lock(db, loaded.version);
      return { loaded, plan: await plan(db, loaded, death) };
    });
  }

  async #beforeRevoke(
    db: Db,
    loaded: LoadedVersion,
    death: DeathRow,
    call: RevocationCall,
  ): Promise<{ go: 'answer'; result: RevokeResult } | { go: 'look_first' } | { go: 'send' }> {
    const answer = (result: RevokeResult) => ({ go: 'answer' as const, result });
    const { path, version } = loaded;
    const [given] = await db.query<{ id: Id; outcome: 'accepted' | 'gone' }[]>(
      `SELECT id, outcome FROM evidence
        WHERE idempotency_key = $1 AND kind = 'revoke' AND version_id = $2 AND outcome IN ('accepted', 'gone')
        ORDER BY attempt DESC LIMIT 1`,
      [call.idempotencyKey, version.id],
    );
    if (given)
      return answer({
        outcome: given.outcome,
        evidence: [given.id],
        note: 'the supplier had answered already',
      });
    if (death.liveness === 'dead' && death.livenessEvidenceId) {
      return answer({
        outcome: 'already_dead',
        evidence: [death.livenessEvidenceId],
        note: 'it was proven dead before',
      });
    }
    const person = (forWhat: string) =>
      answer({ outcome: 'person', forWhat, contactId: version.contactId, evidence: [] });
    if (!path) return person(`Revoke ${version.label} by hand: ${loaded.problems.join('; ')}.`);
    if (version.revocability === 'expiry_only' || version.revocability === 'impossible') {
      const expires = version.expiresAt ? ` It expires at ${version.expiresAt.toISOString()}.` : '';
      return person(
        `${version.label} cannot be revoked.${expires} Stop its use at the verifier, or accept the risk.`,
      );
    }
    if (path.abilities.revoke === 'value' && !path.target.value) {
      return person(
        `Revoke ${version.label} by hand: its value, which its supplier wants to be told, is not at hand.`,
      );
    }
    if (path.abilities.revoke === 'no') return { go: 'send' };
    if (death.ownAuthenticationFailures >= OWN_AUTHENTICATION_TRIES && call.attempt > 1) {
      return person(mendAuthentication(version.label));
    }
    if (this.probing.obstacle(loaded) !== null) {
      // Without a look nobody knows whether the last one worked, and a supplier is not asked twice blindly.
      return death.revokeSentAt !== null
        ? person(
            `Find out whether ${version.label} was revoked: it was asked for, the answer was lost, and no machine can look.`,
          )
        : { go: 'send' };
    }
    const [last] = await db.query<{ ended_at: Date; outcome: string }[]>(
      `SELECT ended_at, outcome FROM evidence WHERE version_id = $1 AND kind = 'probe' ORDER BY started_at DESC, id DESC LIMIT 1`,
      [version.id],
    );
    const lookedAt = last?.ended_at.getTime() ?? null;
    const repeated = death.revokeSentAt !== null && (lookedAt === null || lookedAt <= death.revokeSentAt);
    // Without a canary only a sighting just before the revoke can prove a death later.
    const fresh =
      last?.outcome === 'live' && lookedAt !== null && this.clock.now() - lookedAt < CONTROL_WINDOW - MINUTE;
    const sightingNeeded = !path.control && path.abilities.ownAuthentication && !fresh;
    return { go: call.takenOver || repeated || sightingNeeded ? 'look_first' : 'send' };
  }

  async #afterRevoke(
    loaded: LoadedVersion,
    path: MachinePath,
    answer: RevokeAnswer,
    lastSentAt: Millis | null,
    evidence: Id[],
    call: RevocationCall,
  ): Promise<RevokeResult> {
    const { version } = loaded;
    return this.transactions.run(call.by, async (db) => {
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
        call,
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
        call,
      );
      switch (answer.outcome) {
        case 'accepted':
        case 'gone':
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
          return death.ownAuthenticationFailures + 1 >= OWN_AUTHENTICATION_TRIES
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
    evidence: Id[],
  ): Promise<RevokeResult | null> {
    const failures = await this.transactions.run(call.by, async (db) => {
      const death = await this.deaths.lock(db, loaded.version);
      await db.query(
        `UPDATE version_death SET own_authentication_failures = $2, updated_at = $3 WHERE version_id = $1`,
        [loaded.version.id, death.ownAuthenticationFailures + 1, this.clock.date()],
      );
      return death.ownAuthenticationFailures + 1;
    });
    return failures >= OWN_AUTHENTICATION_TRIES
      ? { outcome: 'person', forWhat: mendAuthentication(loaded.version.label), contactId: null, evidence }
      : null;
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

/** Whether a person signed that the version was revoked, or need not be. */
async function wasSigned(db: Db, versionId: Id): Promise<boolean> {
  const [row] = await db.query<{ signed: boolean }[]>(
    `SELECT EXISTS (SELECT 1 FROM statement WHERE subject_id = $1 AND subject_kind = 'credential_version'
                       AND kind IN ('revoked', 'replaced', 'not_affected')) AS signed`,
    [versionId],
  );
  return row?.signed === true;
}

function mendAuthentication(label: string): string {
  return `Mend our own authentication at the supplier, then try again: it was refused while revoking ${label}.`;
}
