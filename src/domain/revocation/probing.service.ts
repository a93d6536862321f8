import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { Call, ProbeAnswer, Verdict } from './connector.ts';
import { deathOf, type Sighting } from './death.rules.ts';
import type { DeathRow } from './death-rows.queries.ts';
import { Deaths, type EvidenceKind, type Finding, type Trail } from './deaths.service.ts';
import { lastControl, lastSeenLive } from './sightings.queries.ts';
import { Targets, type LoadedVersion, type MachinePath } from './targets.service.ts';

/** How long a canary seen live serves other versions of the same path: well within the five minutes that count. */
const CONTROL_SERVES = 60 * SECOND;

/** What one look told. */
export interface Look {
  verdict: Verdict;
  why: string;
  /** The verifier's bare answer, before it was weighed. */
  answered: Verdict;
  at: Millis;
  evidence: Id[];
  /** The supplier refuses our own authentication, on the path that the look would use. */
  ownAuthenticationRefused: boolean;
  retryAfter?: Millis;
}

export interface RevocationCall extends Trail {
  takenOver: boolean;
  /** How many tries are left when this one has failed, and how many have failed by the way in use. Absent: no end to them. */
  tries?: { failed: number; left: number };
  /** Under which the ways to stop a version are tried one after another; absent: the idempotency key. */
  family?: string;
  signal: AbortSignal;
  /** Asks the supplier when its turn has come; absent: whenever there is something to ask. */
  turn?: <T>(ask: () => Promise<T>) => Promise<T>;
}

/** Asks in the turn of whoever acts. */
export function inTurn<T>(call: RevocationCall, ask: () => Promise<T>): Promise<T> {
  return call.turn ? call.turn(ask) : ask();
}

/** A canary seen live, which vouches for looks on its path. */
interface Control {
  id: Id;
  sighting: Sighting;
}

interface Seen {
  kind: EvidenceKind;
  answer: ProbeAnswer;
  sighting: Sighting;
}

