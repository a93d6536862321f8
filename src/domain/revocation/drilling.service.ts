import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { AcknowledgementService } from '../notices/acknowledgement.service.ts';
import { NoticesService } from '../notices/notices.service.ts';
import type { StepAnswer, StepContext } from '../runbooks/action.ts';
import { abandonStep } from '../runbooks/leases.queries.ts';
import type { Call, Exchange, ProbeAnswer, RevokeAnswer, Verdict } from './connector.ts';
import type { CanaryPath } from './canary-path.ts';
import { deathOf, type Sighting } from './death.rules.ts';
import type { DrillExchange } from './drill.schema.ts';
import type { DrillFault } from './drill.schema.ts';
import { findDrill, findDrillPath, type DrillRow } from './drills.queries.ts';
import { DrillRecords } from './drill-records.service.ts';
import { faultIn, WorkerDied } from './fault-injection.ts';

export interface DrillCall {
  by: Principal;
  stepId: Id;
  idempotencyKey: string;
  /** When this one has failed there is no other. */
  last: boolean;
  signal: AbortSignal;
}

export type DrillAnswer =
  | { outcome: 'done'; why: string }
  | { outcome: 'retry'; why: string; after?: Millis }
  | { outcome: 'unknown'; why: string }
  | { outcome: 'waiting'; why: string; until: Millis }
  | { outcome: 'failed'; why: string };

/** The call of a step. */
export function drillCall(context: StepContext<unknown>): DrillCall {
  return {
    by: system('engine', context.correlationId),
    stepId: context.stepId,
    idempotencyKey: context.idempotencyKey,
    last: context.tries.left === 0,
    signal: context.signal,
  };
}

/** What an outcome means to the engine. */
export function stepAnswer(said: DrillAnswer): StepAnswer {
  switch (said.outcome) {
    case 'done':
      return { answer: 'done', note: said.why };
    case 'retry':
      return { answer: 'retry', reason: said.why, after: said.after };
    case 'waiting':
      return { answer: 'waiting', until: said.until, forWhat: said.why };
    case 'unknown':
      return { answer: 'unknown', reason: said.why };
    case 'failed':
      return { answer: 'failed', reason: said.why };
  }
}

interface Seen {
  kind: DrillExchange['kind'];
  answer: ProbeAnswer;
  sighting: Sighting;
}

const GONE = { outcome: 'failed', why: 'there is no such drill' } as const;

/**
 * What a drill does: the same calls through the same connector as in an emergency, on a canary. The intent is committed
 * before the first byte leaves, each exchange after it; dead is what `deathOf` says, with its control.
 */
