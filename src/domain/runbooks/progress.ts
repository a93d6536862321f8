import type { Id } from '../../kernel/ids.ts';
import { newId } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerInput, LedgerService } from '../ledger/ledger.service.ts';
import { runFinished, stepSettled } from './runs.events.ts';
import { startDeadlines } from './deadlines.queries.ts';
import { gatesOpenedBy, nextSteps, type Closing, type Release } from './next-steps.rules.ts';
import {
  bar,
  barGate,
  callFallbacks,
  closeNode,
  closeRunNodes,
  lowerGate,
  moveNodes,
  openGate,
  passCovered,
  release,
  setDraining,
  type Cancelled,
  type NodeMove,
  type NodeStanding,
  type Readied,
  type ReleaseCount,
} from './progress.queries.ts';
import { insertEvents } from './runs.queries.ts';
import type { RunContexts } from './run-contexts.ts';
import { FINAL, type StepState } from './step.rules.ts';

/** A step that reached an end, with what it closes. */
export interface Ended {
  stepId: Id;
  state: Extract<StepState, 'done' | 'failed' | 'skipped' | 'cancelled'>;
  /** null: its fallback has yet to run; it holds others back until then. */
  passed: boolean | null;
  runId: Id;
  node: number;
  itemKey: string;
  covers: readonly number[];
  fallback?: boolean;
}

/** What the consequences of ended steps leave to do. */
export interface Advance {
  /** Steps that became ready. */
  readied: number;
  /** A barrier opened before a fan-out that can be planned now. */
  toPlan: boolean;
}

/** Most gated steps that one transaction lets through; the planner drains the rest. */
export const DRAIN = 1000;

/**
 * Carries the consequences of ended steps through the counters: dependants released or cancelled, barriers opened, nodes
 * and runs closed, each with its ledger entry and its event. Works inside the transaction that ended the steps.
 */
export class Progress {
  constructor(
    private readonly contexts: RunContexts,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  /**
   * @param released  called once, after the first dependants are released and before any counter moves
   */
  async advance(
    db: Db,
    ended: readonly Ended[],
    now: Millis,
    moves: readonly NodeMove[] = [],
    released?: (readied: number) => Promise<void>,
  ): Promise<Advance> {
    const advance: Advance = { readied: 0, toPlan: false };
    let tell = released;
    let round: readonly Ended[] = ended;
    let extra: readonly NodeMove[] = moves;
    while (round.length > 0 || extra.length > 0) {
      const called = await this.#callFallbacks(db, round, now);
      extra = [
        ...extra,
        ...called.map((step) => ({ ...emptyMove(step.runId, step.node), total: 1, open: 1 })),
      ];
      const closings = round.flatMap((end): Closing[] =>
        end.passed === null ? [] : [{ ...end, passed: end.passed }],
      );
      const { releases, deltas } = nextSteps((runId) => this.contexts.of(runId).plan, closings);
      await passCovered(db, closings);
      const freed = await this.#release(db, releases, now);
      const cancelled = await this.#bar(db, releases, now);
      // The counters' rows are shared by all who work on the run: they come last, so that nobody waits for long.
      await tell?.(freed.length + called.length);
      tell = undefined;
      const nodes = await moveNodes(db, mergedMoves(round, deltas, extra), now);
      const opened = await this.#closeNodes(db, nodes, now);
      await this.#announce(db, round);
      const ready = [...called, ...freed, ...opened.readied];
      await startDeadlines(db, this.contexts, ready, now);
      advance.readied += ready.length;
      advance.toPlan ||= opened.toPlan;
      round = await this.cancelled(db, [...cancelled, ...opened.cancelled], now);
      extra = [];
    }
    await tell?.(0);
    return advance;
  }

  /** The fallbacks of failed steps start now, for the same items, and hold back what the failed steps held back. */
  async #callFallbacks(db: Db, ended: readonly Ended[], now: Millis): Promise<Readied[]> {
    const failed = ended.filter((end) => end.fallback);
    if (failed.length === 0) return [];
    const calls = failed.map((end) => ({
      id: newId(),
      instead: end.stepId,
      node: this.contexts.node(end.runId, end.node)!.fallback!,
      covers: [end.node, ...end.covers],
    }));
    return callFallbacks(db, calls, now);
  }