/** Looks at verifiers, with the controls that make a look worth something. */
@Injectable()
export class Probing {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly deaths: Deaths,
    private readonly clock: Clock,
  ) {}

  /** Why no machine can look at this version, or null. */
  obstacle(loaded: LoadedVersion): string | null {
    const { path, problems } = loaded;
    if (!path) return problems.join('; ');
    if (path.abilities.probe === 'no') return 'its supplier cannot be asked by machine whether it lives';
    if (path.abilities.probe === 'value' && !path.target.value) {
      return ['its value, which the look needs, is not at hand', ...problems].join('; ');
    }
    return null;
  }

  /** The way in use where it can look, else the first connection that can: who revoked need not be who knows. */
  async throughWhichToLook(db: Db, loaded: LoadedVersion): Promise<LoadedVersion> {
    if (this.obstacle(loaded) === null) return loaded;
    for (const { connectionId } of loaded.ways) {
      if (connectionId === null || connectionId === loaded.way?.connectionId) continue;
      const other = { ...loaded, ...(await this.targets.pathTo(db, loaded.version, connectionId)) };
      if (this.obstacle(other) === null) return other;
    }
    return loaded;
  }

  /**
   * One look: the version; if that is refused, the control; if that lives, the version once more, as a single refusal may
   * be a supplier's hiccup. Records what was seen and what follows; the facets are settled in the same transaction.
   *
   * @param known  the control of `recentControl`, where the caller has just asked for it
   */
  async look(
    loaded: LoadedVersion & { path: MachinePath },
    call: RevocationCall,
    known: Control | null = null,
  ): Promise<Look> {
    const { path, version } = loaded;
    const seen = await this.#ask(path, path.target, 'probe', call);
    const controls: Seen[] = [];
    let served: Control | null = null;
    if (seen.answer.verdict === 'dead') {
      if (path.control) {
        served =
          known ??
          (await this.transactions.gathered(call.by, version.id, (db) => this.recentControl(db, path)));
        if (!served) controls.push(await this.#ask(path, path.control, 'control', call));
      } else if (path.abilities.ownAuthentication) {
        controls.push(await this.#askOwn(path, call));
      }
    }
    const vouched = served !== null || controls.some((control) => control.answer.verdict === 'live');
    const last = vouched ? await this.#ask(path, path.target, 'probe', call) : seen;
    return this.transactions.gathered(call.by, version.id, async (db) => {
      const death = await this.deaths.lock(db, version);
      const firsts = vouched ? [seen] : [];
      const findings = [...firsts, ...controls, last].map((one) => findingOf(path, one));
      const evidence = await this.deaths.addAllEvidence(db, version, findings, call);
      const controlIds = evidence.slice(firsts.length, -1);
      const probeId = evidence.at(-1)!;
      // Another version's look may have shown meanwhile that the canary no longer lives.
      served &&= await this.recentControl(db, path, served.sighting.at);
      const own = controls.find((one) => one.kind === 'own_authentication')?.sighting ?? null;
      const judged = deathOf({
        probe: last.sighting,
        control: path.control ? (served?.sighting ?? controls[0]?.sighting ?? blind(last.sighting)) : null,
        beforeRevoke: path.control ? null : await this.#seenLiveBefore(db, death, path),
        revokedAt: death.revokeSentAt,
        ownAuthentication: own,
        now: this.clock.now(),
      });
      const controlEvidenceId = judged.verdict === 'dead' ? (served?.id ?? controlIds[0] ?? null) : null;
      const look = { verdict: judged.verdict, at: last.sighting.at, evidenceId: probeId, controlEvidenceId };
      await this.deaths.settleLiveness(db, version, death, look, call);
      return {
        verdict: judged.verdict,
        why: last.answer.verdict === 'indeterminate' ? last.answer.why : judged.why,
        answered: last.answer.verdict,
        at: last.sighting.at,
        evidence,
        ownAuthenticationRefused: own?.verdict === 'dead',
        ...(last.answer.retryAfter === undefined ? {} : { retryAfter: last.answer.retryAfter }),
      };
    });
  }

  async #ask(
    path: MachinePath,
    target: MachinePath['target'],
    kind: 'probe' | 'control',
    call: RevocationCall,
  ): Promise<Seen> {
    const answer = path.connector.probe
      ? await inTurn(call, () => path.connector.probe!(target, this.#callOf(call)))
      : { verdict: 'indeterminate' as const, why: 'its supplier cannot be asked by machine', exchange: null };
    return { kind, answer, sighting: this.#sighting(answer, path) };
  }

  async #askOwn(path: MachinePath, call: RevocationCall): Promise<Seen> {
    const answer = path.connector.checkOwnAuthentication
      ? await inTurn(call, () => path.connector.checkOwnAuthentication!(path.target, this.#callOf(call)))
      : {
          verdict: 'indeterminate' as const,
          why: 'our own authentication cannot be checked',
          exchange: null,
        };
    return { kind: 'own_authentication', answer, sighting: this.#sighting(answer, path) };
  }

  #callOf(call: RevocationCall): Call {
    return { idempotencyKey: call.idempotencyKey, signal: call.signal, now: () => this.clock.now() };
  }

  #sighting(answer: ProbeAnswer, path: MachinePath): Sighting {
    return { verdict: answer.verdict, at: answer.exchange?.endedAt ?? this.clock.now(), path: path.pathKey };
  }

  /**
   * A look at the same canary on the same path that another version has just taken, if it was accepted; null: none was
   * taken, or the last one was not accepted.
   *
   * @param from  the oldest that counts; absent: as old as a control may serve
   */
  async recentControl(
    db: Db,
    path: MachinePath,
    from: Millis = this.clock.now() - CONTROL_SERVES + 1,
  ): Promise<Control | null> {
    if (!path.control) return null;
    const row = await lastControl(db, { path: path.pathKey, from });
    if (row?.outcome !== 'live') return null;
    return { id: row.id, sighting: { verdict: 'live', at: row.ended_at.getTime(), path: path.pathKey } };
  }

  async #seenLiveBefore(db: Db, death: DeathRow, path: MachinePath): Promise<Sighting | null> {
    if (death.revokeSentAt === null) return null;
    const { versionId, revokeSentAt: before } = death;
    const at = await lastSeenLive(db, { versionId, path: path.pathKey, before });
    return at === null ? null : { verdict: 'live', at, path: path.pathKey };
  }
}

function findingOf(path: MachinePath, { answer, kind }: Seen): Finding {
  const { verdict: outcome, why, exchange } = answer;
  return { kind, outcome, why, exchange, connectionId: path.connectionId, pathKey: path.pathKey };
}

/** A control that was due and not taken vouches for nothing. */
function blind(probe: Sighting): Sighting {
  return { ...probe, verdict: 'indeterminate' };
}