@Injectable()
export class Drilling {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillRecords,
    private readonly notices: NoticesService,
    private readonly acknowledgements: AcknowledgementService,
    private readonly clock: Clock,
  ) {}

  /** Revokes the canary, which has to be seen alive before: what was dead already proves nothing. */
  async revoke(drillId: Id, call: DrillCall): Promise<DrillAnswer> {
    const loaded = await this.#load(drillId, call.by);
    if ('outcome' in loaded) return loaded;
    const { drill, path } = loaded;
    if (drill.evidence.some(({ kind, outcome }) => kind === 'revoke' && said(outcome)))
      return { outcome: 'done', why: 'the supplier had answered already' };
    if (drill.runbook === 'rotation-drill' && drill.validatedAt === null)
      return { outcome: 'failed', why: 'the new one was never seen working: the old one stays' };
    const seen = await this.#ask(path, path.target, 'probe', call);
    await this.#keep(call.by, drillId, [exchangeOf(seen)]);
    const { verdict, why, retryAfter } = seen.answer;
    if (verdict === 'dead' && drill.revokeSentAt !== null)
      return { outcome: 'done', why: 'the answer was lost, and the canary is refused now' };
    if (verdict === 'dead')
      return {
        outcome: 'failed',
        why: `the canary was refused before anybody revoked it, so that its death would prove nothing: ${why}`,
      };
    if (verdict === 'indeterminate')
      return call.last
        ? { outcome: 'failed', why: `nobody could see whether the canary lives: ${why}` }
        : { outcome: 'retry', why, ...(retryAfter === undefined ? {} : { after: retryAfter }) };
    const sentAt = this.clock.now();
    await this.transactions.run(call.by, (db) =>
      db.query(
        `UPDATE drill SET started_at = CASE WHEN revoke_sent_at IS NULL THEN $2 ELSE started_at END,
                revoke_sent_at = coalesce(revoke_sent_at, $2) WHERE id = $1 AND ended_at IS NULL`,
        [drillId, iso(sentAt)],
      ),
    );
    const answer = await this.#askToRevoke(path, call);
    if (answer === 'died') return { outcome: 'unknown', why: 'its worker died' };
    const answered = whyOf(answer);
    const exchange = 'exchange' in answer ? answer.exchange : null;
    await this.#keep(call.by, drillId, [
      kept('revoke', answer.outcome, answered, exchange, path.pathKey, sentAt, faultIn(answer)),
    ]);
    switch (answer.outcome) {
      case 'accepted':
      case 'gone':
        return { outcome: 'done', why: answered };
      case 'retry':
        return call.last
          ? { outcome: 'failed', why: answered }
          : {
              outcome: 'retry',
              why: answered,
              ...(answer.after === undefined ? {} : { after: answer.after }),
            };
      case 'unknown':
        return call.last ? { outcome: 'failed', why: answered } : { outcome: 'unknown', why: answered };
      case 'rejected':
      case 'manual':
        return { outcome: 'failed', why: answered };
    }
  }

  /** Looks until the canary is dead with its control, or nobody will look any more. */
  async prove(drillId: Id, call: DrillCall): Promise<DrillAnswer> {
    const loaded = await this.#load(drillId, call.by);
    if ('outcome' in loaded) return loaded;
    const { drill, path } = loaded;
    if (drill.provenAt !== null) return { outcome: 'done', why: 'it was proven already' };
    if (drill.revokeSentAt === null) return { outcome: 'failed', why: 'nobody was asked to revoke it' };
    const last = drill.evidence.findLast(({ kind }) => kind === 'revoke');
    if (last?.outcome === 'rejected' || last?.outcome === 'manual')
      return { outcome: 'failed', why: `it was not revoked: ${last.why}` };
    const probe = await this.#ask(path, path.target, 'probe', call);
    const controls: Seen[] = [];
    if (probe.answer.verdict === 'dead') {
      if (path.control) controls.push(await this.#ask(path, path.control, 'control', call));
      else if (path.abilities.ownAuthentication) controls.push(await this.#askOwn(path, call));
    }
    const judged = deathOf({
      probe: probe.sighting,
      control: path.control
        ? (controls[0]?.sighting ?? { ...probe.sighting, verdict: 'indeterminate' })
        : null,
      beforeRevoke: path.control ? null : seenLiveBefore(drill),
      revokedAt: drill.revokeSentAt.getTime(),
      ownAuthentication: controls.find(({ kind }) => kind === 'own_authentication')?.sighting ?? null,
      now: this.clock.now(),
    });
    const proven = judged.verdict === 'dead';
    await this.transactions.run(call.by, async (db) => {
      await keep(db, drillId, [...controls, probe].map(exchangeOf), judged.why);
      if (proven)
        await db.query(`UPDATE drill SET proven_at = $2 WHERE id = $1 AND ended_at IS NULL`, [
          drillId,
          iso(probe.sighting.at),
        ]);
    });
    if (proven) return { outcome: 'done', why: judged.why };
    if (call.last) return { outcome: 'failed', why: `its death was not proven: ${judged.why}` };
    const after = probe.answer.retryAfter;
    return { outcome: 'retry', why: judged.why, ...(after === undefined ? {} : { after }) };
  }

  /** Calls the contact of a path, and waits for the answer. */
  async callOut(drillId: Id, within: Millis, call: DrillCall): Promise<DrillAnswer> {
    const asked = await this.transactions.run(call.by, async (db) => {
      const drill = await findDrill(db, drillId, true);
      const path = drill && (await findDrillPath(db, drill.pathId));
      if (!drill || !path || path.contactId === null) return null;
      if (drill.noticeId !== null) return { drill, noticeId: drill.noticeId };
      const now = this.clock.now();
      const noticeId = await this.notices.send(
        db,
        {
          integrationId: path.integrationId,
          partyId: path.partyId,
          contactId: path.contactId,
          subject: { kind: 'drill', id: drillId },
          category: 'drill',
          language: path.language,
          fulfilledBy: 'acknowledged',
          facts: {
            contactName: path.contactName,
            partyName: path.partyName,
            credentialName: path.credentialName,
            integrationName: path.integrationName,
            integrationReference: path.integrationReference,
            answerBy: iso(now + within),
          },
          key: `drill:${drillId}`,
          correlationId: call.by.correlationId,
        },
        call.by,
      );
      await db.query(`UPDATE drill SET notice_id = $2, started_at = $3 WHERE id = $1`, [
        drillId,
        noticeId,
        iso(now),
      ]);
      return { drill: { ...drill, startedAt: new Date(now) }, noticeId };
    });
    if (!asked) return GONE;
    const standing = await this.acknowledgements.awaitedBy(asked.noticeId, call.stepId, call.by);
    if (standing?.acknowledged) return { outcome: 'done', why: 'the contact answered' };
    if (asked.drill.endedAt !== null) return { outcome: 'failed', why: 'the drill has ended' };
    const until = asked.drill.startedAt.getTime() + within;
    if (this.clock.now() >= until) return { outcome: 'failed', why: 'nobody answered in time' };
    return { outcome: 'waiting', why: 'the contact to answer the call', until };
  }

  /** When the contact answered, where that was in time: the proof of a path that ends at a person. */
  async answered(drillId: Id, within: Millis, by: Principal): Promise<void> {
    await this.transactions.run(by, (db) =>
      db.query(
        `UPDATE drill d SET proven_at = n.acknowledged_at FROM notice n
          WHERE d.id = $1 AND n.id = d.notice_id AND d.ended_at IS NULL AND d.proven_at IS NULL
            AND n.acknowledged_at <= d.started_at + make_interval(secs => $2::float8)`,
        [drillId, within / 1000],
      ),
    );
  }

  async #load(
    drillId: Id,
    by: Principal,
  ): Promise<{ drill: DrillRow; path: CanaryPath } | { outcome: 'failed'; why: string }> {
    return this.transactions.run(by, async (db) => {
      const drill = await findDrill(db, drillId);
      if (!drill) return GONE;
      if (drill.endedAt !== null) return { outcome: 'failed' as const, why: 'the drill has ended' };
      const path = await this.drills.machine(db, drill, by);
      return 'problem' in path ? { outcome: 'failed' as const, why: path.problem } : { drill, path };
    });
  }

  /** `died`: the worker that asked is gone, as the drill wants it; the step belongs to whoever takes it when its lease is over. */
  async #askToRevoke(path: CanaryPath, call: DrillCall): Promise<RevokeAnswer | 'died'> {
    if (!path.connector.revoke) return { outcome: 'manual', instructions: 'a person has to do it' };
    try {
      return await path.connector.revoke(path.target, this.#callOf(call));
    } catch (thrown) {
      if (!(thrown instanceof WorkerDied)) throw thrown;
      await this.transactions.run(call.by, (db) => abandonStep(db, call.stepId));
      return 'died';
    }
  }

  async #ask(
    path: CanaryPath,
    target: CanaryPath['target'],
    kind: 'probe' | 'control',
    call: DrillCall,
  ): Promise<Seen> {
    const answer = path.connector.probe
      ? await path.connector.probe(target, this.#callOf(call))
      : { verdict: 'indeterminate' as const, why: 'its supplier cannot be asked by machine', exchange: null };
    return { kind, answer, sighting: this.#sighting(answer, path) };
  }

  async #askOwn(path: CanaryPath, call: DrillCall): Promise<Seen> {
    const answer = path.connector.checkOwnAuthentication
      ? await path.connector.checkOwnAuthentication(path.target, this.#callOf(call))
      : {
          verdict: 'indeterminate' as const,
          why: 'our own authentication cannot be checked',
          exchange: null,
        };
    return { kind: 'own_authentication', answer, sighting: this.#sighting(answer, path) };
  }

  #callOf({ idempotencyKey, signal }: DrillCall): Call {
    return { idempotencyKey, signal, now: () => this.clock.now() };
  }

  #sighting(answer: ProbeAnswer, path: CanaryPath): Sighting {
    return { verdict: answer.verdict, at: answer.exchange?.endedAt ?? this.clock.now(), path: path.pathKey };
  }

  async #keep(by: Principal, drillId: Id, exchanges: DrillExchange[]): Promise<void> {
    await this.transactions.run(by, (db) => keep(db, drillId, exchanges));
  }
}

