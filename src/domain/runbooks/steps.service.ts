import { errorText, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { settledByPerson, type Settlement } from './answer.rules.ts';
import { mayDecide, verdictOf, whoIs, type Decision } from './approval.rules.ts';
import { meetDeadlines } from './deadlines.queries.ts';
import {
  addDecision,
  decisionsOn,
  holdStep,
  partsIn,
  readyAgain,
  settleStep,
  type HeldStep,
} from './people.queries.ts';
import type { Ended, Progress } from './progress.ts';
import { pumpJob } from './pump.job.ts';
import type { RunContexts } from './run-contexts.ts';
import { isSeparated, REQUEST, whyApart } from './separation.rules.ts';
import { insertEvents } from './runs.queries.ts';
import { FINAL, mayBecome } from './step.rules.ts';

export type PersonsAnswer =
  | { answer: 'done'; output?: Record<string, unknown>; note?: string }
  | { answer: 'failed'; reason: string }
  | { answer: 'skipped'; reason: string };

/** `late`: the step had ended already; the word is on record and changes nothing. */
export interface Heard {
  late: boolean;
}

const NOT_FOUND = refusal('not_found', 'step-not-found', 'There is no such step.');

/** What people, and those who speak for them, do with single steps. */
export class StepsService {
  constructor(
    private readonly contexts: RunContexts,
    private readonly progress: Progress,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** Answers a step in the action's stead: a task is done, an acknowledgement came, a wait is over. */
  async settle(db: Db, stepId: Id, answer: PersonsAnswer, by: Principal): Promise<Result<Heard, Refusal>> {
    const step = await this.#hold(db, stepId);
    if (!step) return err(NOT_FOUND);
    const now = this.clock.now();
    const reason = 'reason' in answer ? answer.reason : (answer.note ?? null);
    if (FINAL.has(step.state)) return this.#late(db, step, answer.answer, reason, by, now);
    const { step: definition } = this.contexts.node(step.runId, step.node)!;
    const apart = await this.#apart(db, step, by);
    if (apart) return err(apart);
    const needsApproval = definition.approval !== undefined && !step.approved;
    if (needsApproval && answer.answer === 'done')
      return err(
        refusal('conflict', 'step-needs-approval', 'This step has to be approved before it can be done.'),
      );
    if (!mayBecome(step.state, answer.answer))
      return err(
        refusal('conflict', 'step-not-waiting', `A step that is ${step.state} cannot be answered yet.`),
      );
    const cleaned =
      answer.answer === 'done'
        ? { ...answer, note: answer.note === undefined ? undefined : errorText(answer.note) }
        : { ...answer, reason: errorText(answer.reason) };
    await this.#end(db, step, settledByPerson(cleaned, step, definition), 'settled', by, now);
    return ok({ late: false });
  }

  /** One person's word on a step that asks for approval. The last of the quorum lets it run; one rejection fails it. */
  async approve(
    db: Db,
    stepId: Id,
    word: { decision: 'approve' | 'reject'; note?: string },
    by: Principal,
  ): Promise<Result<Heard, Refusal>> {
    const step = await this.#hold(db, stepId);
    if (!step) return err(NOT_FOUND);
    const { step: definition } = this.contexts.node(step.runId, step.node)!;
    const { approval } = definition;
    if (!approval)
      return err(refusal('conflict', 'step-needs-no-approval', 'This step asks for no approval.'));
    const decisions = await decisionsOn(db, stepId, step.family);
    const who = whoIs(by);
    const refused = mayDecide(
      approval,
      { who, roles: by.roles },
      this.contexts.of(step.runId).requestedBy,
      decisions,
    );
    if (refused) return err(refused);
    const apart = await this.#apart(db, step, by);
    if (apart) return err(apart);
    const now = this.clock.now();
    const note = word.note === undefined ? null : errorText(word.note);
    const waiting = step.state === 'parked' && !step.approved;
    if (!waiting && !FINAL.has(step.state) && !step.approved) {
      return err(
        refusal(
          'conflict',
          'step-not-waiting',
          `A step that is ${step.state} does not ask for approval yet.`,
        ),
      );
    }
    await addDecision(
      db,
      { id: newId(), stepId, family: step.family, who, decision: word.decision, note },
      now,
    );
    if (!waiting) return this.#late(db, step, word.decision, note, by, now);
    const verdict = verdictOf(approval.quorum, [...decisions, { decision: word.decision, who }]);
    await this.#note(db, step, word.decision === 'approve' ? 'approved' : 'rejected', null, note, by, now);
    if (verdict !== 'open')
      await this.#decide(db, step, verdict, [...decisions, { decision: word.decision, who }], by, now);
    return ok({ late: false });
  }

  async #decide(
    db: Db,
    step: HeldStep,
    verdict: 'approved' | 'rejected',
    decisions: readonly Decision[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    const { step: definition } = this.contexts.node(step.runId, step.node)!;
    await meetDeadlines(db, [step.id], now, ['approval', 'answer']);
    if (verdict === 'rejected') {
      await this.#end(
        db,
        step,
        settledByPerson({ answer: 'failed', reason: 'rejected' }, step, definition),
        'settled',
        by,
        now,
      );
    } else if (definition.uses === 'approval') {
      const output = { approved: true, lapsed: false, by: decisions.map((decision) => decision.who) };
      await this.#end(
        db,
        step,
        settledByPerson({ answer: 'done', output }, step, definition),
        'settled',
        by,
        now,
      );
    } else {
      await readyAgain(db, step.id, { approved: true, newFamily: false }, now);
      await this.#wake(db, step.runId);
    }
  }

  /** An approval's time ran out and its terms say: act. The word of those who stayed silent is recorded as lapsed. */
  async lapse(db: Db, stepId: Id, by: Principal): Promise<void> {
    const step = await this.#hold(db, stepId);
    if (!step || step.state !== 'parked' || step.approved) return;
    const now = this.clock.now();
    const { step: definition } = this.contexts.node(step.runId, step.node)!;
    await this.#note(db, step, 'approval-lapsed', null, null, by, now);
    if (definition.uses === 'approval') {
      await this.#end(
        db,
        step,
        settledByPerson(
          { answer: 'done', output: { approved: false, lapsed: true, by: [] } },
          step,
          definition,
        ),
        'settled',
        by,
        now,
      );
    } else {
      await readyAgain(db, step.id, { approved: true, newFamily: false }, now);
      await this.#wake(db, step.runId);
    }
  }

  /** Another try, under a new idempotency key: a step that waits for a decision, waits in vain, or failed. */
  async retry(db: Db, stepId: Id, act: { reason: string; by: Principal }): Promise<Result<void, Refusal>> {
    const step = await this.#hold(db, stepId);
    if (!step) return err(NOT_FOUND);
    if (step.runState !== 'running')
      return err(
        refusal('conflict', 'run-ended', `The run is ${step.runState}; no step of it can be tried again.`),
      );
    if (!mayBecome(step.state, 'ready') || step.state === 'pending' || step.state === 'running') {
      return err(
        refusal('conflict', 'step-not-retryable', `A step that is ${step.state} cannot be tried again.`),
      );
    }
    const failed = step.state === 'failed';
    if (failed && step.passed === null)
      return err(
        refusal('conflict', 'step-fallback-runs', 'Its fallback is at work; try that one again instead.'),
      );
    if (failed && step.nodeClosed)
      return err(
        refusal('conflict', 'step-passed', 'What comes after it has gone on. Add a step to the run instead.'),
      );
    const now = this.clock.now();
    await meetDeadlines(db, [stepId], now, ['answer', 'approval']);
    await readyAgain(db, stepId, { approved: false, newFamily: true }, now);
    if (failed)
      await db.query(
        `UPDATE run_node SET open = open + 1, failed = failed - 1 WHERE run_id = $1 AND node = $2`,
        [step.runId, step.node],
      );
    await this.#note(db, step, 'retried', 'ready', errorText(act.reason), act.by, now);
    await this.#wake(db, step.runId);
    return ok(undefined);
  }

  /** Goes on without a step. What needs it runs; a worker that still holds it is fenced off. */
  async skip(db: Db, stepId: Id, act: { reason: string; by: Principal }): Promise<Result<void, Refusal>> {
    const step = await this.#hold(db, stepId);
    if (!step) return err(NOT_FOUND);
    if (!mayBecome(step.state, 'skipped'))
      return err(refusal('conflict', 'step-ended', `The step is ${step.state} already.`));
    const apart = await this.#apart(db, step, act.by);
    if (apart) return err(apart);
    const { step: definition } = this.contexts.node(step.runId, step.node)!;
    const now = this.clock.now();
    await this.#end(
      db,
      step,
      settledByPerson({ answer: 'skipped', reason: errorText(act.reason) }, step, definition),
      'skipped',
      act.by,
      now,
    );
    return ok(undefined);
  }

  /**
   * Puts on record that somebody played the part of a step without answering it: they decided one thing of many, or did
   * outside what the step waits for.
   */
  async contribute(db: Db, stepId: Id, what: string, by: Principal): Promise<Result<void, Refusal>> {
    const step = await this.#hold(db, stepId);
    if (!step) return err(NOT_FOUND);
    const apart = await this.#apart(db, step, by);
    if (apart) return err(apart);
    await this.#note(db, step, 'contributed', null, errorText(what), by, this.clock.now());
    return ok(undefined);
  }

  /** Why somebody may not contribute to a step; null: they may. */
  async mayContribute(db: Db, stepId: Id, by: Principal): Promise<Refusal | null> {
    const step = await this.#hold(db, stepId);
    return step ? this.#apart(db, step, by) : NOT_FOUND;
  }

  /** Why this person may not play the part of this step: they have another one that excludes it. */
  async #apart(db: Db, step: HeldStep, by: Principal): Promise<Refusal | null> {
    const { act } = this.contexts.node(step.runId, step.node)!.step;
    const { definition, requestedBy } = this.contexts.of(step.runId);
    if (act === undefined || by.kind === 'system' || !isSeparated(definition.separation ?? [], act))
      return null;
    // One act of a run after the other: two at once would not see each other.
    await db.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`parts:${step.runId}`]);
    const before = [{ act: REQUEST, who: requestedBy }, ...(await partsIn(db, step.runId))];
    return whyApart(definition, before, act, by);
  }

  async #hold(db: Db, stepId: Id): Promise<HeldStep | undefined> {
    const step = await holdStep(db, stepId);
    if (step) await this.contexts.load(db, [step]);
    return step;
  }

  /** Ends a step by a person's word, with everything that follows. */
  async #end(
    db: Db,
    step: HeldStep,
    settlement: Settlement,
    kind: string,
    by: Principal,
    now: Millis,
  ): Promise<void> {
    await settleStep(db, step, settlement, now);
    await this.#note(db, step, kind, settlement.state, settlement.reason, by, now);
    await meetDeadlines(db, [step.id], now);
    const end: Ended = {
      stepId: step.id,
      state: settlement.state as Ended['state'],
      passed: settlement.passed,
      runId: step.runId,
      node: step.node,
      itemKey: step.itemKey,
      covers: step.covers ?? [],
      fallback: settlement.fallback,
    };
    await this.progress.advance(db, [end], now);
    await this.#wake(db, step.runId);
  }

  /** Event and ledger entry of an act. */
  async #note(
    db: Db,
    step: HeldStep,
    kind: string,
    state: string | null,
    reason: string | null,
    by: Principal,
    now: Millis,
  ): Promise<void> {
    await insertEvents(
      db,
      [
        {
          stepId: step.id,
          runId: step.runId,
          worker: null,
          fence: step.fence,
          attempt: step.attempt,
          kind,
          state,
          reason,
          by: whoIs(by),
          evidence: null,
        },
      ],
      now,
    );
    const entry = this.progress.entry(
      step.runId,
      step.node,
      step.itemKey,
      step.id,
      `step.${kind}`,
      now,
      state === null ? {} : { state },
    );
    await this.ledger.append(db, { ...entry, by, ...(reason === null ? {} : { committed: { reason } }) });
  }

  /** A word that came after the step had ended is kept; a miss before it stays a miss. */
  async #late(
    db: Db,
    step: HeldStep,
    said: string,
    reason: string | null,
    by: Principal,
    now: Millis,
  ): Promise<Result<Heard, Refusal>> {
    await this.#note(
      db,
      step,
      'late-answer',
      null,
      reason === null ? said : `${said}: ${errorText(reason)}`,
      by,
      now,
    );
    return ok({ late: true });
  }

  async #wake(db: Db, runId: Id): Promise<void> {
    await this.outbox.put(db, pumpJob, { runId }, { key: runId });
  }
}
