import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { findingsGone } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';

const settings = z.strictObject({
  /** Names of rules of the gate. */
  rules: z.array(z.string().min(1).max(60)).min(1).max(40),
});
type With = z.infer<typeof settings>;

/** Waits until the gate finds nothing of these rules any more, or has been told to except it. Says how to mend what it finds. */
@Injectable()
export class AwaitFindingsGoneAction implements Action<With> {
  readonly name = 'await-findings-gone';
  readonly title = 'Wait until the gate finds nothing of some rules';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 15 * SECOND;

  constructor(private readonly transactions: Transactions) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const condition = await this.transactions.run(by, (db) =>
      findingsGone(db, context.subject.id, context.with.rules),
    );
    if (condition.met) return { answer: 'done', ...(condition.output ? { output: condition.output } : {}) };
    // What changes wakes the step; this is for when the wake-up was lost.
    const until = context.now() + (condition.soon ? 5 * SECOND : 5 * MINUTE);
    return { answer: 'waiting', until, forWhat: condition.forWhat };
  }
}
