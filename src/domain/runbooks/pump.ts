import { setTimeout as pause } from 'node:timers/promises';
import { errorText } from '../../kernel/errors.ts';
import { system } from '../../kernel/principal.ts';
import type { Id } from '../../kernel/ids.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import type { Log } from '../../platform/log/log.ts';
import type { Action, StepAnswer } from './action.ts';
import type { Actions } from './catalogue.ts';
import { gatherFor } from './gather.rules.ts';
import { Lanes, type Taken } from './lanes.ts';
import type { Answered, Recorder } from './recorder.ts';
import type { RunContexts } from './run-contexts.ts';
import { Lifeline, limitOf, type Job, type Runner } from './runner.ts';
import { renewCall } from './leases.queries.ts';
import { NO_LANE } from './planning.queries.ts';
import { leaseCalls, outputsOf } from './runs.queries.ts';
import type { Turns } from './turns.ts';

/** Results that one transaction takes. */
const GROUP = 1000;
/** Transactions at once: while one waits for the disk, the other is prepared. */
const LOOPS = 2;
/** What a call's lease has beyond the call's own limit. */
const CALL_GRACE: Millis = 5 * SECOND;

interface InHand {
  job: Job;
  worker: Id;
  line: Lifeline;
}

/**
 * Moves steps: claims a batch, runs it, and commits results in groups, the next claim in the same transaction as the last
 * results. It goes on while there is something to take and something to write, and costs nothing when there is not.
 */