  async #release(db: Db, releases: readonly Release[], now: Millis): Promise<Readied[]> {
    const readied: Readied[] = [];
    for (const by of ['item', 'parent'] as const) {
      readied.push(...(await release(db, by, counted(releases.filter((r) => r.passed && r.by === by)), now)));
    }
    return readied;
  }

  async #bar(db: Db, releases: readonly Release[], now: Millis): Promise<Cancelled[]> {
    const cancelled: Cancelled[] = [];
    for (const by of ['item', 'parent'] as const) {
      cancelled.push(
        ...(await bar(
          db,
          by,
          releases.filter((r) => !r.passed && r.by === by),
          now,
        )),
      );
    }
    return cancelled;
  }

  /** Events and entries of steps that a failure elsewhere cancelled. */
  async cancelled(db: Db, steps: readonly Cancelled[], now: Millis): Promise<Ended[]> {
    await insertEvents(
      db,
      steps.map((step) => ({
        stepId: step.id,
        runId: step.runId,
        worker: null,
        fence: step.fence,
        attempt: 0,
        kind: 'barred',
        state: 'cancelled',
        reason: null,
        by: null,
        evidence: null,
      })),
      now,
    );
    await this.ledger.append(
      db,
      steps.map((step) => this.entry(step.runId, step.node, step.itemKey, step.id, 'step.cancelled', now)),
    );
    return steps.map((step) => ({
      ...step,
      stepId: step.id,
      state: 'cancelled',
      passed: false,
      covers: step.covers ?? [],
    }));
  }

  /** The same of steps that turned out not to apply as they were planned. */
  async skipped(
    db: Db,
    steps: readonly { id: Id; runId: Id; node: number; itemKey: string; reason: string | null }[],
    now: Millis,
  ): Promise<Ended[]> {
    await insertEvents(
      db,
      steps.map(({ id, runId, reason }) => ({
        stepId: id,
        runId,
        worker: null,
        fence: 0,
        attempt: 0,
        kind: 'answer',
        state: 'skipped',
        reason,
        by: null,
        evidence: null,
      })),
      now,
    );
    await this.ledger.append(
      db,
      steps.map(({ id, runId, node, itemKey, reason }) =>
        // Words of the runbook, of nobody: three of each credential, which need not be erasable.
        this.entry(runId, node, itemKey, id, 'step.skipped', now, {
          attempt: 0,
          ...(reason === null ? {} : { reason }),
        }),
      ),
    );
    return steps.map(({ id, ...step }) => ({
      ...step,
      stepId: id,
      state: 'skipped',
      passed: true,
      covers: [],
    }));
  }

  /** The ledger entry of one step, by the engine. */
  entry(
    runId: Id,
    node: number,
    itemKey: string,
    stepId: Id,
    kind: string,
    at: Millis,
    facts: Record<string, string | number> = {},
  ): LedgerInput {
    const { reason, state, ...more } = facts;
    return {
      kind,
      subject: { kind: 'step', id: stepId },
      by: this.contexts.of(runId).by,
      at,
      // In the order of canonical JSON, which then has nothing to sort.
      facts: {
        ...more,
        item: itemKey,
        ...(reason === undefined ? {} : { reason }),
        run: runId,
        ...(state === undefined ? {} : { state }),
        step: this.contexts.node(runId, node)!.step.id,
      },
    };
  }

  async #closeNodes(
    db: Db,
    nodes: readonly NodeStanding[],
    now: Millis,
  ): Promise<{ readied: Readied[]; cancelled: Cancelled[]; toPlan: boolean }> {
    const readied: Readied[] = [];
    const cancelled: Cancelled[] = [];
    let toPlan = false;
    const closedOf = new Map<Id, { closed: number; barred: boolean }>();
    const queue = nodes.filter((node) => node.planned && !node.closed && node.open === 0);
    for (let node = queue.shift(); node; node = queue.shift()) {
      if (!(await closeNode(db, node.runId, node.node))) continue;
      const run = closedOf.get(node.runId) ?? { closed: 0, barred: false };
      closedOf.set(node.runId, { closed: run.closed + 1, barred: run.barred || node.barred });
      for (const next of gatesOpenedBy(this.contexts.of(node.runId).plan, node.node)) {
        const { gate, gateBarred } = await lowerGate(db, node.runId, next.no, node.barred);
        if (gate > 0) continue;
        toPlan ||= next.fan;
        const drained = await this.drain(db, node.runId, next.no, gateBarred, now);
        readied.push(...drained.readied);
        cancelled.push(...drained.cancelled);
      }
    }
    for (const [runId, { closed, barred }] of closedOf) {
      const state = await closeRunNodes(db, runId, closed, barred, now);
      if (state) await this.#finish(db, runId, state as 'done' | 'failed' | 'cancelled', now);
    }
    return { readied, cancelled, toPlan };
  }

  /** Lets a node's gated steps through, or cancels them; what does not fit in one transaction is left to the planner. */
  async drain(
    db: Db,
    runId: Id,
    node: number,
    barred: boolean,
    now: Millis,
  ): Promise<{ readied: Readied[]; cancelled: Cancelled[] }> {
    const readied: Readied[] = [];
    const cancelled: Cancelled[] = [];
    let met: number;
    if (barred) {
      const done = await barGate(db, runId, node, now, DRAIN);
      cancelled.push(...done.cancelled);
      met = done.met;
    } else {
      const done = await openGate(db, runId, node, now, DRAIN);
      readied.push(...done.readied);
      met = done.met;
    }
    await setDraining(db, runId, node, met === DRAIN);
    return { readied, cancelled };
  }

  async #finish(db: Db, runId: Id, state: 'done' | 'failed' | 'cancelled', now: Millis): Promise<void> {
    const run = this.contexts.of(runId);
    await this.ledger.append(db, {
      kind: `run.${state}`,
      subject: { kind: 'run', id: runId },
      by: run.by,
      at: now,
      facts: { runbook: run.definition.id, subject: run.subject.id },
    });
    await this.outbox.put(
      db,
      runFinished,
      {
        runId,
        runbook: run.definition.id,
        subject: run.subject,
        state,
      },
      { correlationId: run.by.correlationId },
    );
  }

  /** One event for up to 50 steps of a run that ended together; nothing where nobody listens. */
  async #announce(db: Db, ended: readonly Ended[]): Promise<void> {
    const byRun = new Map<Id, Ended[]>();
    for (const end of ended) {
      const steps = byRun.get(end.runId) ?? [];
      steps.push(end);
      byRun.set(end.runId, steps);
    }
    for (const [runId, steps] of byRun) {
      const { subject, by } = this.contexts.of(runId);
      const payloads = [];
      for (let at = 0; at < steps.length; at += 50) {
        const some = steps.slice(at, at + 50);
        payloads.push({
          correlationId: by.correlationId,
          payload: {
            runId,
            subject,
            steps: some.map((s) => ({
              stepId: s.stepId,
              step: this.contexts.node(runId, s.node)!.step.id,
              state: s.state,
            })),
          },
        });
      }
      await this.outbox.putAll(db, stepSettled, payloads);
    }
  }
}

