import { errorText } from '../../kernel/errors.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import type { Action, StepAnswer, StepContext } from './action.ts';
import { understand } from './answer.rules.ts';
import type { Actions } from './catalogue.ts';
import { DEFAULT_RETRY } from './definition.schema.ts';
import { holds, resolveWith, skippedBecause, type Facts } from './facts.rules.ts';
import type { PlanNode } from './plan.rules.ts';
import type { RunContext } from './run-contexts.ts';
import type { Claimed } from './runs.queries.ts';
import type { Turns } from './turns.ts';

/** A claimed step with what it may look at. */
export interface Job {
  claimed: Claimed;
  run: RunContext;
  node: PlanNode;
  outputs: Readonly<Record<string, unknown>>;
}

/** A call's signal, made only for actions that look at it: most are over before anybody would. */
export class Lifeline {
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  cut(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}

/** The time that one call may take. */
export function limitOf(node: PlanNode, action: Action | undefined): Millis {
  return node.step.timeout ?? action?.timeout ?? 0;
}

/** Runs single steps through their actions. Knows no database: what it answers is recorded by the pump. */
export class Runner {
  constructor(
    private readonly actions: Actions,
    private readonly turns: Turns,
    private readonly clock: Clock,
  ) {}

  /**
   * Calls a step's action once. Never throws: what goes wrong inside an action leaves its effect unknown.
   *
   * @param line  cut when the call's time is up; by the pump, when the lease is lost
   * @param late  is told what the action says after its time was up
   */
  async run(job: Job, line: Lifeline, late: (answer: StepAnswer) => void): Promise<StepAnswer> {
    const { claimed, run, node, outputs } = job;
    const { step } = node;
    const facts: Facts = {
      item: claimed.item ?? undefined,
      input: run.input,
      steps: outputs,
      subject: run.subject,
      run: { id: run.id },
    };
    if (step.when.length > 0 && !holds(step.when, facts))
      return { answer: 'skipped', reason: skippedBecause(step.when) };
    const action = this.actions.get(step.uses);
    if (!action) return { answer: 'failed', reason: `the action "${step.uses}" is not installed here` };
    const approving = step.uses === 'approval';
    if (step.approval && !claimed.approved && !approving)
      return { answer: 'parked', forWhat: `approval of “${step.title}”` };
    if (approving && claimed.approved) return { answer: 'done', output: { approved: true } };
    const parsed = action.with.safeParse(resolveWith(step.with, facts));
    if (!parsed.success) {
      // The issue's path and kind only: the value may be what a person typed.
      const issue = parsed.error.issues[0]!;
      return {
        answer: 'failed',
        reason: `its values do not fit the action: ${issue.path.map(String).join('.')} ${issue.code}`,
      };
    }
    return this.#call(action, job, parsed.data, line, late);
  }

  #contextOf(
    { claimed, run, node, outputs }: Job,
    with_: unknown,
    line: Lifeline,
    turn: StepContext<unknown>['turn'],
  ): StepContext<unknown> {
    return {
      stepId: claimed.id,
      runId: claimed.runId,
      subject: run.subject,
      item: claimed.item ?? undefined,
      with: with_,
      attempt: claimed.attempt,
      tries: {
        failed: claimed.failures,
        left: Math.max(0, (node.step.retry ?? DEFAULT_RETRY).attempts - claimed.failures - 1),
      },
      since: claimed.readyAt,
      idempotencyKey: `${claimed.id}:${claimed.family}`,
      takenOver: claimed.takenOver,
      outputs,
      correlationId: run.by.correlationId,
      now: () => this.clock.now(),
      turn,
      get signal() {
        return line.signal;
      },
    };
  }

  #call(
    action: Action,
    job: Job,
    with_: unknown,
    line: Lifeline,
    late: (answer: StepAnswer) => void,
  ): Promise<StepAnswer> {
    const { lane } = job.claimed;
    const limit = limitOf(job.node, action);
    return new Promise<StepAnswer>((resolve) => {
      let over = false;
      const end = (answer: StepAnswer) => {
        if (over) return late(answer);
        over = true;
        clearTimeout(timer);
        resolve(answer);
      };
      let timer: NodeJS.Timeout | undefined;
      let left = limit;
      let since = 0;
      const run = () => {
        since = performance.now();
        timer = setTimeout(() => {
          const reason = `no answer within ${limit} ms`;
          end({ answer: 'unknown', reason });
          line.cut(new Error(reason));
        }, left).unref();
      };
      const stand = () => {
        clearTimeout(timer);
        left -= performance.now() - since;
      };
      let waiting = 0;
      const wait = async () => {
        if (waiting++ === 0) stand();
        try {
          return await this.turns.take(lane, line.signal);
        } finally {
          if (--waiting === 0 && !over) run();
        }
      };
      const turn = async <T>(call: () => Promise<T>): Promise<T> => {
        const release = this.turns.tryTake(lane) ?? (await wait());
        try {
          return await call();
        } finally {
          release();
        }
      };
      const context = this.#contextOf(job, with_, line, action.turns === 'calls' ? turn : (call) => call());
      run();
      withCorrelation(context.correlationId, async () => action.run(context)).then(
        (said) => end(understand(said)),
        (thrown: unknown) => end({ answer: 'unknown', reason: errorText(thrown) }),
      );
    });
  }
}
