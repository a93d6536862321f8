import { errorText, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import type { Subject } from './action.ts';
import type { Installed } from './check.rules.ts';
import { stepProblems } from './check.rules.ts';
import { adHocStepSchema, stepSchema } from './definition.schema.ts';
import { startDeadlines } from './deadlines.queries.ts';
import { gateOf, planOf } from './plan.rules.ts';
import {
  callCompensations,
  cancelNodes,
  cancelSteps,
  holdRun,
  parkedSteps,
  singleStep,
} from './people.queries.ts';
import { insertSteps, newStep, stopPlanning } from './planning.queries.ts';
import { pumpJob } from './pump.job.ts';
import type { RunContexts } from './run-contexts.ts';
import type { Runbooks } from './runbooks.service.ts';
import { runFinished } from './runs.events.ts';
import { closeRunNodes } from './progress.queries.ts';
import { insertEvents, rowsOf } from './runs.queries.ts';
import { whoIs } from './approval.rules.ts';
import type { StepsService } from './steps.service.ts';

export interface StartRun {
  /** A runbook's id: `emergency-revocation`. */
  runbook: string;
  subject: Subject;
  /** Facts that the runbook refers to as `input.x`. Never a secret. */
  input: Record<string, unknown>;
  correlationId: string;
  by: Principal;
}

/** A person's act upon a run or step, with the reason that goes on record. */
export interface Act {
  reason: string;
  by: Principal;
}

/** What higher folders and faces do with runs. Each call works in the caller's transaction and wakes the engine after it. */
export class RunsService {
  constructor(
    private readonly runbooks: Runbooks,
    private readonly contexts: RunContexts,
    private readonly steps: StepsService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly installed: Installed,
  ) {}

  /**
   * Starts a run on the runbook as it stands now; it finishes on that definition. Costs the same for one target and for
   * 10,000: targets are planned afterwards, as a stream.
   *
   * @throws Error when the runbook does not exist or is a draft: callers name runbooks that boot has checked
   */
  async start(db: Db, request: StartRun): Promise<{ runId: Id }> {
    const found = this.runbooks.current(request.runbook);
    if (!found) throw new Error(`there is no runbook ${request.runbook} that can be started`);
    const { definition, hash } = found;
    const plan = planOf(definition);
    const runId = newId();
    const now = this.clock.now();
    await db.query(
      `INSERT INTO run (id, definition_hash, runbook, title, subject_kind, subject_id, input, state, open_nodes, requested_by, correlation_id, started_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8, $9, $10, $11)`,
      [
        runId,
        hash,
        definition.id,
        definition.title,
        request.subject.kind,
        request.subject.id,
        JSON.stringify(request.input),
        plan.nodes.filter((node) => !node.onDemand).length,
        whoIs(request.by),
        request.correlationId,
        new Date(now),
      ],
    );
    const single = (fan: boolean, onDemand: boolean) => !fan && !onDemand;
    await db.query(
      `INSERT INTO run_node (run_id, node, step, title, on_demand, planned, closed, gate, total, open)
       SELECT $1, n.node, n.step, n.title, n.on_demand, n.planned, n.on_demand, n.gate, n.rows, n.rows
         FROM unnest($2::smallint[], $3::text[], $4::text[], $5::bool[], $6::bool[], $7::int[], $8::int[]) AS n(node, step, title, on_demand, planned, gate, rows)`,
      [
        runId,
        plan.nodes.map((node) => node.no),
        plan.nodes.map((node) => node.step.id),
        plan.nodes.map((node) => node.step.title),
        plan.nodes.map((node) => node.onDemand),
        plan.nodes.map((node) => !node.fan || node.onDemand),
        plan.nodes.map(gateOf),
        plan.nodes.map((node) => (single(node.fan, node.onDemand) ? 1 : 0)),
      ],
    );
    const rows = plan.nodes
      .filter((node) => single(node.fan, node.onDemand))
      .map((node) => {
        const gated = gateOf(node) > 0;
        return newStep(
          { node: node.no, state: gated ? 'pending' : 'ready', blockers: gated ? 1 : 0, gated },
          null,
        );
      });
    await insertSteps(db, runId, rows, now);
    await this.contexts.load(db, [{ runId, node: 0 }]);
    const ready = rows
      .filter((row) => row.state === 'ready')
      .map((row) => ({ id: row.id, runId, node: row.node }));
    await startDeadlines(db, this.contexts, ready, now);
    await this.ledger.append(db, {
      kind: 'run.started',
      subject: { kind: 'run', id: runId },
      by: request.by,
      at: now,
      facts: {
        runbook: definition.id,
        version: definition.version,
        definition: hash,
        [request.subject.kind]: request.subject.id,
      },
    });
    await this.#wake(db, runId);
    return { runId };
  }

  /**
   * Tells a run whose fan-out still takes items that more of them are there.
   * @returns false when the run has ended and takes none
   */
  async grow(db: Db, runId: Id): Promise<boolean> {
    const [run] = await rowsOf<{ state: string }>(db, `SELECT state FROM run WHERE id = $1`, [runId]);
    if (run?.state !== 'running') return false;
    await this.#wake(db, runId);
    return true;
  }

  async #wake(db: Db, runId: Id): Promise<void> {
    await this.outbox.put(db, pumpJob, { runId }, { key: runId });
  }

  settle(
    ...[db, stepId, answer, by]: Parameters<StepsService['settle']>
  ): ReturnType<StepsService['settle']> {
    return this.steps.settle(db, stepId, answer, by);
  }

  approve(
    ...[db, stepId, word, by]: Parameters<StepsService['approve']>
  ): ReturnType<StepsService['approve']> {
    return this.steps.approve(db, stepId, word, by);
  }

  /**
   * Puts on record that somebody played the part of a step that fans out over nothing. Where the runbook has no such step,
   * there is no part to play.
   * @returns a refusal where the runbook gives the part to somebody else
   */
  async contribute(
    db: Db,
    at: { runId: Id; step: string },
    what: string,
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const stepId = await singleStep(db, at.runId, at.step);
    return stepId === undefined ? ok(undefined) : this.steps.contribute(db, stepId, what, by);
  }

  /** Why the runbook gives the part of a step to somebody else; null: it does not. */
  async mayContribute(db: Db, at: { runId: Id; step: string }, by: Principal): Promise<Refusal | null> {
    const stepId = await singleStep(db, at.runId, at.step);
    return stepId === undefined ? null : this.steps.mayContribute(db, stepId, by);
  }

  retryStep(db: Db, stepId: Id, act: Act): Promise<Result<void, Refusal>> {
    return this.steps.retry(db, stepId, act);
  }

  skipStep(db: Db, stepId: Id, act: Act): Promise<Result<void, Refusal>> {
    return this.steps.skip(db, stepId, act);
  }

  /** Asks once more for every step of the run that gave up and waits for a decision. */
  async resumeRun(db: Db, runId: Id, act: Act): Promise<Result<{ retried: number }, Refusal>> {
    const run = await holdRun(db, runId);
    if (!run) return err(refusal('not_found', 'run-not-found', 'There is no such run.'));
    if (run.state !== 'running') return err(ended(run.state));
    let retried = 0;
    for (const id of await parkedSteps(db, runId)) {
      const result = await this.steps.retry(db, id, act);
      if (result.ok) retried += 1;
    }
    return ok({ retried });
  }

  /**
   * Ends a run: what has not ended is cancelled, what a worker still does is fenced off, and the compensations of finished
   * steps run.
   */
  async cancelRun(db: Db, runId: Id, { reason, by }: Act): Promise<Result<void, Refusal>> {
    const run = await holdRun(db, runId);
    if (!run) return err(refusal('not_found', 'run-not-found', 'There is no such run.'));
    if (run.state !== 'running') return err(ended(run.state));
    const now = this.clock.now();
    await this.contexts.load(db, [{ runId, node: 0 }]);
    const { plan, definition, subject } = this.contexts.of(runId);
    const said = errorText(reason);
    // Steps before their groups, as whoever records results locks them; then what was planned meanwhile.
    const cancelled = await cancelSteps(db, runId, said, now);
    await stopPlanning(db, runId);
    cancelled.push(...(await cancelSteps(db, runId, said, now)));
    await insertEvents(
      db,
      cancelled.map((step) => ({
        stepId: step.id,
        runId,
        worker: null,
        fence: step.fence,
        attempt: 0,
        kind: 'cancelled',
        state: 'cancelled',
        reason: null,
        by: whoIs(by),
        evidence: null,
      })),
      now,
    );
    await db.query(`UPDATE deadline SET met_at = $2 WHERE run_id = $1 AND met_at IS NULL`, [
      runId,
      new Date(now),
    ]);
    const counts = new Map<number, number>();
    for (const step of cancelled) counts.set(step.node, (counts.get(step.node) ?? 0) + 1);
    await cancelNodes(
      db,
      runId,
      [...counts].map(([node, count]) => ({ node, cancelled: count })),
    );
    let compensating = 0;
    for (const node of plan.nodes) {
      if (node.compensate === undefined) continue;
      if ((await callCompensations(db, runId, node.no, node.compensate, now)) > 0) compensating += 1;
    }
    await this.ledger.append(db, {
      kind: 'run.cancelled',
      subject: { kind: 'run', id: runId },
      by,
      at: now,
      facts: { runbook: definition.id, steps: cancelled.length, compensating },
      committed: { reason: said },
    });
    await db.query(`UPDATE run SET state = 'cancelling', reason = $2, open_nodes = $3 WHERE id = $1`, [
      runId,
      said,
      compensating,
    ]);
    if (compensating === 0) {
      await closeRunNodes(db, runId, 0, false, now);
      await this.outbox.put(db, runFinished, { runId, runbook: definition.id, subject, state: 'cancelled' });
    }
    await this.#wake(db, runId);
    return ok(undefined);
  }

  /** Adds a step to a run that is under way. It needs nothing and fans out over nothing: it is ready at once. */
  async addStep(
    db: Db,
    runId: Id,
    step: unknown,
    { reason, by }: Act,
  ): Promise<Result<{ stepId: Id }, Refusal>> {
    const parsed = adHocStepSchema.safeParse(step);
    if (!parsed.success) {
      const fields = parsed.error.issues.map((issue) => ({
        field: `/${issue.path.map(String).join('/')}`,
        problem: issue.message,
        mend: 'Correct this value.',
      }));
      return err(refusal('invalid', 'step-invalid', 'The step is not well-formed.', { fields }));
    }
    const problems = stepProblems({ ...parsed.data }, this.installed, new Set());
    if (problems.length > 0 || typeof parsed.data.onFailure === 'object') {
      const fields = problems.map(([field, problem, mend]) => ({ field: `/${field}`, problem, mend }));
      return err(refusal('invalid', 'step-invalid', 'The step cannot run here.', { fields }));
    }
    const run = await holdRun(db, runId);
    if (!run) return err(refusal('not_found', 'run-not-found', 'There is no such run.'));
    if (run.state !== 'running') return err(ended(run.state));
    const now = this.clock.now();
    const definition = stepSchema.parse({ ...(step as object), needs: [] });
    const key = `${definition.id}-${run.nodes}`;
    await db.query(
      `INSERT INTO run_node (run_id, node, step, title, ad_hoc, on_demand, planned, gate, total, open) VALUES ($1, $2, $3, $4, $5, false, true, 0, 1, 1)`,
      [runId, run.nodes, key, definition.title, JSON.stringify({ ...definition, id: key })],
    );
    await db.query(
      `UPDATE run SET open_nodes = open_nodes + 1, row_version = row_version + 1 WHERE id = $1`,
      [runId],
    );
    const row = newStep({ node: run.nodes, state: 'ready', blockers: 0, gated: false }, null);
    await insertSteps(db, runId, [row], now);
    await this.contexts.load(db, [{ runId, node: run.nodes }]);
    await startDeadlines(db, this.contexts, [{ id: row.id, runId, node: run.nodes }], now);
    await this.ledger.append(db, {
      kind: 'step.added',
      subject: { kind: 'step', id: row.id },
      by,
      at: now,
      facts: { run: runId, step: key, uses: definition.uses },
      committed: { reason: errorText(reason) },
    });
    await this.#wake(db, runId);
    return ok({ stepId: row.id });
  }
}

export function ended(state: string): Refusal {
  return refusal('conflict', 'run-ended', `The run is ${state}; nothing of it can be changed any more.`);
}