function counted(releases: readonly Release[]): ReleaseCount[] {
  const counts = new Map<string, ReleaseCount>();
  for (const { runId, node, key } of releases) {
    const id = `${runId}:${node}:${key}`;
    const known = counts.get(id);
    if (known) known.count += 1;
    else counts.set(id, { runId, node, key, count: 1 });
  }
  return [...counts.values()];
}

export function emptyMove(runId: Id, node: number): NodeMove {
  return { runId, node, total: 0, open: 0, done: 0, failed: 0, skipped: 0, cancelled: 0, barred: false };
}

/** One move for each node: how many ended in which way, and how many stopped holding others back. */
function mergedMoves(
  ended: readonly Ended[],
  deltas: readonly { runId: Id; node: number; open: number; barred: boolean }[],
  extra: readonly NodeMove[],
): NodeMove[] {
  const moves = new Map<string, NodeMove>();
  const at = (runId: Id, node: number) => {
    const key = `${runId}:${node}`;
    const move = moves.get(key) ?? emptyMove(runId, node);
    moves.set(key, move);
    return move;
  };
  for (const end of ended) if (FINAL.has(end.state)) at(end.runId, end.node)[end.state] += 1;
  for (const delta of deltas) {
    const move = at(delta.runId, delta.node);
    move.open += delta.open;
    move.barred ||= delta.barred;
  }
  for (const more of extra) {
    const move = at(more.runId, more.node);
    for (const name of ['total', 'open', 'done', 'failed', 'skipped', 'cancelled'] as const)
      move[name] += more[name];
    move.barred ||= more.barred;
  }
  return [...moves.values()];
}
