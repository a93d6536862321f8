import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import type { DeathRow } from './death-rows.queries.ts';
import { Probing, type RevocationCall } from './probing.service.ts';
import type { RevokeResult } from './revocation-results.ts';
import { Targets, type LoadedVersion } from './targets.service.ts';
import { addAttempt, endAttempt } from './ways.queries.ts';
import { isSame, nextWay, reasonOf, type Candidate, type Ending, type Way } from './ways.rules.ts';

/** Why a way is given up, as far as evidence shows it. */
export interface GivenUp {
  ending: Ending;
  why: string;
  evidence: Id[];
}

/**
 * Hands a version over from a way that gave up to the next one, visibly: who tried what is on record, the ledger has an
 * entry, and an alert tells. All in the transaction of whoever found out, with the row of the version's death held.
 */
@Injectable()
export class Ways {
  constructor(
    private readonly targets: Targets,
    private readonly probing: Probing,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  /**
   * Gives the way in use up and says how it goes on.
   *
   * @returns null when no way is left: the caller's own result stands, and somebody was alerted
   */
  async giveUp(
    db: Db,
    loaded: LoadedVersion,
    death: DeathRow,
    call: RevocationCall,
    given: GivenUp,
  ): Promise<RevokeResult | null> {
    const next = await this.next(db, loaded, death);
    await this.#record(db, loaded, call, given, next?.way ?? null);
    await this.#tell(db, loaded, call, given, next);
    if (!next) return null;
    const { label } = loaded.version;
    const why = reasonOf(given.ending, given.why);
    if (next.way.connectionId !== null) {
      return {
        outcome: 'next_way',
        why: `${loaded.way?.label ?? 'the way in use'}: ${why}; next ${next.way.label}`,
        connectionId: next.way.connectionId,
        evidence: given.evidence,
      };
    }
    const mend =
      given.ending === 'own_authentication'
        ? ' Or mend our own authentication at the supplier, then try again.'
        : '';
    return {
      outcome: 'person',
      forWhat: `Revoke ${label} by hand: by machine ${why}.${mend}`,
      contactId: next.way.contactId,
      evidence: given.evidence,
    };
  }

  /** The way that would be tried next. */
  async next(db: Db, loaded: LoadedVersion, death: DeathRow): Promise<Candidate | null> {
    const mustLook = death.revokeSentAt !== null;
    const candidates: Candidate[] = [];
    for (const way of loaded.ways) {
      if (loaded.way && isSame(way, loaded.way)) continue;
      candidates.push(
        way.connectionId === null
          ? { way, by: 'contact', obstacle: null }
          : await this.#through(db, loaded, way, way.connectionId, mustLook),
      );
    }
    return nextWay(candidates, loaded.attempts);
  }

  async #through(
    db: Db,
    loaded: LoadedVersion,
    way: Way,
    connectionId: Id,
    mustLook: boolean,
  ): Promise<Candidate> {
    const { path, problems } = await this.targets.pathTo(db, loaded.version, connectionId);
    if (!path) return { way, by: 'machine', obstacle: problems.join('; ') };
    if (path.abilities.revoke === 'no') return { way, by: 'instructions', obstacle: null };
    if (path.abilities.revoke === 'value' && !path.target.value)
      return { way, by: 'machine', obstacle: 'its value is not at hand' };
    // No supplier is asked a second time unless somebody has looked in between.
    return {
      way,
      by: 'machine',
      obstacle: mustLook ? this.probing.obstacle({ ...loaded, path, problems }) : null,
    };
  }

  async #record(
    db: Db,
    { version, way, attempts }: LoadedVersion,
    call: RevocationCall,
    { ending, why, evidence }: GivenUp,
    next: Way | null,
  ): Promise<void> {
    const family = familyOf(call);
    const at = this.clock.now();
    const reason = reasonOf(ending, why);
    const going = await endAttempt(db, version.id, family, { state: 'gave_up', reason, at });
    let number = attempts.at(-1)?.number ?? 0;
    if (!going && way && !attempts.some((attempt) => isSame(attempt, way))) {
      number += 1;
      const beganAt = await firstAsked(db, version.id, family, at);
      const { connectionId, contactId } = way;
      await addAttempt(db, version, family, {
        number,
        connectionId,
        contactId,
        state: 'gave_up',
        reason,
        beganAt,
        endedAt: at,
      });
    }
    if (next) {
      const { connectionId, contactId } = next;
      await addAttempt(db, version, family, {
        number: number + 1,
        connectionId,
        contactId,
        state: connectionId === null ? 'asked' : 'trying',
        reason: '',
        beganAt: at,
        endedAt: null,
      });
    }
    // Refusals of our own authentication were the old way's.
    await db.query(
      `UPDATE version_death SET own_authentication_failures = CASE WHEN $3 THEN 0 ELSE own_authentication_failures END,
              updated_at = $2, row_version = row_version + 1 WHERE version_id = $1`,
      [version.id, new Date(at), next?.connectionId != null],
    );
    await this.ledger.append(db, {
      kind: 'revocation.path-gave-up',
      subject: { kind: 'credential_version', id: version.id },
      by: call.by,
      at,
      facts: {
        credentialId: version.credentialId,
        integrationId: version.integrationId,
        ...(call.stepId ? { stepId: call.stepId } : {}),
        path: wordOf(way),
        ending,
        next: wordOf(next),
        evidence,
      },
    });
  }

  /** Once for a connection in one story, however many versions it fails; for each version that nobody can stop any more. */
  async #tell(
    db: Db,
    { version, way }: LoadedVersion,
    call: RevocationCall,
    { ending, why }: GivenUp,
    next: Candidate | null,
  ): Promise<void> {
    const common = { subject: { kind: 'credential_version', id: version.id }, at: this.clock.now() };
    const reason = reasonOf(ending, why);
    const through = way?.connectionId == null ? 'the way in use' : way.label;
    if (!next) {
      await this.alerts.raise(db, {
        ...common,
        kind: 'revocation.no-path-left',
        severity: 'critical',
        message: `No path is left to stop ${version.label}. The last was ${through}: ${reason}.`,
        dedupeKey: `no-path-left:${version.id}:${familyOf(call)}`,
      });
      return;
    }
    const then =
      next.by === 'machine' ? `${next.way.label} is tried next` : 'a person is asked to do it by hand';
    await this.alerts.raise(db, {
      ...common,
      kind: 'revocation.path-gave-up',
      severity: 'warning',
      message: `${through} gave up while revoking ${version.label}: ${reason}. For it, ${then}.`,
      dedupeKey: `path-gave-up:${wordOf(way)}:${call.by.correlationId}`,
    });
  }
}

/** Under which the ways of one task are tried, one after another. */
export function familyOf(call: RevocationCall): string {
  return call.family ?? call.idempotencyKey;
}

function wordOf(way: Way | null): string {
  if (!way) return 'none';
  return way.connectionId === null ? `contact:${way.contactId}` : `connection:${way.connectionId}`;
}

async function firstAsked(db: Db, versionId: Id, family: string, otherwise: number): Promise<number> {
  const [row] = await db.query<{ at: Date | null }[]>(
    `SELECT min(started_at) AS at FROM evidence WHERE version_id = $1 AND idempotency_key = $2`,
    [versionId, family],
  );
  return Math.min(row?.at?.getTime() ?? otherwise, otherwise);
}
