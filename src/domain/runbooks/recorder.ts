import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerInput, LedgerService } from '../ledger/ledger.service.ts';
import type { StepAnswer } from './action.ts';
import { settlementOf, type Settlement } from './answer.rules.ts';
import { termsOf } from './approval.rules.ts';
import { DEFAULT_WAIT, insertDeadlines, meetDeadlines, type NewDeadline } from './deadlines.queries.ts';
import type { Facts } from './facts.rules.ts';
import type { Advance, Ended, Progress } from './progress.ts';
import type { Job } from './runner.ts';
import { stepParked } from './runs.events.ts';
import { insertEvents, recordDone, recordResults, standingOf, type StepEventRow } from './runs.queries.ts';
import { FINAL } from './step.rules.ts';

/** What an action said of a step. */
export interface Answered {
  job: Job;
  worker: Id;
  answer: StepAnswer;
  /** It came after the call's time was up: evidence only. */
  late: boolean;
}

/** Most bytes of one step's output; what is larger belongs into evidence. */
const MOST_OUTPUT = 64_000;

/**
 * Writes the results of a group of steps in one transaction: the fenced change of state, the event, the ledger entry,
 * the deadlines, and everything that follows for others. A result whose fence is stale becomes evidence.
 */
export class Recorder {
  constructor(
    private readonly progress: Progress,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  /**
   * @param released  called once, when the steps that these results release can be claimed
   */
  async record(
    db: Db,
    answers: readonly Answered[],
    now: Millis,
    released: (readied: number) => Promise<void>,
  ): Promise<Advance> {
    if (answers.length === 0) {
      await released(0);
      return { readied: 0, toPlan: false };
    }
    const timely = answers.filter((one) => !one.late);
    const settled = timely.map((one) => ({ ...one, settlement: settle(one, now) }));
    const [plain, other] = [settled.filter(isPlain), settled.filter((one) => !isPlain(one))];
    const ours = await recordDone(
      db,
      plain.map(({ job }) => job.claimed),
      now,
    );
    const recorded = other.map(({ job, settlement }) => ({
      ...settlement,
      id: job.claimed.id,
      fence: job.claimed.fence,
      final: FINAL.has(settlement.state),
    }));
    for (const id of await recordResults(db, recorded, now)) ours.add(id);

    const kept = settled.filter((one) => ours.has(one.job.claimed.id));
    await this.#stale(
      db,
      [...settled.filter((one) => !ours.has(one.job.claimed.id)), ...answers.filter((one) => one.late)],
      now,
    );
    await insertEvents(db, kept.filter((one) => !isPlain(one)).map(eventOf), now);
    const entries = kept.flatMap((one) => this.#entry(one, now));
    if (entries.length > 0) await this.ledger.append(db, entries);
    await this.#park(
      db,
      kept.filter((one) => one.settlement.state === 'parked'),
      now,
    );
    const finals = kept.filter((one) => FINAL.has(one.settlement.state));
    await meetDeadlines(
      db,
      finals
        .filter(({ job }) => job.claimed.clocked || job.node.step.dueWithin !== undefined)
        .map(({ job }) => job.claimed.id),
      now,
    );
    return this.progress.advance(db, finals.map(endedOf), now, [], released);
  }

  /** A waiting poll is an event and no entry; what ends, parks or leaves the outcome open goes into the ledger. */
  #entry({ job, settlement, answer }: Settled, now: Millis): LedgerInput[] {
    if (settlement.state === 'waiting') return [];
    const { claimed } = job;
    const entry = this.progress.entry(
      claimed.runId,
      claimed.node,
      claimed.itemKey,
      claimed.id,
      `step.${settlement.state}`,
      now,
      { attempt: claimed.attempt },
    );
    const evidence = 'evidence' in answer ? answer.evidence : undefined;
    return [
      {
        ...entry,
        facts: evidence ? { ...entry.facts, evidence } : entry.facts,
        ...(settlement.reason === null ? {} : { committed: { reason: settlement.reason } }),
      },
    ];
  }

  /** A parked step gets a clock, and somebody is told. */
  async #park(db: Db, parked: readonly Settled[], now: Millis): Promise<void> {
    if (parked.length === 0) return;
    await insertDeadlines(
      db,
      parked.flatMap((one) => deadlineOf(one, now)),
    );
    await this.outbox.putAll(
      db,
      stepParked,
      parked.map(({ job, settlement }) => ({
        correlationId: job.run.by.correlationId,
        payload: {
          runId: job.claimed.runId,
          subject: job.run.subject,
          stepId: job.claimed.id,
          step: job.node.step.id,
          ownerRole: settlement.ownerRole,
          ownerContactId: settlement.ownerContactId,
        },
      })),
    );
  }

  async #stale(db: Db, answers: readonly Answered[], now: Millis): Promise<void> {
    if (answers.length === 0) return;
    const standing = new Map(
      (
        await standingOf(
          db,
          answers.map(({ job }) => job.claimed.id),
        )
      ).map((row) => [row.id, row]),
    );
    const stale = answers.filter(({ job, late }) => {
      const row = standing.get(job.claimed.id);
      // The same fence in another state: this very result was committed, and only our knowledge of it was lost.
      return (
        row !== undefined &&
        (late ||
          row.fence !== job.claimed.fence ||
          row.state === 'ready' ||
          row.state === 'cancelled' ||
          row.state === 'skipped')
      );
    });
    await insertEvents(
      db,
      stale.map((one) => ({ ...eventOf(one), kind: one.late ? 'late-answer' : 'stale-answer' })),
      now,
    );
  }
}

