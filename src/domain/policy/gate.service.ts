import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService, type LedgerInput } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { Runbooks } from '../runbooks/runbooks.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { advanceWay } from './advance-way.definition.ts';
import type { GateFacts, RunbookFacts } from './facts.schema.ts';
import { loadFacts } from './facts.queries.ts';
import { GateRecords, type Evaluated } from './gate-records.service.ts';
import { standingExceptions } from './gate.queries.ts';
import { blocks, evaluateGate } from './gate.rules.ts';
import type { DecisionView } from './gate.schema.ts';
import { MAY_GO_LIVE, passAfter, type PassFacts } from './pass.rules.ts';
import { Policies } from './policies.ts';
import { passChanged, wentLive } from './policy.events.ts';
import { runbookFacts } from './runbook-time.rules.ts';
import { onTheirWay } from './ways.queries.ts';

type Locked = PassFacts & { id: Id; ownerContactId: Id | null; name: string };

/** How many integrations are evaluated in one transaction: memory stays flat, however many there are. */
const BATCH = 100;

/** Asks the rules, keeps what they said, and alone sets `live`. */
@Injectable()
export class GateService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly policies: Policies,
    private readonly runbooks: Runbooks,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
    private readonly runs: RunsService,
    private readonly records: GateRecords,
  ) {}

  /** What the gate would say now. Recorded as a dry run: it decides nothing and opens nothing. */
  async dryRun(integrationId: Id, by: Principal): Promise<Result<DecisionView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [found] = await this.#evaluate(db, [integrationId], now);
      if (!found) return err(noIntegration());
      const decision = await this.records.decide(db, 'dry_run', found, by, now);
      await this.records.stand(db, [found], now, new Map([[integrationId, decision.id]]));
      return ok(decision);
    });
  }

  /** Lets an integration into production, or says what keeps it out. A refusal is recorded, too. */
  async goLive(
    integrationId: Id,
    by: Principal,
  ): Promise<Result<DecisionView & { state: string; pass: string }, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [locked] = await this.#lock(db, [integrationId]);
      if (!locked) return err(noIntegration());
      if (!MAY_GO_LIVE.includes(locked.state))
        return err(
          refusal(
            'conflict',
            locked.state === 'live' ? 'already-live' : 'cannot-go-live',
            locked.state === 'live'
              ? 'The integration is live.'
              : `The integration is ${locked.state} and cannot go live from there.`,
          ),
        );
      const [found] = await this.#evaluate(db, [integrationId], now);
      if (!found) return err(noIntegration());
      const [ending] = await db.query<object[]>(
        `SELECT FROM offboarding WHERE integration_id = $1 AND state = 'open'`,
        [integrationId],
      );
      if (ending)
        return err(
          refusal('conflict', 'being-offboarded', 'The integration is being offboarded: it cannot go live.'),
        );
      const [onboarding] = await db.query<{ runId: Id }[]>(
        `SELECT run_id AS "runId" FROM onboarding WHERE integration_id = $1 AND state = 'open'`,
        [integrationId],
      );
      const part = onboarding && { runId: onboarding.runId, step: 'go-live' };
      const apart = part && (await this.runs.mayContribute(db, part, by));
      if (apart) return err(apart);
      const decision = await this.records.decide(db, 'go_live', found, by, now);
      await this.records.stand(db, [found], now, new Map([[integrationId, decision.id]]));
      if (decision.verdict === 'refused') return ok({ ...decision, state: locked.state, pass: locked.pass });
      await db.query(
        `UPDATE integration SET state = 'live', pass = 'held', pass_grace_until = NULL, updated_at = $2, row_version = row_version + 1
          WHERE id = $1`,
        [integrationId, iso(now)],
      );
      await this.ledger.append(db, {
        kind: 'integration.went-live',
        subject: { kind: 'integration', id: integrationId },
        by,
        at: now,
        facts: { decision: decision.id, from: locked.state },
      });
      if (part) await this.runs.contribute(db, part, 'let it go live', by);
      await this.outbox.put(db, wentLive, { integrationId, decisionId: decision.id });
      return ok({ ...decision, state: 'live', pass: 'held' });
    });
  }

  /** The recorded facts of an integration, for an evaluation elsewhere: before a change is made. */
  async facts(db: Db, integrationId: Id): Promise<GateFacts | undefined> {
    const [found] = await loadFacts(db, [integrationId], this.clock.now(), this.#runbookFacts());
    return found;
  }

  /** Evaluates without recording anything: what a page shows before anybody asked. */
  async look(db: Db, integrationId: Id): Promise<Evaluated | undefined> {
    const [found] = await this.#evaluate(db, [integrationId], this.clock.now());
    return found;
  }

  /**
   * Looks again at integrations of which something changed or aged. A live one loses its pass, gets it back, or is escalated
   * when its grace is over; the others only have their standing written anew.
   */
  async reEvaluate(db: Db, ids: readonly Id[], by: Principal): Promise<void> {
    const now = this.clock.now();
    // Only a live one can change its pass; the others are not kept from whoever edits them.
    const locked = new Map((await this.#lock(db, ids, true)).map((one) => [one.id, one]));
    const all = await this.#evaluate(db, ids, now);
    const decisions = new Map<Id, Id>();
    const ledger: LedgerInput[] = [];
    for (const found of all) {
      const { id } = found.facts.integration;
      const before = locked.get(id);
      const change = before && passAfter(before, found.evaluation.verdict, found.known.policy.grace, now);
      if (!before || !change) continue;
      const decision = await this.records.decide(db, 're_evaluation', found, by, now);
      decisions.set(id, decision.id);
      const graceUntil = change.to === 'lost' ? change.graceUntil : null;
      await db.query(
        `UPDATE integration SET pass = $2, pass_grace_until = $3, updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
        [id, change.to, graceUntil === null ? null : iso(graceUntil), iso(now)],
      );
      ledger.push({
        kind: `integration.pass-${change.to}`,
        subject: { kind: 'integration', id },
        by,
        at: now,
        facts: {
          decision: decision.id,
          from: before.pass,
          ...(graceUntil === null ? {} : { graceUntil: iso(graceUntil) }),
          ...(before.ownerContactId === null ? {} : { owner: before.ownerContactId }),
        },
      });
      await this.outbox.put(db, passChanged, {
        integrationId: id,
        decisionId: decision.id,
        to: change.to,
        graceUntil: graceUntil === null ? null : iso(graceUntil),
        ownerContactId: before.ownerContactId,
      });
      await this.#tell(db, found, change.to, graceUntil, now);
    }
    await this.ledger.append(db, ledger);
    await this.records.stand(db, all, now, decisions);
    // Whoever is on the way in or out may have waited for what has just changed.
    const going = await onTheirWay(db, ids);
    await this.outbox.putAll(
      db,
      advanceWay,
      going.map((integrationId) => ({ payload: { integrationId } })),
    );
  }

  /** Every integration, one batch after the other. @param onProgress told after each batch */
  async reEvaluateAll(
    by: Principal,
    onProgress: (done: number, total: number) => void = () => undefined,
  ): Promise<number> {
    const [counted] = await this.transactions.run(by, (db) =>
      db.query<{ total: number }[]>(
        `SELECT count(*)::int AS total FROM integration WHERE state <> 'retired'`,
      ),
    );
    let after: Id = '00000000-0000-0000-0000-000000000000';
    let done = 0;
    for (;;) {
      const ids = await this.transactions.run(by, async (db) => {
        const rows = await db.query<{ id: Id }[]>(
          `SELECT id FROM integration WHERE id > $1 AND state <> 'retired' ORDER BY id LIMIT $2`,
          [after, BATCH],
        );
        const batch = rows.map(({ id }) => id);
        await this.reEvaluate(db, batch, by);
        return batch;
      });
      const last = ids.at(-1);
      if (last === undefined) return done;
      after = last;
      done += ids.length;
      onProgress(done, counted?.total ?? done);
    }
  }

  /** One round over what changed and what is due. @returns how many were looked at; fewer than a batch: nothing is left */
  async round(by: Principal): Promise<number> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const stale = await db.query<{ id: Id }[]>(
        `SELECT DISTINCT s.integration_id AS id FROM (SELECT integration_id FROM gate_stale LIMIT 2000) s LIMIT $1`,
        [BATCH],
      );
      const due = await db.query<{ id: Id }[]>(
        `SELECT integration_id AS id FROM gate_standing WHERE recheck_at <= $1 ORDER BY recheck_at LIMIT $2`,
        [iso(now), BATCH - stale.length],
      );
      const ids = [...new Set([...stale, ...due].map(({ id }) => id))];
      if (ids.length === 0) return 0;
      // Only the rows that are there now: what is noted while we look is looked at again.
      const rows = await db.query<{ id: Id }[]>(
        `SELECT id FROM gate_stale WHERE integration_id = ANY($1::uuid[])`,
        [stale.map(({ id }) => id)],
      );
      await this.reEvaluate(db, ids, by);
      await db.query(`DELETE FROM gate_stale WHERE id = ANY($1::uuid[])`, [rows.map(({ id }) => id)]);
      return ids.length;
    });
  }

  /** A policy changed with the installation: everything that was decided under another one is looked at again. */
  async policiesChanged(by: Principal): Promise<void> {
    const hashes = this.policies.all().map(({ hash }) => hash);
    await this.transactions.run(by, (db) =>
      db.query(
        `INSERT INTO gate_stale (id, integration_id)
         SELECT gen_random_uuid(), integration_id FROM gate_standing WHERE policy_hash <> ALL($1::text[])`,
        [hashes],
      ),
    );
  }

  async #evaluate(db: Db, ids: readonly Id[], now: Millis): Promise<Evaluated[]> {
    if (ids.length === 0) return [];
    const all = await loadFacts(db, ids, now, this.#runbookFacts());
    const exceptions = await standingExceptions(db, ids, now);
    return all.map((facts) => {
      const known = this.policies.of(facts.integration);
      const evaluation = evaluateGate(facts, known.policy, now, exceptions.get(facts.integration.id));
      return { facts, known, evaluation };
    });
  }

  /** In the order of their ids, so that two rounds never wait for each other crosswise. */
  async #lock(db: Db, ids: readonly Id[], liveOnly = false): Promise<Locked[]> {
    return db.query<Locked[]>(
      `SELECT id, name, state, pass, (extract(epoch FROM pass_grace_until) * 1000)::float8 AS "graceUntil", owner_contact_id AS "ownerContactId"
         FROM integration WHERE id = ANY($1::uuid[]) AND (state = 'live' OR NOT $2) ORDER BY id FOR NO KEY UPDATE`,
      [ids, liveOnly],
    );
  }

  async #tell(
    db: Db,
    { facts, evaluation }: Evaluated,
    to: 'held' | 'lost' | 'refused',
    graceUntil: Millis | null,
    now: Millis,
  ): Promise<void> {
    if (to === 'held') return;
    const { id, reference } = facts.integration;
    const worst = evaluation.findings.find(blocks);
    await this.alerts.raise(db, {
      kind: to === 'lost' ? 'gate.pass-lost' : 'gate.grace-ended',
      severity: to === 'lost' ? 'warning' : 'critical',
      message:
        to === 'lost'
          ? `${reference} is live and has lost its pass; it can be mended until ${iso(graceUntil!).slice(0, 16)}Z. ${worst?.message ?? ''}`
          : `${reference} is live without a pass: nobody mended it in its time of grace. ${worst?.message ?? ''}`,
      dedupeKey: `gate:${to}:${id}`,
      subject: { kind: 'integration', id },
      at: now,
    });
  }

  #runbookFacts(): RunbookFacts[] {
    return this.runbooks
      .all()
      .filter(({ definition }) => !definition.draft)
      .map(({ definition }) => runbookFacts(definition));
  }
}

function noIntegration(): Refusal {
  return refusal('not_found', 'no-integration', 'There is no such integration.');
}