export class Pump {
  readonly #by = system('engine', 'pump');
  readonly #lanes: Lanes;
  readonly #inHand = new Map<Id, InHand>();
  #answers: Answered[] = [];
  #wanted = false;
  /** The last claim left some behind. */
  #more = false;
  #wakes = 0;
  #loops = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #accepting = true;
  #stopped = false;
  readonly #idle: (() => void)[] = [];
  /** When the last transaction began, and what ends the wait of a loop that gathers results for the next one. */
  #began = -Infinity;
  #enough: (() => void) | undefined;
  /** Results of lanes that have nothing to do until these are written. */
  #pressing = 0;
  /** Under which id steps are claimed; undefined while there is no lease. */
  worker: Id | undefined;
  /** Told after a commit that left a fan-out to be planned. */
  onPlan: (() => void) | undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly contexts: RunContexts,
    private readonly recorder: Recorder,
    private readonly runner: Runner,
    private readonly actions: Actions,
    private readonly turns: Turns,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#lanes = new Lanes(turns);
  }

  /** Something may be ready. */
  wake(): void {
    if (this.#stopped) return;
    this.#wakes += 1;
    this.#wanted = true;
    this.#lanes.stale();
    this.#spin();
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  #spin(): void {
    while (this.#loops < LOOPS && !this.#stopped && this.#hasWork() && this.#loops < this.#useful()) {
      this.#loops += 1;
      void this.#loop().finally(() => {
        this.#loops -= 1;
        // What came in while the last loop was leaving.
        if (this.#hasWork()) this.#spin();
        else if (this.#loops === 0 && this.#inHand.size === 0)
          for (const done of this.#idle.splice(0)) done();
      });
    }
  }

  /** A second loop helps only where there is enough for two: a wake-up alone is one question. */
  #useful(): number {
    return this.#more || this.#answers.length > GROUP / 4 ? LOOPS : 1;
  }

  #hasWork(): boolean {
    return this.#answers.length > 0 || this.#mayClaim();
  }

  #want(): void {
    this.#wanted = true;
    this.#lanes.stale();
  }

  #mayClaim(): boolean {
    return this.#wanted && this.#accepting && this.worker !== undefined && this.#lanes.room;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped && this.#hasWork()) {
      await this.#gather();
      this.#began = performance.now();
      const answers = this.#answers.splice(0, GROUP);
      this.#pressing = 0;
      try {
        await this.#turn(answers);
        this.#failures = 0;
      } catch (thrown) {
        await this.#recover(answers, thrown);
      }
    }
  }

  /** Waits for what belongs into the same group. */
  async #gather(): Promise<void> {
    // Whatever answers in this very moment.
    await new Promise(setImmediate);
    const wait = this.#gatherFor();
    if (wait === 0 || this.#enough || !this.#accepting) return;
    await new Promise<void>((resolve) => {
      this.#enough = resolve;
      setTimeout(resolve, wait);
    });
    this.#enough = undefined;
  }

  #gatherFor(): Millis {
    return gatherFor({
      inHand: this.#inHand.size,
      answers: this.#answers.length,
      pressing: this.#pressing > 0,
      since: performance.now() - this.#began,
    });
  }

  /** One transaction: results in, next steps out. */
  async #turn(answers: readonly Answered[]): Promise<void> {
    const wakes = this.#wakes;
    let taken: Taken[] = [];
    let jobs: { job: Job; delay: Millis }[] = [];
    let toPlan = false;
    const { worker } = this;
    try {
      await this.transactions.run(this.#by, async (db) => {
        const now = this.clock.now();
        const advance = await this.recorder.record(db, answers, now, async (released) => {
          if (released > 0 || answers.some(({ job }) => this.#lanes.waitsIn(job.claimed.lane))) this.#want();
          if (worker === undefined || !this.#mayClaim()) return;
          const claim = await this.#lanes.claim(db, worker, now);
          taken = claim.taken;
          jobs = await this.#prepare(db, taken);
          this.#more = claim.more;
          if (!claim.more && this.#wakes === wakes) this.#wanted = false;
          if (claim.pause !== undefined) this.#wakeAfter(claim.pause);
        });
        // A barrier that opened after the claim.
        if (advance.readied > taken.length) this.#want();
        toPlan = advance.toPlan;
      });
    } catch (thrown) {
      this.#lanes.undo(taken);
      this.#wanted = true;
      throw thrown;
    }
    for (const { job } of answers) this.#letGo(job);
    for (const { job, delay } of jobs) this.#start(job, worker!, delay);
    if (toPlan) this.onPlan?.();
  }

  #letGo(job: Job): void {
    const held = this.#inHand.get(job.claimed.id);
    if (held?.job !== job) return; // a late word of a step that was let go before
    this.#inHand.delete(job.claimed.id);
    this.#lanes.free(job.claimed.lane);
  }

  /** What steps need to run: their run, the outputs they may refer to, and a lease of their own where a call is long. */
  async #prepare(db: Db, taken: readonly Taken[]): Promise<{ job: Job; delay: Millis }[]> {
    if (taken.length === 0) return [];
    await this.contexts.load(
      db,
      taken.map(({ claimed }) => claimed),
    );
    const calls: { id: Id; fence: number; limit: Millis }[] = [];
    const wanted: { runId: Id; node: number; key: string }[] = [];
    const jobs = taken.map(({ claimed, delay }) => {
      const run = this.contexts.of(claimed.runId);
      const node = this.contexts.node(claimed.runId, claimed.node)!;
      const action = this.actions.get(node.step.uses);
      if (action?.lease === 'call')
        calls.push({
          id: claimed.id,
          fence: claimed.fence,
          limit: limitOf(node, action) + delay + CALL_GRACE,
        });
      for (const need of node.needs) {
        const key = keyOf(run.plan.nodes[need.node]!.fan, need.kind, claimed, node.parentFact);
        if (key !== undefined) wanted.push({ runId: run.id, node: need.node, key });
      }
      return { job: { claimed, run, node, outputs: {} as Record<string, unknown> }, delay };
    });
    await leaseCalls(db, calls);
    const outputs = new Map(
      (await outputsOf(db, wanted)).map((row) => [`${row.runId}:${row.node}:${row.key}`, row.output]),
    );
    if (outputs.size > 0) {
      for (const { job } of jobs) {
        for (const need of job.node.needs) {
          const needed = job.run.plan.nodes[need.node]!;
          const key = keyOf(needed.fan, need.kind, job.claimed, job.node.parentFact);
          const output = outputs.get(`${job.run.id}:${need.node}:${key ?? ''}`);
          if (key !== undefined && output !== undefined) job.outputs[needed.step.id] = output;
        }
      }
    }
    return jobs;
  }

  #start(job: Job, worker: Id, delay: Millis): void {
    const line = new Lifeline();
    this.#inHand.set(job.claimed.id, { job, worker, line });
    let begun = 0;
    let release: (() => void) | undefined;
    const answered = (answer: StepAnswer, late: boolean) => {
      this.#tell(job, answer, performance.now() - begun);
      this.#answers.push({ job, worker, answer, late });
      const { lane } = job.claimed;
      if (lane !== NO_LANE && !this.turns.goesOn(lane)) this.#pressing += 1;
      if (this.#enough && this.#gatherFor() === 0) this.#enough();
      this.#spin();
    };
    const run = () => {
      begun = performance.now();
      void this.runner
        .run(job, line, (answer) => answered(answer, true))
        .then((answer) => {
          release?.();
          answered(answer, false);
        });
    };
    const inTurn = () => {
      const action = this.actions.get(job.node.step.uses);
      release = action?.turns === 'calls' ? () => undefined : this.turns.tryTake(job.claimed.lane);
      if (release) return run();
      void this.#await(job, action, line).then(
        (given) => {
          release = given;
          run();
        },
        (thrown: unknown) => answered({ answer: 'unknown', reason: errorText(thrown) }, false),
      );
    };
    if (delay > 0) setTimeout(inTurn, delay);
    else inTurn();
  }

  /** Waits for a turn in a step's lane. A lease that is the call's own did not grow meanwhile: it is renewed first. */
  async #await(job: Job, action: Action | undefined, line: Lifeline): Promise<() => void> {
    const { claimed, node } = job;
    const release = await this.turns.take(claimed.lane, line.signal);
    if (action?.lease !== 'call') return release;
    try {
      const limit = limitOf(node, action) + CALL_GRACE;
      if (await this.transactions.run(this.#by, (db) => renewCall(db, claimed, limit))) return release;
      throw new Error('the lease on this step was lost while it waited for its turn');
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** One line for each step that did something; none of it is a name, an address or what somebody typed. */
  #tell({ claimed, run, node }: Job, { answer }: StepAnswer, ms: Millis): void {
    const { uses } = node.step;
    const quiet = answer === 'waiting' || answer === 'skipped' || this.actions.get(uses)?.quiet === true;
    this.log[quiet ? 'debug' : 'info'](
      {
        correlationId: run.by.correlationId,
        run: run.id,
        step: claimed.id,
        action: uses,
        answer,
        attempt: claimed.attempt,
        ms: Math.round(ms),
      },
      'a step answered',
    );
  }

  /** A group that cannot be written is tried again: all of it when the database is in trouble, one by one when it is not. */
  async #recover(answers: readonly Answered[], thrown: unknown): Promise<void> {
    this.#failures += 1;
    const { code } = thrown as { code?: string };
    this.log.warn(
      { err: thrown, steps: answers.length },
      'a group of results was not written and is tried again',
    );
    const ofData = typeof code === 'string' && /^(22|23)/.test(code);
    if (ofData && answers.length === 1) {
      const [{ job, worker }] = answers as [Answered];
      this.#answers.unshift({
        job,
        worker,
        late: false,
        answer: { answer: 'unknown', reason: `its answer could not be kept (${code})` },
      });
    } else if (ofData && answers.length > 1) {
      for (const one of answers)
        await this.#turn([one]).catch((again: unknown) => this.#recover([one], again));
      return;
    } else {
      this.#answers.unshift(...answers);
    }
    const limit = Math.min(2 * SECOND, 20 * 2 ** Math.min(this.#failures, 7));
    await pause(limit * (0.5 + Math.random() / 2), undefined, { ref: false });
  }

  #wakeAfter(wait: Millis): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, wait).unref();
  }

  /** Whether this process works on that claim. */
  holds(step: Id, fence: number): boolean {
    return this.#inHand.get(step)?.job.claimed.fence === fence;
  }

  /** The lease is gone: what is in hand belongs to peers, and whatever it answers is evidence. */
  lose(): void {
    this.worker = undefined;
    for (const { line } of this.#inHand.values()) line.cut(new Error('the lease on this step was lost'));
  }

  /** Resolves when nothing is in hand, nothing unwritten and nothing to take. */
  async whenIdle(): Promise<void> {
    if (this.#loops === 0 && this.#inHand.size === 0 && !this.#hasWork()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Takes nothing more, waits up to `limit` for what runs, and writes what it answers. @returns whether all ended. */
  async stop(limit: Millis): Promise<boolean> {
    this.#accepting = false;
    this.#wanted = false;
    this.#enough?.();
    clearTimeout(this.#timer);
    const ended = await Promise.race([this.whenIdle().then(() => true), pause(limit, false, { ref: false })]);
    for (const { line } of this.#inHand.values()) line.cut(new Error('the process is stopping'));
    // What reacts to the signal at once is still written.
    if (!ended) await Promise.race([this.whenIdle(), pause(SECOND, undefined, { ref: false })]);
    this.#stopped = true;
    return this.#inHand.size === 0;
  }
}

/** The item of a needed step whose output this one may see; undefined for a barrier over many. */
function keyOf(
  fan: boolean,
  kind: 'item' | 'parent' | 'all',
  claimed: Job['claimed'],
  parentFact: string | undefined,
): string | undefined {
  if (!fan) return '';
  if (kind === 'item') return claimed.itemKey;
  if (kind !== 'parent' || parentFact === undefined) return undefined;
  const value = claimed.item?.facts[parentFact];
  return value === undefined || value === null ? undefined : String(value);
}