interface Settled extends Answered {
  settlement: Settlement;
}

function settle({ job, answer }: Answered, now: Millis): Settlement {
  const { step } = job.node;
  const policy = { ...step, owner: step.owner ?? job.run.definition.owner };
  const said = tooLarge(answer)
    ? ({ answer: 'failed', reason: `its output is larger than ${MOST_OUTPUT} bytes` } as const)
    : answer;
  return clean(settlementOf(said, job.claimed, policy, now, Math.random()));
}

function tooLarge(answer: StepAnswer): boolean {
  return (
    answer.answer === 'done' &&
    answer.output !== undefined &&
    JSON.stringify(answer.output).length > MOST_OUTPUT
  );
}

/** Postgres refuses NUL and lone surrogates; a supplier's text must not be able to stop a group of results. */
function clean(settlement: Settlement): Settlement {
  const text = (value: string) => value.toWellFormed().replaceAll('\u0000', '');
  const { reason, forWhat, output } = settlement;
  if (reason === null && forWhat === null && output === null) return settlement;
  return {
    ...settlement,
    reason: reason === null ? null : text(reason).slice(0, 2000),
    forWhat: forWhat === null ? null : text(forWhat).slice(0, 500),
    output:
      output === null
        ? null
        : (JSON.parse(JSON.stringify(output), (_, value: unknown) =>
            typeof value === 'string' ? text(value) : value,
          ) as Record<string, unknown>),
  };
}

function isPlain({ settlement }: Settled): boolean {
  return settlement.state === 'done' && settlement.output === null && settlement.reason === null;
}

function eventOf({ job, worker, answer, ...rest }: Answered | Settled): StepEventRow {
  const { claimed } = job;
  const settlement = 'settlement' in rest ? rest.settlement : undefined;
  const said = 'reason' in answer ? answer.reason : 'forWhat' in answer ? answer.forWhat : null;
  const evidence =
    'evidence' in answer && answer.evidence && answer.evidence.length > 0 ? answer.evidence : null;
  const state = settlement?.state ?? answer.answer;
  return {
    stepId: claimed.id,
    runId: claimed.runId,
    worker,
    fence: claimed.fence,
    attempt: claimed.attempt,
    kind: 'answer',
    state,
    reason:
      settlement?.reason ??
      (said === null ? null : said.toWellFormed().replaceAll('\u0000', '').slice(0, 2000)),
    by: null,
    evidence,
  };
}

function endedOf({ job, settlement }: Settled): Ended {
  const { claimed } = job;
  return {
    stepId: claimed.id,
    state: settlement.state as Ended['state'],
    passed: settlement.passed,
    runId: claimed.runId,
    node: claimed.node,
    itemKey: claimed.itemKey,
    covers: claimed.covers ?? [],
    fallback: settlement.fallback,
  };
}

function deadlineOf({ job, settlement, answer }: Settled, now: Millis): NewDeadline[] {
  const { claimed, node, run } = job;
  const owner = {
    stepId: claimed.id,
    ownerRole: settlement.ownerRole,
    ownerContactId: settlement.ownerContactId,
    warnAt: null,
  };
  if (node.step.approval && !claimed.approved && answer.answer === 'parked') {
    const facts: Facts = {
      item: claimed.item ?? undefined,
      input: run.input,
      steps: job.outputs,
      subject: run.subject,
      run: { id: run.id },
    };
    const { within, otherwise } = termsOf(node.step.approval, facts);
    return [
      {
        ...owner,
        kind: 'approval',
        otherwise: otherwise ?? 'escalate',
        dueAt: now + (within ?? DEFAULT_WAIT),
      },
    ];
  }
  const explicit = answer.answer === 'parked' ? answer.due : undefined;
  // The runbook's own deadline is already running.
  if (explicit === undefined && node.step.dueWithin !== undefined) return [];
  return [{ ...owner, kind: 'answer', otherwise: 'escalate', dueAt: explicit ?? now + DEFAULT_WAIT }];
}