/** @param judged what all of them together mean; said with the last */
export async function keep(db: Db, drillId: Id, exchanges: DrillExchange[], judged?: string): Promise<void> {
  const told = exchanges.map((one, at) =>
    judged !== undefined && at === exchanges.length - 1 ? { ...one, why: judged } : one,
  );
  await db.query(`UPDATE drill SET evidence = evidence || $2::jsonb WHERE id = $1 AND ended_at IS NULL`, [
    drillId,
    JSON.stringify(told),
  ]);
}

function said(outcome: string): boolean {
  return outcome === 'accepted' || outcome === 'gone';
}

export function whyOf(answer: RevokeAnswer): string {
  if ('why' in answer) return answer.why;
  if (answer.outcome === 'manual') return 'a person has to do it';
  return `the supplier answered ${answer.exchange.status ?? ''}`.trim();
}

function exchangeOf({ kind, answer, sighting }: Seen): DrillExchange {
  return kept(kind, answer.verdict, answer.why, answer.exchange, sighting.path, sighting.at, faultIn(answer));
}

export function kept(
  kind: DrillExchange['kind'],
  outcome: string,
  why: string,
  exchange: Exchange | null,
  path: string,
  at: Millis,
  injected?: DrillFault,
): DrillExchange {
  return {
    kind,
    outcome,
    why,
    asked: exchange ? `${exchange.method} ${exchange.url}` : '',
    status: exchange?.status ?? null,
    extract: exchange?.extract ?? '',
    path,
    from: iso(exchange?.startedAt ?? at),
    until: iso(exchange?.endedAt ?? at),
    ...(injected ? { injected } : {}),
  };
}

/** The last look before the revoke that saw the canary live. */
function seenLiveBefore(drill: DrillRow): Sighting | null {
  const sent = drill.revokeSentAt?.getTime() ?? 0;
  const seen = drill.evidence.findLast(
    ({ kind, outcome, until }) => kind === 'probe' && outcome === 'live' && Date.parse(until) <= sent,
  );
  return seen ? { verdict: seen.outcome as Verdict, at: Date.parse(seen.until), path: seen.path } : null;
}
