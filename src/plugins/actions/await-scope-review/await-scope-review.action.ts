import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { scopesReviewed } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';

const settings = z.strictObject({});
type With = z.infer<typeof settings>;

/** Waits until somebody has said of each scope whether it is needed, and why. */
@Injectable()
export class AwaitScopeReviewAction implements Action<With> {
  readonly name = 'await-scope-review';
  readonly title = 'Wait until a person has decided on every scope';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 15 * SECOND;

  constructor(private readonly transactions: Transactions) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const condition = await this.transactions.run(by, (db) => scopesReviewed(db, context.runId));
    if (condition.met) return { answer: 'done', ...(condition.output ? { output: condition.output } : {}) };
    // What changes wakes the step; this is for when the wake-up was lost.
    const until = context.now() + (condition.soon ? 5 * SECOND : 5 * MINUTE);
    return { answer: 'waiting', until, forWhat: condition.forWhat };
  }
}
